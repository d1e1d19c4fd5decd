// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {Escrow} from "./Escrow.sol";

/// @title Pays whoever posts chunks, out of the request fees of currency 0.
/// @dev Amounts are micro-dollars. Posting never fails for want of money: what the pot lacks is owed. The pot and
/// the credits are held; a debt is not, it is paid out of fees that have yet to come.
abstract contract PostingPot is Escrow {
    /// @dev The currency that posting is paid in.
    uint8 private constant CURRENCY = 0;

    /// @notice The most that the pot holds, in micro-dollars; what comes beyond goes to the treasury.
    uint256 public immutable potCap;

    uint256 private _pot;
    mapping(address poster => uint256) private _debts;

    /// @notice Nothing is owed to the poster, or the pot is empty.
    error NothingToCollect(address poster, uint256 debt, uint256 pot);

    constructor(uint256 potCap_) {
        potCap = potCap_;
    }

    /// @inheritdoc IMarket
    function collectDebt(address poster) external returns (uint256 micro) {
        uint256 debt = _debts[poster];
        micro = _draw(poster, debt);
        if (micro == 0) revert NothingToCollect(poster, debt, _pot);
        _debts[poster] = debt - micro;
    }

    /// @inheritdoc IMarket
    function postingPot() external view returns (uint256) {
        return _pot;
    }

    /// @inheritdoc IMarket
    function debtOf(address poster) external view returns (uint256) {
        return _debts[poster];
    }

    /// @dev Takes in request fees that were pulled: into the pot while it has room, else to the treasury.
    function _takeFees(uint8 currency, uint256 micro) internal {
        if (currency == CURRENCY) {
            uint256 pot = _pot;
            uint256 kept = micro < potCap - pot ? micro : potCap - pot;
            if (kept != 0) _pot = pot + kept;
            micro -= kept;
        }
        _credit(currency, treasury, micro);
    }

    /// @dev Pays a poster as far as the pot reaches, and owes the rest.
    function _payPoster(address poster, uint256 micro) internal virtual {
        uint256 paid = _draw(poster, micro);
        if (paid != micro) _debts[poster] += micro - paid;
    }

    /// @dev Credits an account out of the pot with `micro`, or with what there is.
    function _draw(address account, uint256 micro) private returns (uint256 drawn) {
        uint256 pot = _pot;
        drawn = micro < pot ? micro : pot;
        if (drawn == 0) return 0;
        _pot = pot - drawn;
        _credit(CURRENCY, account, drawn);
    }
}
