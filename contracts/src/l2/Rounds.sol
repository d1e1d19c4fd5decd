// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {IStrikes} from "../interfaces/IStrikes.sol";
import {Alerts} from "../lib/Alerts.sol";
import {CertifiedLog} from "../lib/CertifiedLog.sol";
import {Headers} from "../lib/Headers.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RoundState} from "../lib/RoundState.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Clock} from "./Clock.sol";
import {PolicyBook} from "./PolicyBook.sol";
import {PolicyCheck} from "./PolicyCheck.sol";
import {RoundBook} from "./RoundBook.sol";

/// @title Settles rounds: by certificate or proposal, chunk by chunk; takes refutations, and tells L1.
contract Rounds is RoundBook, PolicyBook {
    using RoundState for RoundState.State;
    using RoundState for uint256;

    /// @notice The contracts around this one. Those that are deployed afterwards are named by addresses known before.
    struct Links {
        IStakeTable table;
        IMarket market;
        IBridge bridge;
        address timelock; // sets policies
        address disputes; // refutes rounds, holds the bonds of proposals
        IStrikes strikes;
    }

    /// @notice What proposals cost, and what the windows are measured against.
    struct Limits {
        uint256 proposalBond; // wei
        uint32 forcedInclusion; // seconds after which nobody can keep a transaction off this chain
    }

    /// @notice A certificate needs this share of the stake, in basis points.
    uint256 public constant QUORUM_BPS = 6_700;
    uint256 private constant FULL = 10_000;
    /// @dev The verdicts of docs/formats.md, section 12.
    uint8 private constant STANDS = 1;
    uint8 private constant WRONG_OUTCOME = 2;
    uint8 private constant WRONG_SEED = 3;
    /// @dev The code of section 13 that makes the third of them.
    uint8 private constant SEED_CODE = 15;
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
    /// @inheritdoc IRounds
    address public immutable disputes;
    /// @notice Whose signatures count no more.
    IStrikes public immutable strikes;
    /// @inheritdoc IRounds
    uint256 public immutable proposalBond;
    /// @notice Seconds after which nobody can keep a transaction off this chain, as the deployer has said.
    uint32 public immutable forcedInclusion;

    /// @dev Posted chunks of the newest round: round 40 | marks 216.
    mapping(uint256 group => uint256) private _marks;
    /// @inheritdoc IRounds
    mapping(address settler => mapping(bytes32 policyHash => uint256)) public settledBy;

    /// @notice The chain lacks EIP-2537.
    error NoBlsPrecompiles();
    /// @notice The round takes no certificate and no proposal: it is not live.
    error NotLive(uint64 n);
    /// @notice Outside the time in which the round takes this.
    error OutOfTime(uint256 time, uint256 from, uint256 to);
    /// @notice Less than the quorum has signed.
    error NoQuorum(uint256 signed, uint256 total);
    /// @notice A proposal costs exactly this, and more than nothing.
    error WrongBond(uint256 got, uint256 expected);
    /// @notice A proposal names no signers: a certificate is settled.
    error ProposalSigned();
    /// @notice The round takes no chunks (any more).
    error NotPostable(uint64 n);
    /// @notice The header is not the one that stands in the round.
    error WrongHeader(bytes32 got, bytes32 expected);
    /// @notice The chunk stands already.
    error AlreadyPosted(uint64 n, uint32 index);
    /// @notice Only the timelock sets policies.
    error NotTimelock(address caller);
    /// @notice Only disputes refute rounds.
    error NotDisputes(address caller);
    /// @notice The round has no header, was refuted before, or its windows are over.
    error NotRefutable(uint64 n);
    /// @notice The round neither stands nor was refuted, its windows are not over, L1 knows, or its digest is kept
    /// no longer.
    error NotReportable(uint64 n);

    /// @param schedule_ never changes; checked here
    /// @param domain_ whom the headers name on L1
    /// @param links the contracts around this one
    /// @param ring_ how many rounds keep their digest in storage: at least twice settle time and windows
    /// @param policy the first policy's page (docs/formats.md, section 5), in force from round 0
    /// @param limits the bond of proposals, and the delay that the windows must outlast
    constructor(
        Schedule memory schedule_,
        Domain memory domain_,
        Links memory links,
        uint32 ring_,
        bytes memory policy,
        Limits memory limits
    )
        Clock(schedule_, domain_)
        RoundBook(ring_)
        PolicyBook(new PolicyCheck(address(links.market), schedule_.healthEpoch, limits.forcedInclusion))
    {
        Schedules.validate(schedule_, ring_, limits.forcedInclusion);
        if (limits.proposalBond == 0) revert WrongBond(0, 1);
        _checkBls();
        table = links.table;
        market = links.market;
        bridge = links.bridge;
        timelock = links.timelock;
        disputes = links.disputes;
        strikes = links.strikes;
        proposalBond = limits.proposalBond;
        forcedInclusion = limits.forcedInclusion;
        _addPolicy(policy, 0);
    }

    /// @inheritdoc IRounds
    /// @dev The same header again changes nothing, but that it makes a proposal a certified round. Another certified
    /// header takes the place of a proposal while no chunk of it stands, and leaves an event otherwise.
    function settle(Settlement calldata s) external {
        uint64 n = s.n;
        RoundState.State memory h = _head.unpack();
        Schedule memory t = _schedule();
        (CertifiedLog.Head memory c, bytes memory header) = _claim(h, t, s);

        bool again = _hasHeader(h, n);
        bool onProposal = again && n == h.n && h.proposed && _isPending(h);
        if (!again) {
            _requireLive(h, t, n);
            // Not from the beacon's time on: this chain's clock may lag behind drand's, and nobody has the
            // beacon's signature before it is out.
            _requireTime(Schedules.closeOf(t, n), Schedules.deadlineOf(t, n));
        } else if (_digests[n % ring] == c.digest) {
            if (!onProposal) return;
        } else if (h.posted != 0) {
            onProposal = false;
        }

        uint64 epoch = uint64(Schedules.epochOf(t, n));
        _requireQuorum(epoch, c, s);
        if (again && !onProposal) {
            emit SecondCertificate(n, c.digest, header, s.bitmap, s.aggregate);
            return;
        }
        if (h.alert != 0) _requireUnstruck(h, n, epoch, s.bitmap);
        if (again) _replaceProposal(h, n, c.digest);
        else _begin(h, n, c.digest, false);
        CertifiedLog.write(n, c, s);
        ++settledBy[msg.sender][c.policyHash];
        if (again) IDisputes(disputes).releaseBond(n);
    }

    /// @inheritdoc IRounds
    function propose(Settlement calldata s) external payable {
        if (msg.value != proposalBond) revert WrongBond(msg.value, proposalBond);
        if (s.bitmap.length + s.aggregate.length != 0) revert ProposalSigned();
        uint64 n = s.n;
        RoundState.State memory h = _head.unpack();
        Schedule memory t = _schedule();
        _requireLive(h, t, n);
        _requireTime(Schedules.closeOf(t, n) + t.settleTimeout / 2, Schedules.deadlineOf(t, n));
        // Without a table an epoch has no live rounds: nobody could certify another outcome.
        uint64 epoch = uint64(Schedules.epochOf(t, n));
        if (!table.isComplete(epoch)) revert IStakeTable.NoTable(epoch);

        (CertifiedLog.Head memory c,) = _claim(h, t, s);
        _begin(h, n, c.digest, true);
        CertifiedLog.write(n, c, s);
        emit RoundProposed(n, msg.sender, msg.value);
        IDisputes(disputes).holdBond{value: msg.value}(n, msg.sender);
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

        if (!_openLeases(c)) return;
        _mark(c.n, c.index);
        h.count = c.count;
        ++h.posted;
        emit ChunkPosted(c.n, c.index, uint64(block.timestamp), c.count, c.lowest);
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
    function refute(uint64 n, uint8 code, uint32 position) external {
        if (msg.sender != disputes) revert NotDisputes(msg.sender);
        uint256 head = _head;
        uint256 slot = _slotOf(head, n);
        (Status status, uint256 end) = (slot.status(), slot.endedAt());
        bool stands = status == Status.Certified || status == Status.Settled;
        bool late = end != 0 && block.timestamp > end + _windows();
        if (code == 0 || !stands || late) revert NotRefutable(n);
        _void(head, n, code, position);
    }

    /// @inheritdoc IRounds
    /// @dev Rounds that came to nothing by themselves are not reported: nobody did wrong that L1 could judge.
    function report(uint64 n) external {
        RoundState.State memory p = _past[n].unpack();
        uint8 verdict;
        if (p.status == Status.Refuted) {
            (uint8 code,,) = _refutationOf(n);
            verdict = code == SEED_CODE ? WRONG_SEED : WRONG_OUTCOME;
        } else if (_isFinal(p)) {
            verdict = STANDS;
        }
        if (verdict == 0 || p.reported || !_isKept(_head.number(), n)) revert NotReportable(n);
        p.reported = true;
        _past[n] = p.pack();
        bytes32 digest = _digests[n % ring];
        emit WordSent(n, digest, verdict);
        bridge.send(abi.encodePacked(n, digest, verdict));
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

    /// @dev The newest policy lies in the newest round's slot, so most rounds need no search.
    function _policyIndexAt(uint64 n) internal view override returns (uint256) {
        (uint256 from, uint256 index) = _head.policy();
        return n >= from ? index : super._policyIndexAt(n);
    }

    /// @dev The header that a settlement stands for, with its digest, policy hash and seed.
    function _claim(RoundState.State memory h, Schedule memory t, Settlement calldata s)
        private
        view
        returns (CertifiedLog.Head memory c, bytes memory header)
    {
        uint64 n = s.n;
        c.policyHash = _policyHash(n >= h.policyFrom ? h.policyIndex : super._policyIndexAt(n));
        c.seed = _seedOf(n, Schedules.beaconRound(t, n), s.beaconSignature);
        header = _header(n, s.snapshotNumber, s.snapshotHash, c.policyHash, s.inputsRoot, c.seed, s.outcomeRoot);
        c.digest = sha256(header);
    }

    /// @dev Verifies the signers, and fills in what they and all hold.
    function _requireQuorum(uint64 epoch, CertifiedLog.Head memory c, Settlement calldata s) private view {
        (c.signedStake, c.totalStake) = table.verify(epoch, c.digest, s.bitmap, s.aggregate);
        if (c.totalStake == 0 || c.signedStake * FULL < c.totalStake * QUORUM_BPS) {
            revert NoQuorum(c.signedStake, c.totalStake);
        }
    }

    /// @dev After a refutation: no signer may have been struck. Ends the alert when no strike holds any more and
    /// none can come.
    function _requireUnstruck(RoundState.State memory h, uint64 n, uint64 epoch, bytes calldata bitmap) private view {
        strikes.check(epoch, bitmap);
        if (!Alerts.holds(h.alert, n, ring) && epoch > strikes.lastEpoch()) h.alert = 0;
    }

    /// @dev A certificate of the newest round, which was proposed: chunks that stand stay.
    function _replaceProposal(RoundState.State memory h, uint64 n, bytes32 digest) private {
        h.proposed = false;
        h.certifiedAt = uint40(block.timestamp);
        _head = h.pack();
        _digests[n % ring] = digest;
    }

    /// @dev The round must be live, and none before it may still be under way.
    function _requireLive(RoundState.State memory h, Schedule memory t, uint64 n) private view {
        if (_isPending(h) || !Schedules.isLive(t, _firstLive(h, t), n)) revert NotLive(n);
    }

    function _requireTime(uint256 from, uint256 to) private view {
        if (block.timestamp < from || block.timestamp > to) revert OutOfTime(block.timestamp, from, to);
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
    function _openLeases(Chunk calldata c) private returns (bool) {
        if (c.count == 0) return true;
        uint64 t = closeOf(c.n) - 1;
        uint32 first = uint32(c.index * OutcomeTree.CHUNK);
        (bool ok, bytes memory answer) =
            address(market).call(abi.encodeCall(IMarket.openLeases, (c.n, t, first, c.entries, msg.sender)));
        if (ok) return true;
        if (answer.length != 68 || bytes4(answer) != IMarket.Refuted.selector) _bubble(answer);
        (uint8 code, uint32 position) = _refutation(answer);
        _void(_head, c.n, code, position);
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

    /// @dev Reverts on a chain without EIP-2537.
    function _checkBls() private view {
        (bool ok, bytes memory answer) = address(0x0b).staticcall(new bytes(256));
        if (!ok || answer.length != 128) revert NoBlsPrecompiles();
    }
}
