// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IMachines} from "../../src/interfaces/IMachines.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {StakeTable} from "../../src/l2/StakeTable.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {CodePages} from "../../src/lib/CodePages.sol";
import {Base} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {TableKit} from "../TableKit.sol";
import {MockToken} from "../l2/Mocks.sol";
import {MockEscrow, MockMachines, MockMarket, MockRounds} from "./HealthMocks.sol";

/// @notice Health with a real stake table, real keys and a real beacon; what stands around it is played.
abstract contract HealthKit is Base {
    using TableKit for TableKit.Table;

    uint64 internal constant GENESIS = 1_000_000;
    uint32 internal constant PERIOD = 60;
    uint32 internal constant LENGTH = 600; // of a health epoch
    uint32 internal constant STAKE_EPOCH = 3_600;
    uint64 internal constant BEACON_GENESIS = 900_001;
    uint32 internal constant BEACON_PERIOD = 7;
    uint32 internal constant CERTIFY = 100;
    uint32 internal constant APPEAL = 800; // so that two epochs wait at a time
    uint16 internal constant SEATS = 31;
    uint16 internal constant SLASH_WINDOWS = 3;
    uint16 internal constant SLASH_BPS = 1_000;
    uint64 internal constant BOUNTY = 2_000_000;
    uint16 internal constant JAIL_EPOCHS = 2;
    uint16 internal constant UPTIME_MEMORY = 4;
    uint64 internal constant MIN_STAKE = 1_000_000; // of tier 1
    uint32 internal constant UNBONDING = 3_000;
    uint256 private constant BEACON_SECRET = 77;

    address internal constant PROVIDER = address(0xA1);
    address internal constant CALLER = address(0xE1);
    /// @dev The machine of most tests.
    uint64 internal constant M = 9;

    MockRounds internal rounds;
    MockMachines internal machines;
    MockMarket internal market;
    MockEscrow internal escrow;
    MockToken internal token;
    StakeTable internal stakes;
    Providers internal providers;
    Health internal health;
    uint256[] internal operatorStakes;

    function setUp() public virtual {
        for (uint256 i; i < 12; ++i) {
            operatorStakes.push(i == 5 ? 0 : 1_000 + 100 * i);
        }
        _deploy();
    }

    /// @dev No divisor of the seconds of an epoch.
    function _windows() internal pure virtual returns (uint16) {
        return 7;
    }

    function _deploy() internal {
        vm.warp(GENESIS - 10);
        rounds = new MockRounds(_schedule(), _policy(CERTIFY, APPEAL));
        machines = new MockMachines();
        market = new MockMarket();
        escrow = new MockEscrow();
        token = new MockToken(18);
        stakes = new StakeTable(address(this));
        for (uint64 e; e < 3; ++e) {
            _postTable(e);
        }
        providers = new Providers(token, UNBONDING, address(this), address(0));
        health = new Health(_links(address(escrow)));
        providers.grantRole(providers.HEALTH(), address(health));
        providers.grantRole(providers.MARKET(), address(this));
        for (uint64 id = 1; id <= 20; ++id) {
            machines.set(id, GENESIS - 10, 0);
            market.set(id, PROVIDER, 2, 1);
        }
    }

    function _links(address escrow_) internal returns (HealthClock.Links memory) {
        return HealthClock.Links({
            rounds: IRounds(address(rounds)),
            table: stakes,
            market: IMarket(address(market)),
            machines: IMachines(address(machines)),
            providers: providers,
            escrow: IEscrow(escrow_),
            beaconKeyPage: CodePages.write(BlsKit.packedKeyOf(BEACON_SECRET))
        });
    }

    function _schedule() internal pure returns (IRounds.Schedule memory s) {
        (s.genesis, s.period, s.stakeEpoch, s.healthEpoch) = (GENESIS, PERIOD, STAKE_EPOCH, LENGTH);
        (s.beaconGenesis, s.beaconPeriod) = (BEACON_GENESIS, BEACON_PERIOD);
    }

    /// @dev What health reads of a policy, and nothing else.
    function _policy(uint32 certify, uint32 appeal) internal pure returns (bytes memory page) {
        page = new bytes(3_456);
        _put(page, 4 + 128 + 8, 8, MIN_STAKE);
        _put(page, 3_012, 2, _windows());
        _put(page, 3_014, 2, SEATS);
        _put(page, 3_020, 2, SLASH_WINDOWS);
        _put(page, 3_024, 4, appeal);
        _put(page, 3_170, 4, certify);
        _put(page, 3_174, 2, SLASH_BPS);
        _put(page, 3_176, 8, BOUNTY);
        _put(page, 3_184, 2, JAIL_EPOCHS);
        _put(page, 3_186, 2, UPTIME_MEMORY);
        for (uint256 l; l < 7; ++l) {
            _put(page, 3_328 + 40 + 8 * l, 2, l == 0 ? 0 : 9_000); // keep
            _put(page, 3_328 + 42 + 8 * l, 2, 9_500); // rise
            _put(page, 3_328 + 44 + 8 * l, 2, 2); // run
        }
    }

    function _put(bytes memory b, uint256 offset, uint256 width, uint256 value) internal pure {
        for (uint256 i; i < width; ++i) {
            b[offset + i] = bytes1(uint8(value >> 8 * (width - 1 - i)));
        }
    }

    // --- operators ---

    function _table(uint64 epoch) internal view returns (TableKit.Table memory t) {
        t = TableKit.create(epoch, operatorStakes.length);
        for (uint256 i; i < operatorStakes.length; ++i) {
            t.set(i, 5_001 + i, operatorStakes[i]);
        }
    }

    function _postTable(uint64 epoch) internal {
        TableKit.Table memory t = _table(epoch);
        stakes.receiveMessage(t.commitment());
        for (uint32 p; p < t.pages(); ++p) {
            stakes.postKeysPage(epoch, p, t.keysPage(p));
        }
        stakes.postStakesPage(epoch, t.stakesPage());
    }

    /// @dev The bitmap of all with stake.
    function _all() internal view returns (bytes memory) {
        return _table(0).all();
    }

    /// @dev All with stake, but those of `absent`.
    function _without(uint256[] memory absent) internal view returns (bytes memory bitmap) {
        bitmap = _all();
        for (uint256 i; i < absent.length; ++i) {
            TableKit.unset(bitmap, absent[i]);
        }
    }

    function _sign(bytes memory bitmap, bytes32 digest) internal view returns (bytes memory) {
        return _table(0).sign(bitmap, digest);
    }

    /// @dev The committee by the letter of section 14, walking along all stakes for each seat.
    function _plainCommittee(uint32 epoch, uint64 id) internal view returns (uint32[] memory seats) {
        seats = new uint32[](SEATS);
        uint256 total = _table(0).total();
        for (uint16 i; i < SEATS; ++i) {
            uint256 d = uint256(
                sha256(abi.encodePacked(bytes32("quorate/seat/v1"), sha256(_beacon(epoch)), epoch, uint8(1), id, i))
            ) % total;
            uint256 sum;
            for (uint32 k; k < operatorStakes.length; ++k) {
                sum += operatorStakes[k];
                if (sum > d) {
                    seats[i] = k;
                    break;
                }
            }
        }
    }

    /// @dev Seats that a bitmap's operators hold, of a committee.
    function _held(uint32[] memory committee, bytes memory bitmap) internal pure returns (uint256 held) {
        for (uint256 i; i < committee.length; ++i) {
            if (TableKit.has(bitmap, committee[i])) ++held;
        }
    }

    // --- time and beacon ---

    function _start(uint256 epoch) internal pure returns (uint64) {
        return uint64(GENESIS + epoch * LENGTH);
    }

    /// @dev The beacon's signature of an epoch's round, compressed.
    function _beacon(uint32 epoch) internal view returns (bytes memory) {
        uint64 r = (_start(epoch) - BEACON_GENESIS + BEACON_PERIOD - 1) / BEACON_PERIOD + 1;
        return _compress(BlsKit.sign(BEACON_SECRET, BLS12381.DST_DRAND, sha256(abi.encodePacked(r))));
    }

    /// @dev x with the flags of compression; y is the larger one if it is beyond (p - 1) / 2.
    function _compress(bytes memory point) private pure returns (bytes memory c) {
        bytes memory half = hex"0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b12"
            hex"0f55ffff58a9ffffdcff7fffffffd555";
        c = new bytes(48);
        int256 order; // of y against half
        for (uint256 i; i < 48; ++i) {
            c[i] = point[16 + i];
            if (order == 0) order = int256(uint256(uint8(point[80 + i]))) - int256(uint256(uint8(half[i])));
        }
        c[0] |= order > 0 ? bytes1(0xa0) : bytes1(0x80);
    }

    function _open(uint32 epoch) internal {
        if (block.timestamp < _start(epoch)) vm.warp(_start(epoch));
        health.openEpoch(epoch, _beacon(epoch));
    }

    // --- messages, written down again ---

    function _network() internal view returns (bytes memory) {
        return abi.encodePacked(uint64(1), uint64(block.chainid), address(rounds), address(0xA5), uint32(7));
    }

    function _head(uint32 epoch, uint16 count) internal view returns (bytes memory) {
        return abi.encodePacked(bytes32("quorate/down/v1"), uint32(1), _network(), epoch, count);
    }

    function _entry(uint64 id, uint256 windows) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), id, windows);
    }

    function _one(uint32 epoch, uint64 id, uint256 windows) internal view returns (bytes memory) {
        return bytes.concat(_head(epoch, 1), _entry(id, windows));
    }

    function _two(uint32 epoch, uint64 id, uint256 windows, uint64 id2, uint256 windows2)
        internal
        view
        returns (bytes memory)
    {
        return bytes.concat(_head(epoch, 2), _entry(id, windows), _entry(id2, windows2));
    }

    /// @dev Certifies a list by all.
    function _certify(bytes memory list) internal {
        _certifyBy(list, _all());
    }

    function _certifyBy(bytes memory list, bytes memory bitmap) internal {
        health.certify(list, bitmap, _sign(bitmap, sha256(list)));
    }

    /// @dev Opens an epoch, goes behind its end and certifies one machine DOWN in it, by all.
    function _down(uint32 epoch, uint64 id, uint256 windows) internal {
        if (health.randomnessOf(epoch) == 0) _open(epoch);
        if (block.timestamp < _start(epoch + 1)) vm.warp(_start(epoch + 1));
        _certify(_one(epoch, id, windows));
    }

    function _receipt(uint256 operator, uint32 epoch, uint64 id, uint16 window) internal view returns (bytes memory) {
        bytes memory receipt = abi.encodePacked(
            bytes32("quorate/receipt/v1"), uint32(1), _network(), uint8(1), id, epoch, window, bytes17(0)
        );
        assertEq(receipt.length, 128, "bytes of a receipt");
        return BlsKit.sign(5_001 + operator, BLS12381.DST_VOTE, sha256(receipt));
    }

    function _appeal(uint32 epoch, uint32 number, uint64 id, uint16 window, uint32 operator) internal {
        health.appeal(epoch, number, id, window, operator, _receipt(operator, epoch, id, window));
    }

    /// @dev Operators of a committee, each once, in the order of their seats.
    function _members(uint32[] memory committee) internal pure returns (uint32[] memory members) {
        members = new uint32[](committee.length);
        uint256 count;
        for (uint256 i; i < committee.length; ++i) {
            bool seen;
            for (uint256 k; k < count; ++k) {
                if (members[k] == committee[i]) seen = true;
            }
            if (!seen) members[count++] = committee[i];
        }
        assembly ("memory-safe") {
            mstore(members, count)
        }
    }
}
