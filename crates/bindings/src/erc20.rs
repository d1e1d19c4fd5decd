//! The part of ERC-20 that we call. Return values are declared; tokens that return nothing are
//! handled by the contracts (`SafeERC20`), Rust only reads and approves.

#![allow(missing_docs)]

alloy::sol! {
    #[sol(rpc)]
    interface IERC20 {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);

        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
        function decimals() external view returns (uint8);
    }
}
