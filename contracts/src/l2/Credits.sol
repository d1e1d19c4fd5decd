// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title Currencies, and what the escrow owes to whom.
/// @dev Money comes in by `_pull` and leaves by `withdraw` alone. A receiver that cannot be paid holds up nobody else.
abstract contract Credits is IEscrow, ReentrancyGuardTransient, ERC2771Context {
    using SafeERC20 for IERC20Metadata;

    /// @notice Most currencies; their indices are bits of a mask in offers.
    uint256 public constant MAX_CURRENCIES = 32;

    /// @dev One token, and how many of its smallest units make a micro-dollar.
    struct Currency {
        IERC20Metadata token;
        uint96 unit;
    }

    /// @notice Who is credited with the fees.
    address public immutable treasury;

    mapping(uint256 index => Currency) private _currencies;
    mapping(address account => mapping(uint256 currency => uint256)) private _credits;

    /// @notice More tokens than currencies have indices.
    error TooManyCurrencies(uint256 count);
    /// @notice The token has fewer than 6 or more than 18 decimals.
    error BadDecimals(uint8 currency, uint8 decimals);
    /// @notice No token stands behind this currency.
    error UnknownCurrency(uint8 currency);
    /// @notice The token moved another amount than was asked for.
    error TokenTakesFee(uint256 got, uint256 expected);
    /// @notice The caller was not credited with anything.
    error NothingToWithdraw(address account, uint8 currency);

    constructor(address treasury_, address[] memory tokens_) {
        if (tokens_.length > MAX_CURRENCIES) revert TooManyCurrencies(tokens_.length);
        treasury = treasury_;
        for (uint256 i; i < tokens_.length; ++i) {
            if (tokens_[i] == address(0)) continue;
            IERC20Metadata t = IERC20Metadata(tokens_[i]);
            uint8 decimals = t.decimals();
            if (decimals < 6 || decimals > 18) revert BadDecimals(uint8(i), decimals);
            _currencies[i] = Currency(t, uint96(10) ** (decimals - 6));
        }
    }

    /// @inheritdoc IEscrow
    function withdraw(uint8 currency) external nonReentrant returns (uint256 amount) {
        address account = _msgSender();
        amount = _credits[account][currency];
        if (amount == 0) revert NothingToWithdraw(account, currency);
        _credits[account][currency] = 0;
        emit Withdrawn(account, currency, amount);
        _currencies[currency].token.safeTransfer(account, amount);
    }

    /// @inheritdoc IEscrow
    /// @dev Whoever sees a permit on its way can hand it in first: so one that fails is left at that, and what it was
    /// for fails by itself if the allowance is not there.
    function permit(uint8 currency, address owner, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        Currency memory c = _currency(currency);
        try IERC20Permit(address(c.token)).permit(owner, address(this), value, deadline, v, r, s) {} catch {}
    }

    /// @inheritdoc IEscrow
    function creditOf(address account, uint8 currency) external view returns (uint256) {
        return _credits[account][currency];
    }

    /// @inheritdoc IEscrow
    function token(uint8 currency) external view returns (address) {
        return address(_currencies[currency].token);
    }

    /// @dev Takes `micro` micro-dollars from `payer`, who must have approved this contract at the token.
    function _pull(uint8 currency, address payer, uint256 micro) internal {
        Currency memory c = _currency(currency);
        uint256 amount = micro * c.unit;
        uint256 before = c.token.balanceOf(address(this));
        c.token.safeTransferFrom(payer, address(this), amount);
        uint256 got = c.token.balanceOf(address(this)) - before;
        if (got != amount) revert TokenTakesFee(got, amount);
    }

    /// @dev Owes `micro` micro-dollars to `account` from now on.
    function _credit(uint8 currency, address account, uint256 micro) internal {
        if (micro != 0) _credits[account][currency] += micro * _currencies[currency].unit;
    }

    function _currency(uint8 currency) private view returns (Currency memory c) {
        c = _currencies[currency];
        if (c.unit == 0) revert UnknownCurrency(currency);
    }
}
