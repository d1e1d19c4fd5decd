// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for the devnet: one holder has it all and gives it out.
contract DevnetToken is ERC20 {
    uint8 private immutable _decimals;

    /// @param name_ its name
    /// @param symbol_ its symbol
    /// @param decimals_ its decimals
    /// @param holder has the whole supply
    /// @param supply in the smallest unit
    constructor(string memory name_, string memory symbol_, uint8 decimals_, address holder, uint256 supply)
        ERC20(name_, symbol_)
    {
        _decimals = decimals_;
        _mint(holder, supply);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
