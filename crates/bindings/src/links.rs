//! Getters by which the contracts name each other; not in the interfaces, since only deployments
//! and nodes at their start ask.

#![allow(missing_docs)] // generated items; the functions are those of the contracts

alloy::sol! {
    #[sol(rpc)]
    interface RoundsLinks {
        function table() external view returns (address);
        function market() external view returns (address);
        function bridge() external view returns (address);
        function disputes() external view returns (address);
        function strikes() external view returns (address);
    }

    #[sol(rpc)]
    interface DisputesLinks {
        function verifier() external view returns (address);
        function bondOf(uint64 n) external view returns (address proposer, uint256 amount);
    }

    #[sol(rpc)]
    interface MarketLinks {
        function providers() external view returns (address);
        function escrow() external view returns (address);
    }

    #[sol(rpc)]
    interface MachinesLinks {
        function market() external view returns (address);
        function rounds() external view returns (address);
    }

    #[sol(rpc)]
    interface EscrowLinks {
        function market() external view returns (address);
        function rounds() external view returns (address);
        function health() external view returns (address);
    }

    #[sol(rpc)]
    interface HealthLinks {
        function rounds() external view returns (address);
        function market() external view returns (address);
        function machines() external view returns (address);
        function escrow() external view returns (address);
    }

    #[sol(rpc)]
    interface ProvidersLinks {
        function token() external view returns (address);
        function millionth() external view returns (uint256);
    }

    #[sol(rpc)]
    interface ServiceManagerLinks {
        function allocationManager() external view returns (address);
        function bridge() external view returns (address);
    }

    #[sol(rpc)]
    interface SlasherLimits {
        function EPOCH_CAP() external view returns (uint256);
        function sunset() external view returns (uint64);
        function lostIn(uint32 operatorIndex, uint256 epoch) external view returns (uint256 wad);
    }

    #[sol(rpc)]
    interface BridgeLinks {
        function isDevnetOnly() external view returns (bool);
    }
}
