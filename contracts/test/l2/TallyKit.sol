// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IMachines} from "../../src/interfaces/IMachines.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Attendance} from "../../src/l2/Attendance.sol";
import {Health} from "../../src/l2/Health.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {StakeTable} from "../../src/l2/StakeTable.sol";
import {Tally} from "../../src/l2/Tally.sol";
import {HealthKit} from "../health/HealthKit.sol";
import {MockEscrow, MockMachines, MockMarket, MockRounds} from "../health/HealthMocks.sol";
import {MockBridge, MockToken} from "./Mocks.sol";

/// @notice Rounds that came out as they are told.
contract TallyRounds is MockRounds {
    struct Outcome {
        IRounds.Status status;
        bytes32 digest;
        uint64 endedAt;
    }

    mapping(uint64 n => Outcome) private _outcomes;
    uint256 private immutable _period;
    uint256 private immutable _stakeEpoch;

    constructor(IRounds.Schedule memory s, bytes memory page) MockRounds(s, page) {
        (_period, _stakeEpoch) = (s.period, s.stakeEpoch);
    }

    function end(uint64 n, IRounds.Status status, uint64 endedAt) external {
        _outcomes[n] = Outcome(status, keccak256(abi.encode(n)), endedAt);
    }

    function roundOf(uint64 n) external view returns (IRounds.Status, bytes32, uint64, uint64, uint32, uint32) {
        Outcome memory o = _outcomes[n];
        return (o.status, o.digest, o.endedAt, o.endedAt, 0, 0);
    }

    function epochOf(uint64 n) external view returns (uint64) {
        return uint64(n * _period / _stakeEpoch);
    }
}

/// @notice Machines that come and go, in the order of coming.
contract TallyMachines is MockMachines {
    uint64[] private _all;

    function add(uint64 offerId, uint64 registeredAt) external virtual {
        addUntil(offerId, registeredAt, 0);
    }

    /// @dev Until a second in which it is not for hire any more.
    function addUntil(uint64 offerId, uint64 registeredAt, uint64 retiredAt) public {
        _all.push(offerId);
        this.set(offerId, registeredAt, retiredAt);
    }

    function forHireCount(uint64 time) external view virtual returns (uint64 count) {
        for (uint256 i; i < _all.length; ++i) {
            if (_isForHire(_all[i], time)) ++count;
        }
    }

    function forHireAt(uint64 time, uint64 place) external view virtual returns (uint64) {
        for (uint256 i; i < _all.length; ++i) {
            if (!_isForHire(_all[i], time)) continue;
            if (place == 0) return _all[i];
            --place;
        }
        return 0;
    }

    function _isForHire(uint64 offerId, uint64 time) private view returns (bool) {
        (uint64 registeredAt, uint64 retiredAt,,) = this.machineOf(offerId);
        return registeredAt <= time && (retiredAt == 0 || time < retiredAt);
    }
}

