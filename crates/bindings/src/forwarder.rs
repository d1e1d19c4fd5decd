//! OpenZeppelin's `ERC2771Forwarder` (contracts 5.x), the ERC-2771 question that its targets answer,
//! and the part of ERC-2612 and ERC-5267 by which a token's approval is signed instead of sent.

#![allow(missing_docs)] // generated items; the functions are those of the standards

alloy::sol! {
    /// What is signed (EIP-712). The forwarder fills in the nonce itself.
    #[derive(Debug, PartialEq, Eq)]
    struct ForwardRequest {
        address from;
        address to;
        uint256 value;
        uint256 gas;
        uint256 nonce;
        uint48 deadline;
        bytes data;
    }

    #[sol(rpc)]
    interface IForwarder {
        #[derive(Debug, PartialEq, Eq)]
        struct ForwardRequestData {
            address from;
            address to;
            uint256 value;
            uint256 gas;
            uint48 deadline;
            bytes data;
            bytes signature;
        }

        event ExecutedForwardRequest(address indexed signer, uint256 nonce, bool success);

        error FailedCall();
        error ERC2771ForwarderInvalidSigner(address signer, address from);
        error ERC2771ForwarderExpiredRequest(uint48 deadline);
        error ERC2771UntrustfulTarget(address target, address forwarder);

        function execute(ForwardRequestData calldata request) external payable;
        function nonces(address owner) external view returns (uint256);
    }

    #[sol(rpc)]
    interface IERC2771 {
        function trustedForwarder() external view returns (address);
        function isTrustedForwarder(address forwarder) external view returns (bool);
    }

    #[sol(rpc)]
    interface IERC5267 {
        function eip712Domain()
            external
            view
            returns (
                bytes1 fields,
                string name,
                string version,
                uint256 chainId,
                address verifyingContract,
                bytes32 salt,
                uint256[] extensions
            );
    }

    /// What is signed for ERC-2612.
    #[derive(Debug, PartialEq, Eq)]
    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }

    #[sol(rpc)]
    interface IERC20Permit {
        function nonces(address owner) external view returns (uint256);
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        function name() external view returns (string);
    }
}
