// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {ITally} from "../interfaces/ITally.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {SampleBook} from "./SampleBook.sol";

/// @title Operators' words about sampled probes, shown by anyone.
/// @notice Showing only ever adds a word. Who is shown for a machine on whose committee it does not sit gains nothing:
/// seats are counted, and its are none.
/// @dev Bits lie as in the bitmaps of certificates, word for word.
abstract contract ShownWords is SampleBook {
    /// @notice Operators' keys and stakes.
    IStakeTable public immutable table;

    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;

    mapping(uint64 epoch => mapping(uint256 sample => mapping(uint256 word => uint256))) private _shown;

    constructor(IStakeTable table_) {
        table = table_;
        IRounds.Domain memory d = rounds.domain();
        (_l1ChainId, _avs, _operatorSet) = (d.l1ChainId, d.avs, d.operatorSet);
    }

    /// @inheritdoc ITally
    function showReceipts(uint64 epoch, uint16 sample, bytes calldata bitmap, bytes calldata aggregate) external {
        Probe memory p = _showable(epoch, sample);
        bytes32 digest = HealthMessages.receipt(_network(), p.healthEpoch, p.offerId, p.window);
        _show(epoch, sample, digest, bitmap, aggregate);
    }

    /// @inheritdoc ITally
    function showDowns(
        uint64 epoch,
        uint16 sample,
        bytes calldata list,
        bytes calldata bitmap,
        bytes calldata aggregate
    ) external {
        _requireListed(_showable(epoch, sample), list);
        _show(epoch, sample, sha256(list), bitmap, aggregate);
    }

    /// @inheritdoc ITally
    function isShown(uint64 epoch, uint16 sample, uint32 operatorIndex) external view returns (bool) {
        // Bytes run from the left, bits within a byte from the right.
        return _shown[epoch][sample][operatorIndex / 256] >> (255 - (operatorIndex % 256 ^ 7)) & 1 == 1;
    }

    /// @dev Who is shown in a sample, a word for each 256 operators.
    function _shownIn(uint64 epoch, uint256 sample, uint256[] memory words) internal view returns (bool any) {
        uint256 bits;
        for (uint256 i; i < words.length; ++i) {
            words[i] = _shown[epoch][sample][i];
            bits |= words[i];
        }
        return bits != 0;
    }

    /// @dev A sampled probe, of which words are taken now.
    function _showable(uint64 epoch, uint16 sample) private view returns (Probe memory p) {
        p = _probeOf(epoch, sample);
        if (p.offerId == 0) revert NoMachine(p.healthEpoch);
        _requireTime(_knownFrom(epoch), showableUntil(epoch));
        // Without randomness there is no committee whose members could have given their word.
        if (health.randomnessOf(p.healthEpoch) == 0) revert NoRandomness(p.healthEpoch);
    }

    /// @dev The stake epoch's own table is that of all health epochs of its sample.
    function _show(uint64 epoch, uint16 sample, bytes32 digest, bytes calldata bitmap, bytes calldata aggregate)
        private
    {
        table.verify(epoch, digest, bitmap, aggregate);
        for (uint256 word; 32 * word < bitmap.length; ++word) {
            uint256 rest = bitmap.length - 32 * word;
            uint256 bits;
            assembly ("memory-safe") {
                bits := calldataload(add(bitmap.offset, shl(5, word)))
            }
            if (rest < 32) bits &= type(uint256).max << (256 - 8 * rest);
            _shown[epoch][sample][word] |= bits;
        }
        emit ProbeShown(epoch, sample, bitmap);
    }

    /// @dev The list is one of the probe's health epoch, and calls its machine DOWN in its window.
    function _requireListed(Probe memory p, bytes calldata list) private view {
        (uint32 healthEpoch, uint256 count) = HealthMessages.headOf(list, _network());
        if (healthEpoch != p.healthEpoch) revert NotInList();
        uint256 wanted = HealthMessages.MACHINE << 64 | p.offerId;
        uint256 allowed = HealthMessages.maskOf(p.windows);
        uint256 subject;
        bool found;
        for (uint256 i; i < count; ++i) {
            uint256 windows;
            (subject, windows) = HealthMessages.entryAt(list, i, subject, allowed);
            if (subject == wanted) found = windows >> p.window & 1 == 1;
        }
        if (!found) revert NotInList();
    }

    /// @dev The 60 bytes that name this deployment.
    function _network() private view returns (bytes memory) {
        return abi.encodePacked(_l1ChainId, uint64(block.chainid), address(rounds), _avs, _operatorSet);
    }
}
