// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {Committees} from "../../src/lib/Committees.sol";
import {HealthMessages} from "../../src/lib/HealthMessages.sol";
import {HealthKit} from "./HealthKit.sol";
import {MockRounds} from "./HealthMocks.sol";

/// @notice tests/vectors/health.json, which the Rust rules have written.
contract HealthVectorsTest is HealthKit {
    string private _json;

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("../tests/vectors/health.json");
    }

    function _uints(string memory key) private view returns (uint256[] memory) {
        return vm.parseJsonUintArray(_json, key);
    }

    function _bytes(string memory key) private view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(_json, key);
    }

    function test_committeesAreThoseOfTheVectors() external view {
        bytes[] memory stakes = _bytes(".committee.stakes");
        bytes[] memory indices = _bytes(".committee.indices");
        bytes[] memory randomness = _bytes(".committee.randomness");
        uint256[] memory epochs = _uints(".committee.epoch");
        uint256[] memory offers = _uints(".committee.offerId");
        uint256[] memory counts = _uints(".committee.seats");
        assertTrue(stakes.length >= 6, "cases");
        for (uint256 i; i < stakes.length; ++i) {
            uint256[] memory seats = new uint256[](counts[i]);
            bytes memory message = Committees.start(bytes32(randomness[i]), uint32(epochs[i]));
            Committees.draw(message, uint64(offers[i]), Committees.line(stakes[i]), seats);
            bytes memory drawn;
            for (uint256 k; k < seats.length; ++k) {
                drawn = bytes.concat(drawn, bytes4(uint32(seats[k])));
            }
            assertEq(drawn, indices[i], "committee");
        }
    }

    function test_receiptsHaveTheDigestsOfTheVectors() external view {
        bytes[] memory networks = _bytes(".receipt.network");
        bytes[] memory digests = _bytes(".receipt.digest");
        uint256[] memory epochs = _uints(".receipt.epoch");
        uint256[] memory offers = _uints(".receipt.offerId");
        uint256[] memory windows = _uints(".receipt.window");
        assertTrue(networks.length >= 3, "cases");
        for (uint256 i; i < networks.length; ++i) {
            bytes32 digest =
                HealthMessages.receipt(networks[i], uint32(epochs[i]), uint64(offers[i]), uint16(windows[i]));
            assertEq(digest, bytes32(digests[i]), "digest");
        }
    }

    /// @dev Reads a list to its end.
    function read(bytes calldata list, bytes calldata network, uint256 windows) external pure {
        (, uint256 count) = HealthMessages.headOf(list, network);
        uint256 subject;
        for (uint256 i; i < count; ++i) {
            (subject,) = HealthMessages.entryAt(list, i, subject, HealthMessages.maskOf(windows));
        }
    }

    function test_listsAreReadAsInTheVectors() external view {
        bytes[] memory lists = _bytes(".list.bytes");
        uint256[] memory valid = _uints(".list.valid");
        uint256[] memory windows = _uints(".list.windows");
        bytes memory network = _bytes(".receipt.network")[0];
        assertTrue(lists.length >= 17, "cases");
        for (uint256 i; i < lists.length; ++i) {
            bool read_;
            try this.read(lists[i], network, windows[i]) {
                read_ = true;
            } catch {}
            assertEq(read_ ? i : type(uint256).max, valid[i] == 1 ? i : type(uint256).max, "case");
        }
    }

    function test_timesAreThoseOfTheVectors() external {
        uint256 cases = _uints(".clock.epoch").length;
        assertTrue(cases >= 18, "cases");
        for (uint256 i; i < cases; ++i) {
            Health h = _healthOf(i);
            uint32 epoch = uint32(_uints(".clock.epoch")[i]);
            assertEq(h.epochStart(epoch), _uints(".clock.start")[i], "start");
            assertEq(h.beaconRoundOf(epoch), _uints(".clock.beaconRound")[i], "beacon round");
            assertEq(h.certifiableUntil(epoch), _uints(".clock.certifiableUntil")[i], "lists until");
            assertEq(h.appealableUntil(epoch), _uints(".clock.appealableUntil")[i], "receipts until");
        }
    }

    function _healthOf(uint256 i) private returns (Health) {
        IRounds.Schedule memory s;
        (s.genesis, s.period) = (uint64(_uints(".clock.genesis")[i]), uint32(_uints(".clock.period")[i]));
        s.stakeEpoch = uint32(_uints(".clock.stakeEpochSeconds")[i]);
        s.healthEpoch = uint32(_uints(".clock.epochSeconds")[i]);
        s.beaconGenesis = uint64(_uints(".clock.beaconGenesis")[i]);
        s.beaconPeriod = uint32(_uints(".clock.beaconPeriod")[i]);
        bytes memory page =
            _policy(uint32(_uints(".clock.certifySeconds")[i]), uint32(_uints(".clock.appealSeconds")[i]));
        HealthClock.Links memory links = _links(address(0));
        // The policy is that of the first round of the epoch, and no former one's.
        MockRounds rounds_ = new MockRounds(s, _policy(1, 1));
        rounds_.addPolicy(page, uint64(_uints(".clock.firstRound")[i]));
        links.rounds = IRounds(address(rounds_));
        links.providers = new Providers(token, type(uint32).max, address(this), address(0));
        return new Health(links);
    }
}
