// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Credits} from "./Credits.sol";

/// @title Pays whoever settles rounds and posts chunks, out of the request fees of currency 0.
/// @dev Amounts are micro-dollars. Neither ever fails for want of money: what the pot lacks is owed. The pot and the
/// credits are held; a debt is not, it is paid out of fees that have yet to come.
abstract contract FeePot is Credits {
    /// @dev The currency that they are paid in.
    uint8 private constant CURRENCY = 0;

    /// @notice The most that the pot holds, in micro-dollars; what comes beyond goes to the treasury.
    uint256 public immutable potCap;

    /// @inheritdoc IEscrow
    uint256 public pot;
    /// @inheritdoc IEscrow
    mapping(address account => uint256) public debtOf;

    /// @notice Nothing is owed to the account, or the pot is empty.
    error NothingToCollect(address account, uint256 debt, uint256 pot);

    constructor(uint256 potCap_) {
        potCap = potCap_;
    }

    /// @inheritdoc IEscrow
    function collectDebt(address account) external returns (uint256 micro) {
        uint256 debt = debtOf[account];
        micro = _draw(account, debt);
        if (micro == 0) revert NothingToCollect(account, debt, pot);
        debtOf[account] = debt - micro;
    }

    /// @dev Takes in request fees that were pulled: into the pot while it has room, else to the treasury.
    function _takeFees(uint8 currency, uint256 micro) internal {
        if (currency == CURRENCY) {
            uint256 held = pot;
            uint256 kept = micro < potCap - held ? micro : potCap - held;
            if (kept != 0) pot = held + kept;
            micro -= kept;
        }
        _credit(currency, treasury, micro);
    }

    /// @dev Pays an account as far as the pot reaches, and owes the rest.
    function _payOrOwe(address account, uint256 micro) internal {
        uint256 paid = _draw(account, micro);
        if (paid != micro) debtOf[account] += micro - paid;
    }

    /// @dev Credits an account out of the pot with `micro`, or with what there is.
    function _draw(address account, uint256 micro) private returns (uint256 drawn) {
        uint256 held = pot;
        drawn = micro < held ? micro : held;
        if (drawn == 0) return 0;
        pot = held - drawn;
        _credit(CURRENCY, account, drawn);
    }
}
