//! Constructors' structs and set-up calls of our contracts: what only a deployer needs.

#![allow(missing_docs)]

alloy::sol! {
    /// The clock of a deployment as L1 needs it (`contracts/src/l1/Times.sol`).
    #[derive(Debug, PartialEq, Eq)]
    struct Times {
        uint64 genesis;
        uint32 period;
        uint32 stakeEpoch;
        uint32 tableLead;
        uint32 tableWindow;
        uint32 settleTimeout;
        uint32 challengeWindow;
        uint32 revealWindow;
        uint32 bridgeDelay;
        uint32 executionWindow;
        uint32 secondsPerBlock;
    }

    /// What `Rounds` is told about the contracts around it.
    struct Links {
        address table;
        address market;
        address bridge;
        address timelock;
        address disputes;
        address strikes;
    }

    /// What proposals cost, and what the windows of `Rounds` are measured against.
    struct Limits {
        uint256 proposalBond;
        uint32 forcedInclusion;
    }

    /// What `Escrow` is told about the contracts around it.
    struct EscrowLinks {
        address market;
        address rounds;
        address providers;
        address health;
        address treasury;
        address forwarder;
    }

    /// What `Health` is told about the contracts around it.
    struct HealthLinks {
        address rounds;
        address table;
        address market;
        address machines;
        address providers;
        address escrow;
        address beaconKeyPage;
    }

    /// What `UptimeRewards` is told about the contracts around it.
    struct UptimeLinks {
        address health;
        address rounds;
        address market;
        address machines;
        address providers;
        address checks;
    }

    /// The beacon as `Slasher` is told (`contracts/src/l1/Seeds.sol`).
    struct Beacon {
        bytes key;
        bytes32 chainHash;
        uint64 genesis;
        uint32 period;
        uint32 delay;
    }

    /// How the operator set is created in the core (`contracts/src/l1/CoreAdapter.sol`).
    struct SetUp {
        uint8 dialect;
        address permissions;
        address slasher;
        address recipient;
        address[] strategies;
        string metadataURI;
        address rewards;
        address rewardsCoordinator;
    }

    #[sol(rpc)]
    interface IServiceManagerSetUp {
        function setUp(SetUp s) external;
    }

    #[sol(rpc)]
    interface IPlainBridge {
        function connect(address sender, address receiver, address peer) external;
        function deliver(uint64 nonce, bytes payload) external;
        function delivered(uint64 nonce) external view returns (bool);
        function isDevnetOnly() external pure returns (bool);
    }

    /// Anyone makes as much of it as they like.
    interface IDevnetToken {
        function mint(address to, uint256 amount) external;
    }

    interface IBeaconPage {
        function beaconKeyPage() external view returns (address);
    }

    interface IRoles {
        function grantRole(bytes32 role, address account) external;
    }
}
