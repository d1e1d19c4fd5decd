// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {CertifiedLog} from "../lib/CertifiedLog.sol";
import {CodePages} from "../lib/CodePages.sol";
import {Drand} from "../lib/Drand.sol";
import {Headers} from "../lib/Headers.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RoundState} from "../lib/RoundState.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Clock} from "./Clock.sol";
import {PolicyBook} from "./PolicyBook.sol";

/// @title Schedule, policy versions, certificates and outcomes.
/// @dev The newest certified round lies in one slot, and only its digest beside it, in a ring; when it has come to
/// an end, or at the latest when the next one is certified, its state moves to a slot of its own for good. All
/// else of a round is in the events and in the header, which whoever needs it brings along.
contract Rounds is Clock, PolicyBook {
    using RoundState for RoundState.State;
    using RoundState for uint256;

    /// @notice The contracts around this one. `market` is deployed afterwards, at an address known before.
    struct Links {
        IStakeTable table;
        IMarket market;
        IBridge bridge;
        address timelock; // sets policies
    }

    /// @notice A certificate needs this share of the stake, in basis points.
    uint256 public constant QUORUM_BPS = 6_700;
    uint256 private constant FULL = 10_000;
    /// @dev The verdict "settled in full and outlived its windows" of docs/formats.md, section 12.
    uint8 private constant STANDS = 1;
    /// @dev Chunks whose marks share a slot; the rest of it names the round.
    uint256 private constant MARKS = 216;

    /// @notice Operators' keys and stakes.
    IStakeTable public immutable table;
    /// @notice Where leases open.
    IMarket public immutable market;
    /// @notice The road to L1.
    IBridge public immutable bridge;
    /// @notice Who sets policies.
    address public immutable timelock;
    /// @notice Rounds whose digest is kept.
    uint32 public immutable ring;
    /// @notice Page with the beacon's public key, 192 bytes.
    address public immutable beaconKeyPage;

    uint256 private _head;
    mapping(uint256 place => bytes32) private _digests;
    mapping(uint256 n => uint256) private _past;
    /// @dev Posted chunks of the newest round: round 40 | marks 216.
    mapping(uint256 group => uint256) private _marks;

    /// @notice The chain lacks EIP-2537.
    error NoBlsPrecompiles();
    /// @notice No valid key of 192 bytes.
    error BadBeaconKey();
    /// @notice The round takes no certificate: it is not live.
    error NotLive(uint64 n);
    /// @notice Outside the time in which the round takes this.
    error OutOfTime(uint256 time, uint256 from, uint256 to);
    /// @notice Less than the quorum has signed.
    error NoQuorum(uint256 signed, uint256 total);
    /// @notice The round takes no chunks (any more).
    error NotPostable(uint64 n);
    /// @notice The header is not the one that was certified.
    error WrongHeader(bytes32 got, bytes32 expected);
    /// @notice The chunk stands already.
    error AlreadyPosted(uint64 n, uint32 index);
    /// @notice Only the timelock sets policies.
    error NotTimelock(address caller);
    /// @notice The round does not stand, its windows are not over, or its digest is kept no longer.
    error NotReportable(uint64 n);

    /// @param schedule_ never changes; checked here
    /// @param domain_ whom the headers name on L1
    /// @param links the contracts around this one
    /// @param ring_ how many rounds keep their digest in storage: at least twice settle time and windows
    /// @param policy the first policy's page (docs/formats.md, section 5), in force from round 0
    /// @param beaconKey the beacon's public key, 192 bytes (docs/formats.md, section 9)
    constructor(
        Schedule memory schedule_,
        Domain memory domain_,
        Links memory links,
        uint32 ring_,
        bytes memory policy,
        bytes memory beaconKey
    ) Clock(schedule_, domain_) {
        Schedules.validate(schedule_, ring_);
        _checkBls(beaconKey);
        table = links.table;
        market = links.market;
        bridge = links.bridge;
        timelock = links.timelock;
        ring = ring_;
        beaconKeyPage = CodePages.write(beaconKey);
        _addPolicy(policy, 0);
    }

    /// @inheritdoc IRounds
    /// @dev The same header again changes nothing; another certified one of a certified round leaves an event.
    function settle(Settlement calldata s) external {
        uint64 n = s.n;
        RoundState.State memory h = _head.unpack();
        Schedule memory t = _schedule();
        CertifiedLog.Head memory c;
        c.policyHash = _policyHash(n >= h.policyFrom ? h.policyIndex : _policyIndexAt(n));
        c.seed = _seedOf(n, Schedules.beaconRound(t, n), s.beaconSignature);
        bytes memory header =
            _header(n, s.snapshotNumber, s.snapshotHash, c.policyHash, s.inputsRoot, c.seed, s.outcomeRoot);
        c.digest = sha256(header);

        bool again = _isCertified(h, n);
        if (!again) _requireSettleable(h, t, n);
        else if (_digests[n % ring] == c.digest) return;

        uint64 epoch = uint64(Schedules.epochOf(t, n));
        (c.signedStake, c.totalStake) = table.verify(epoch, c.digest, s.bitmap, s.aggregate);
        if (c.totalStake == 0 || c.signedStake * FULL < c.totalStake * QUORUM_BPS) {
            revert NoQuorum(c.signedStake, c.totalStake);
        }
        if (again) {
            emit SecondCertificate(n, c.digest, header, s.bitmap, s.aggregate);
        } else {
            _certify(h, n, c.digest);
            CertifiedLog.write(n, c, s);
        }
    }

    /// @inheritdoc IRounds
    function postChunk(bytes calldata header, Chunk calldata c) external {
        RoundState.State memory h = _head.unpack();
        if (h.status != Status.Certified || h.n != c.n) revert NotPostable(c.n);
        _requireTime(h.certifiedAt, _deadlineOf(c.n));
        bytes32 digest = sha256(header);
        if (digest != _digests[c.n % ring]) revert WrongHeader(digest, _digests[c.n % ring]);
        OutcomeTree.check(bytes32(header[Headers.SAME_INPUTS:]), c);
        _requireUnposted(c.n, c.index);

        if (!_openLeases(h, c)) return;
        _mark(c.n, c.index);
        h.count = c.count;
        ++h.posted;
        emit ChunkPosted(c.n, c.index, uint64(block.timestamp));
        if (h.posted == OutcomeTree.chunksOf(c.count)) {
            _end(h, Status.Settled, block.timestamp);
            emit RoundSettled(c.n, c.count, uint64(block.timestamp));
        }
        _head = h.pack();
    }

    /// @inheritdoc IRounds
    function tick() external {
        emit Tick(uint64(block.timestamp));
    }

    /// @inheritdoc IRounds
    function report(uint64 n) external {
        RoundState.State memory p = _past[n].unpack();
        if (!isFinal(n) || p.reported || uint256(n) + ring <= _head.unpack().n) revert NotReportable(n);
        p.reported = true;
        _past[n] = p.pack();
        bytes32 digest = _digests[n % ring];
        emit WordSent(n, digest, STANDS);
        bridge.send(abi.encodePacked(n, digest, STANDS));
    }

    /// @inheritdoc IRounds
    function setPolicy(bytes calldata page, uint64 effectiveFrom) external {
        if (msg.sender != timelock) revert NotTimelock(msg.sender);
        uint256 close = closeOf(effectiveFrom);
        if (close <= block.timestamp) revert OutOfTime(block.timestamp, 0, close - 1);
        RoundState.State memory h = _head.unpack();
        h.policyIndex = _addPolicy(page, effectiveFrom);
        h.policyFrom = uint40(effectiveFrom);
        _head = h.pack();
    }

    /// @inheritdoc IRounds
    /// @dev While the certified round has not ended only it is live: the next one is known when it has.
    function isLive(uint64 n) external view returns (bool) {
        RoundState.State memory h = _head.unpack();
        if (_isPending(h)) return n == h.n;
        Schedule memory t = _schedule();
        return Schedules.isLive(t, _firstLive(h, t), n);
    }

    /// @inheritdoc IRounds
    /// @dev While the certified round has not ended: the value if its last chunk should never come.
    function firstLive() external view returns (uint64 first) {
        return uint64(_firstLive(_head.unpack(), _schedule()));
    }

    /// @inheritdoc IRounds
    function roundOf(uint64 n)
        external
        view
        returns (Status status, bytes32 digest, uint64 certifiedAt, uint64 endedAt, uint32 count, uint32 posted)
    {
        RoundState.State memory h = _head.unpack();
        RoundState.State memory p = _stateOf(h, n);
        if (p.status == Status.None) return (Status.None, 0, 0, 0, 0, 0);
        if (uint256(n) + ring > h.n) digest = _digests[n % ring];
        return (p.status, digest, p.certifiedAt, p.endedAt, p.count, p.posted);
    }

    /// @inheritdoc IRounds
    function isFinal(uint64 n) public view returns (bool) {
        RoundState.State memory p = _stateOf(_head.unpack(), n);
        return p.status == Status.Settled && block.timestamp > p.endedAt + _windows();
    }

    /// @inheritdoc IRounds
    function isVoid(uint64 n) external view returns (bool) {
        RoundState.State memory p = _stateOf(_head.unpack(), n);
        return p.status == Status.Refuted || (p.status == Status.Certified && p.endedAt != 0);
    }

    /// @inheritdoc IRounds
    function mayBind(uint64 closedAt) external view returns (bool) {
        if (closedAt > block.timestamp) return true;
        RoundState.State memory h = _head.unpack();
        if (_isPending(h)) return closeOf(h.n) <= closedAt;
        // Live rounds lie further apart than the time-out: only the last that has closed can be open still.
        Schedule memory t = _schedule();
        (bool any, uint256 n) = Schedules.lastLive(t, _firstLive(h, t), closedAt);
        return any && block.timestamp <= _deadlineOf(n);
    }

    /// @inheritdoc IRounds
    function verifyBeacon(uint64 beaconRound_, bytes calldata signature, bytes calldata y)
        external
        view
        returns (bool)
    {
        return Drand.verify(beaconRound_, signature, y, BLS12381.padKey(CodePages.read(beaconKeyPage)));
    }

    /// @inheritdoc IRounds
    function checkChunk(bytes32 outcomeRoot, Chunk calldata c) external view {
        OutcomeTree.check(outcomeRoot, c);
    }

    /// @dev The round must be live, closed, and its deadline not over.
    function _requireSettleable(RoundState.State memory h, Schedule memory t, uint64 n) private view {
        if (_isPending(h) || !Schedules.isLive(t, _firstLive(h, t), n)) revert NotLive(n);
        // Not from the beacon's time on: this chain's clock may lag behind drand's, and nobody has the
        // beacon's signature before it is out.
        _requireTime(Schedules.closeOf(t, n), Schedules.deadlineOf(t, n));
    }

    function _requireTime(uint256 from, uint256 to) private view {
        if (block.timestamp < from || block.timestamp > to) revert OutOfTime(block.timestamp, from, to);
    }

    /// @dev Makes round n the newest certified one. The one before keeps its state in a slot of its own.
    function _certify(RoundState.State memory h, uint64 n, bytes32 digest) private {
        if (h.status == Status.Certified) _end(h, Status.Certified, _deadlineOf(h.n));
        RoundState.State memory next;
        next.n = uint40(n);
        next.status = Status.Certified;
        next.certifiedAt = uint40(block.timestamp);
        next.policyFrom = h.policyFrom;
        next.policyIndex = h.policyIndex;
        _head = next.pack();
        _digests[n % ring] = digest;
    }

    /// @dev Writes down for good how a round came out. The caller stores the head.
    function _end(RoundState.State memory h, Status status, uint256 time) private {
        h.status = status;
        h.endedAt = uint40(time);
        _past[h.n] = h.pack();
    }

    function _requireUnposted(uint64 n, uint32 index) private view {
        if (_marksOf(n, index) >> index % MARKS & 1 != 0) revert AlreadyPosted(n, index);
    }

    function _mark(uint64 n, uint32 index) private {
        _marks[index / MARKS] = _marksOf(n, index) | 1 << index % MARKS;
    }

    /// @dev The marks of the chunk's group; those of an earlier round count as none.
    function _marksOf(uint64 n, uint32 index) private view returns (uint256 marks) {
        marks = _marks[index / MARKS];
        if (marks >> MARKS != n) marks = uint256(n) << MARKS;
    }

    /// @dev Opens a chunk's leases. If the market refutes the chunk, the round is void and the answer false; any
    /// other failure (want of gas too) is no word about the chunk and reverts the posting.
    function _openLeases(RoundState.State memory h, Chunk calldata c) private returns (bool) {
        if (c.count == 0) return true;
        uint64 t = closeOf(c.n) - 1;
        (bool ok, bytes memory answer) = address(market)
            .call(abi.encodeCall(IMarket.openLeases, (c.n, t, uint32(c.index * OutcomeTree.CHUNK), c.entries)));
        if (ok) return true;
        if (answer.length != 68 || bytes4(answer) != IMarket.Refuted.selector) _bubble(answer);
        (uint8 code, uint32 position) = _refutation(answer);
        _end(h, Status.Refuted, _deadlineOf(c.n));
        _head = h.pack();
        emit RoundRefuted(c.n, code, position, uint64(block.timestamp));
        return false;
    }

    /// @dev The arguments of `Refuted`.
    function _refutation(bytes memory answer) private pure returns (uint8 code, uint32 position) {
        assembly ("memory-safe") {
            code := mload(add(answer, 0x24))
            position := mload(add(answer, 0x44))
        }
    }

    function _bubble(bytes memory answer) private pure {
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }

    /// @dev Whether round n was certified, as far as its digest is still kept.
    function _isCertified(RoundState.State memory h, uint64 n) private view returns (bool) {
        if (h.status == Status.None || n > h.n) return false;
        return n == h.n || (uint256(n) + ring > h.n && _past[n] != 0);
    }

    /// @dev Whether the newest round is certified and its chunks may still come.
    function _isPending(RoundState.State memory h) private view returns (bool) {
        return h.status == Status.Certified && block.timestamp <= _deadlineOf(h.n);
    }

    /// @dev n0; a round that was not posted in full ends at its deadline, and so does a refuted one.
    function _firstLive(RoundState.State memory h, Schedule memory t) private pure returns (uint256) {
        if (h.status == Status.None) return 0;
        return Schedules.firstAfter(t, h.status == Status.Settled ? h.endedAt : Schedules.deadlineOf(t, h.n));
    }

    /// @dev State of round n, with the end that time alone has brought.
    function _stateOf(RoundState.State memory h, uint64 n) private view returns (RoundState.State memory p) {
        if (h.status == Status.None || n != h.n) return _past[n].unpack();
        if (h.status == Status.Certified && !_isPending(h)) h.endedAt = uint40(_deadlineOf(n));
        return h;
    }

    /// @dev Reverts on a chain without EIP-2537, and on a key that is no point of G2's subgroup, or infinity.
    function _checkBls(bytes memory beaconKey) private view {
        (bool ok, bytes memory answer) = address(0x0b).staticcall(new bytes(256));
        if (!ok || answer.length != 128) revert NoBlsPrecompiles();
        if (beaconKey.length != 192 || keccak256(beaconKey) == keccak256(new bytes(192))) revert BadBeaconKey();
        // The pairing with infinity is one for every valid key.
        (ok, answer) = address(0x0f).staticcall(bytes.concat(new bytes(128), BLS12381.padKey(beaconKey)));
        if (!ok || answer.length != 32) revert BadBeaconKey();
    }
}
