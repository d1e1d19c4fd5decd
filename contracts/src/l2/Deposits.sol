// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Credits} from "./Credits.sol";

/// @title What entry-tier providers put up out of their earnings, in place of stake.
/// @dev Amounts are micro-dollars. A deposit is whole by its sum over all currencies: they are dollars all.
abstract contract Deposits is Credits {
    uint256 private constant FULL = 10_000;

    /// @dev What a provider has put up in all, and in which currencies (bit `c` is currency `c`).
    struct Sum {
        uint216 micro;
        uint32 currencies;
    }

    mapping(address provider => Sum) private _sums;
    mapping(address provider => mapping(uint256 currency => uint256)) private _deposits;

    /// @notice There is no deposit in this currency.
    error NoDeposit(address provider, uint8 currency);
    /// @notice A share above 10,000 basis points.
    error BadShare(uint256 share);

    /// @inheritdoc IEscrow
    function depositOf(address provider, uint8 currency) external view returns (uint256) {
        return _deposits[provider][currency];
    }

    /// @dev Keeps `bps` of what a provider is paid, but no more than what its deposit lacks of `whole`.
    function _withhold(address provider, uint8 currency, uint256 pay, uint256 bps, uint256 whole)
        internal
        returns (uint256 micro)
    {
        Sum memory sum = _sums[provider];
        micro = pay * bps / FULL;
        uint256 lacks = sum.micro < whole ? whole - sum.micro : 0;
        if (micro > lacks) micro = lacks;
        if (micro == 0) return 0;
        _sums[provider] = Sum(uint216(sum.micro + micro), sum.currencies | uint32(1 << currency));
        _setDeposit(provider, currency, _deposits[provider][currency] + micro);
    }

    /// @dev Credits a provider with all of its deposit in a currency.
    function _giveBack(address provider, uint8 currency) internal {
        uint256 micro = _deposits[provider][currency];
        if (micro == 0) revert NoDeposit(provider, currency);
        Sum memory sum = _sums[provider];
        _sums[provider] = Sum(uint216(sum.micro - micro), sum.currencies & ~uint32(1 << currency));
        _setDeposit(provider, currency, 0);
        _credit(currency, provider, micro);
    }

    /// @dev Credits the treasury with a share of all that a provider has put up, rounded down in each currency.
    function _takeShare(address provider, uint256 bps) internal {
        if (bps > FULL) revert BadShare(bps);
        Sum memory sum = _sums[provider];
        uint256 taken;
        for (uint8 currency; sum.currencies >> currency != 0; ++currency) {
            uint256 micro = _deposits[provider][currency];
            uint256 share = micro * bps / FULL;
            if (share == 0) continue;
            taken += share;
            _setDeposit(provider, currency, micro - share);
            _credit(currency, treasury, share);
        }
        _sums[provider].micro = uint216(sum.micro - taken);
    }

    function _setDeposit(address provider, uint8 currency, uint256 micro) private {
        _deposits[provider][currency] = micro;
        emit DepositChanged(provider, currency, micro);
    }
}
