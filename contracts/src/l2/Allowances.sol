// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title What payers let tenants lock: a cap and an end, for a tenant and a currency.
/// @dev A session key is a tenant like any other: it can spend up to its cap, and take nothing out.
abstract contract Allowances is IEscrow, ERC2771Context {
    /// @dev Cap in micro-dollars, and the last second.
    struct Allowance {
        uint192 cap;
        uint64 until;
    }

    mapping(address payer => mapping(address tenant => mapping(uint256 currency => Allowance))) private _allowances;

    /// @notice The payer lets this tenant lock less (nothing at all after `until`).
    error NotAllowed(address payer, address tenant, uint256 asked, uint256 cap);

    /// @inheritdoc IEscrow
    /// @dev No money is as much as the largest cap.
    function allow(address tenant, uint8 currency, uint256 cap, uint64 until) external {
        if (cap > type(uint192).max) cap = type(uint192).max;
        _allowances[_msgSender()][tenant][currency] = Allowance(uint192(cap), until);
        emit Allowed(_msgSender(), tenant, currency, cap, until);
    }

    /// @inheritdoc IEscrow
    function allowanceOf(address payer, address tenant, uint8 currency)
        external
        view
        returns (uint256 cap, uint64 until)
    {
        Allowance memory a = _allowances[payer][tenant][currency];
        return (a.cap, a.until);
    }

    /// @dev Uses up what a payer allows a tenant. Nobody needs leave to spend its own.
    function _use(address payer, address tenant, uint8 currency, uint256 micro) internal {
        if (payer == tenant) return;
        Allowance storage a = _allowances[payer][tenant][currency];
        uint192 cap = block.timestamp > a.until ? 0 : a.cap;
        if (micro > cap) revert NotAllowed(payer, tenant, micro, cap);
        a.cap = cap - uint192(micro);
    }
}
