// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";

/// @notice A token that anyone mints; `tax` makes it keep a share of each transfer, `frozen` stops an account.
contract MockToken is ERC20Permit {
    uint8 private immutable _decimals;
    uint256 public tax;
    mapping(address => bool) public frozen;

    constructor(uint8 decimals_) ERC20("mock", "MOCK") ERC20Permit("mock") {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setTax(uint256 bps) external {
        tax = bps;
    }

    function freeze(address account) external {
        frozen[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!frozen[to], "frozen");
        super._update(from, to, value);
        if (tax != 0 && from != address(0) && to != address(0)) super._update(to, address(1), value * tax / 10_000);
    }
}

/// @notice A stake table that says what it is told. The epoch's stakes are those of `set`; a bitmap of one byte
/// says whether the signature is good.
contract MockStakeTable is IStakeTable {
    uint256 public signed;
    uint256 public total;
    bool public bad;
    bool public isIncomplete;

    constructor(uint256 signed_, uint256 total_) {
        (signed, total) = (signed_, total_);
    }

    function set(uint256 signed_, uint256 total_) external {
        (signed, total) = (signed_, total_);
    }

    function setComplete(bool complete) external {
        isIncomplete = !complete;
    }

    function setBad(bool bad_) external {
        bad = bad_;
    }

    function verify(uint64, bytes32, bytes calldata, bytes calldata) external view returns (uint256, uint256) {
        if (bad) revert BadSignature();
        return (signed, total);
    }

    function postKeysPage(uint64, uint32, bytes calldata) external {}
    function postStakesPage(uint64, bytes calldata) external {}

    function commitmentOf(uint64) external pure returns (bool, bytes memory) {
        return (true, "");
    }

    function keysPageAt(bytes32) external pure returns (address) {
        return address(0);
    }

    function isComplete(uint64) external view returns (bool) {
        return !isIncomplete;
    }

    function tableOf(uint64) external pure returns (uint32, uint128, bytes memory, bytes memory) {
        return (0, 0, "", "");
    }

    function keysPage(uint64, uint32) external pure returns (bytes memory) {
        return "";
    }
}

/// @notice A health that knows what it is told: everything is settled and nothing is down, but for what is marked.
contract MockHealth {
    struct Span {
        uint64 from;
        uint64 to;
    }

    uint64 public settledUntil = type(uint64).max;
    mapping(uint64 offerId => Span[]) private _down;

    function setSettledUntil(uint64 time) external {
        settledUntil = time;
    }

    /// @dev Marks [from, to) as DOWN; spans do not overlap.
    function mark(uint64 offerId, uint64 from, uint64 to) external {
        _down[offerId].push(Span(from, to));
    }

    function unpaidSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64 count) {
        require(to <= settledUntil, "not settled");
        Span[] memory spans = _down[offerId];
        for (uint256 i; i < spans.length; ++i) {
            uint64 low = spans[i].from > from ? spans[i].from : from;
            uint64 high = spans[i].to < to ? spans[i].to : to;
            if (low < high) count += high - low;
        }
    }

    function forfeit(IEscrow escrow, address provider, uint16 bps) external {
        escrow.forfeit(provider, bps);
    }
}

/// @notice A bridge that remembers what it was given.
contract MockBridge is IBridge {
    bytes public last;
    uint64 public count;

    function send(bytes calldata payload) external payable returns (uint64) {
        last = payload;
        return count++;
    }
}

/// @notice Disputes that remember the bonds of proposals.
contract MockDisputes {
    mapping(uint64 n => address) public proposerOf;
    mapping(uint64 n => uint256) public bondOf;

    error BondTwice(uint64 n);
    error NoBond(uint64 n);

    function holdBond(uint64 n, address proposer) external payable {
        if (bondOf[n] != 0) revert BondTwice(n);
        (proposerOf[n], bondOf[n]) = (proposer, msg.value);
    }

    function releaseBond(uint64 n) external {
        if (bondOf[n] == 0) revert NoBond(n);
        bondOf[n] = 0;
    }
}

/// @notice A market that fails to open leases in some other way than by refuting.
contract FailingMarket {
    error Other(uint8 code, uint32 position);

    uint8 private immutable _way;

    constructor(uint8 way) {
        _way = way;
    }

    /// @dev What a policy is judged by, before anything fails.
    function providers() external view returns (FailingMarket) {
        return this;
    }

    function unbonding() external pure returns (uint32) {
        return type(uint32).max;
    }

    fallback() external {
        if (_way == 0) revert Other(9, 0); // as long as a refutation
        if (_way == 1) revert();
        if (_way == 2) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        // The selector of a refutation, but not its length.
        bytes memory short = abi.encodePacked(bytes4(keccak256("Refuted(uint8,uint32)")), uint256(9));
        assembly ("memory-safe") {
            revert(add(short, 0x20), mload(short))
        }
    }
}
