// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IArbSys} from "../interfaces/arbitrum/IArbitrum.sol";
import {ArbitrumBridgeUpEnd} from "./ArbitrumBridgeUpEnd.sol";
import {BridgeEnd} from "./BridgeEnd.sol";

/// @title From Arbitrum to L1, through the outbox: the end on L2. Its peer is `ArbitrumBridgeUpEnd`.
/// @dev The message can be executed on L1, by anyone, once the assertion that holds it is confirmed: days.
contract ArbitrumBridgeUp is IBridge, BridgeEnd {
    IArbSys private constant ARB_SYS = IArbSys(address(100));

    /// @notice This road costs nothing here.
    error ValueNotTaken();

    /// @inheritdoc IBridge
    function send(bytes calldata payload) external payable returns (uint64 nonce) {
        if (msg.value != 0) revert ValueNotTaken();
        nonce = _takeNonce();
        emit MessageSent(nonce, msg.sender, payload);
        ARB_SYS.sendTxToL1(peer, abi.encodeCall(ArbitrumBridgeUpEnd.deliver, (nonce, payload)));
    }
}