/// @notice A tally on a real table, a real health and a real attendance; how rounds came out is played.
/// Stake epoch 0 has rounds 0 to 59 and health epochs 0 to 5; its sample is drawn from health epoch 6.
abstract contract TallyKit is HealthKit {
    uint32 internal constant GRACE = 2_000;
    uint32 internal constant NEXT = STAKE_EPOCH / LENGTH;
    uint64 internal constant ROUNDS_OF_EPOCH = STAKE_EPOCH / PERIOD;
    uint64 internal constant MACHINES = 20;
    uint16 internal constant SAMPLES = 16;
    /// @dev The end of the time in which epoch 0's work is shown.
    uint64 internal constant UNTIL = GENESIS + STAKE_EPOCH - PERIOD + GRACE;

    Attendance internal attendance;
    MockBridge internal bridge;
    Tally internal tally;

    function setUp() public virtual override {
        for (uint256 i; i < 12; ++i) {
            operatorStakes.push(i == 5 ? 0 : 1_000 + 100 * i);
        }
        _deployTally(SEATS);
        for (uint64 i; i < MACHINES; ++i) {
            _numbered().add(_idOf(i), GENESIS - 10);
        }
    }

    function _deployTally(uint16 seats) internal {
        vm.warp(GENESIS - 10);
        bytes memory page = _policy(CERTIFY, APPEAL);
        _put(page, 3_014, 2, seats);
        rounds = new TallyRounds(_schedule(), page);
        machines = _newMachines();
        market = new MockMarket();
        escrow = new MockEscrow();
        token = new MockToken(18);
        stakes = new StakeTable(address(this));
        _postFirstTable();
        providers = new Providers(token, UNBONDING, address(this), address(0));
        health = new Health(_links(address(escrow)));
        attendance = new Attendance(IRounds(address(rounds)), stakes, GRACE);
        bridge = new MockBridge();
        tally = _newTally(attendance);
    }

    function _newMachines() internal virtual returns (TallyMachines) {
        return new TallyMachines();
    }

    function _postFirstTable() internal virtual {
        _postTable(0);
    }

    function _newTally(Attendance attendance_) internal returns (Tally) {
        return new Tally(
            IRounds(address(rounds)),
            stakes,
            IHealth(address(health)),
            IMachines(address(machines)),
            attendance_,
            bridge
        );
    }

    function _outcomes() internal view returns (TallyRounds) {
        return TallyRounds(address(rounds));
    }

    function _numbered() internal view returns (TallyMachines) {
        return TallyMachines(address(machines));
    }

    /// @dev The machine of a number: neither the number nor next to another.
    function _idOf(uint64 number) internal pure returns (uint64) {
        return 3 * number + 7;
    }

    /// @dev Opens all health epochs of stake epoch 0 and the next, and draws.
    function _drawAll() internal {
        for (uint32 e; e <= NEXT; ++e) {
            _open(e);
        }
        tally.draw(0);
    }

    // --- section 15 by its letter ---

    function _lot(uint8 kind, uint16 i) internal view returns (uint256 x, uint256 y, uint256 z) {
        bytes memory text = abi.encodePacked(bytes32("quorate/sample/v1"), sha256(_beacon(NEXT)), uint64(0), kind, i);
        uint256 hash = uint256(sha256(text));
        return (hash / 2 ** 192, hash / 2 ** 128 % 2 ** 64, hash / 2 ** 64 % 2 ** 64);
    }

    function _digestOfReceipt(uint32 epoch, uint64 id, uint16 window) internal view returns (bytes32) {
        return sha256(
            abi.encodePacked(
                bytes32("quorate/receipt/v1"), uint32(1), _network(), uint8(1), id, epoch, window, bytes17(0)
            )
        );
    }

    // --- showing ---

    /// @dev The bitmap of one operator.
    function _alone(uint256 operator) internal view returns (bytes memory bitmap) {
        bitmap = new bytes((operatorStakes.length + 7) / 8);
        bitmap[operator / 8] = bytes1(uint8(1 << (operator % 8)));
    }

    function _receiptsBy(uint16 sample, bytes memory bitmap) internal view returns (bytes memory) {
        (uint32 e, uint64 id, uint16 window) = tally.sampledProbe(0, sample);
        return _sign(bitmap, _digestOfReceipt(e, id, window));
    }

    function _showReceipts(uint16 sample, bytes memory bitmap) internal {
        tally.showReceipts(0, sample, bitmap, _receiptsBy(sample, bitmap));
    }

    function _showDowns(uint16 sample, bytes memory list, bytes memory bitmap) internal {
        tally.showDowns(0, sample, list, bitmap, _sign(bitmap, sha256(list)));
    }

    /// @dev Round n ended with this status, and those of the bitmap signed it.
    function _showRound(uint64 n, IRounds.Status status, bytes memory bitmap) internal {
        _outcomes().end(n, status, _start(0) + 1);
        attendance.present(n, bitmap, _sign(bitmap, keccak256(abi.encode(n))));
    }
}
