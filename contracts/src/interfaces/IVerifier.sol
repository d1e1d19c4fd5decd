// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "./IRounds.sol";

/// @title Judges headers by witnesses: docs/formats.md, section 13. Reads the orders, their values and the policy
/// from L2's own storage as of T, never from the signed inputs root. Holds no state.
/// @notice Total: whatever the accused has signed or posted, the answer is a fault or none. It reverts on a witness
/// that its bringer has malformed, and for want of gas, which decides nothing.
interface IVerifier {
    /// @notice The witness is not of section 13, does not open the header's list, or lacks an entry that its kind needs.
    error BadWitness(uint256 where);

    /// @notice What the contracts make of one pair.
    struct Pair {
        uint8 ineligible; // docs/formats.md, section 6: 0 eligible, 1 to 22 the first rule that fails; 23 request, 24 offer not an input
        uint64 score; // 0 unless eligible
        uint64 tie;
    }

    /// @notice Judges a header, whether it was certified or not. Kind 1 reads where the round's entries stand from its
    /// leases, so there it says something only of the header that was posted in full: `Disputes` sees to that.
    /// @param header 272 bytes, of this deployment
    /// @return code 0: the witness shows no fault; else section 13's. @return position of the entry at fault, or 2^32 - 1
    function judge(bytes calldata header, bytes calldata witness) external view returns (uint8 code, uint32 position);

    /// @notice Eligibility, score and tie of pairs (request u64 ‖ offer u64 each) in round n under a seed, for nodes to
    /// check themselves before they sign. At most 256 pairs.
    function pairs(uint64 n, bytes32 seed, bytes calldata ids) external view returns (Pair[] memory);

    /// @notice The contract's own reading of a list against a root: reverts where `postChunk` would refuse.
    function checkChunk(bytes32 outcomeRoot, IRounds.Chunk calldata c) external view;

    /// @notice Whether 48 bytes are the beacon's signature of a round (one pairing). Total.
    function isBeacon(uint64 beaconRound, bytes calldata signature) external view returns (bool);
}
