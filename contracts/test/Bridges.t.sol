// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ArbitrumBridgeDown} from "../src/bridge/ArbitrumBridgeDown.sol";
import {ArbitrumBridgeDownEnd} from "../src/bridge/ArbitrumBridgeDownEnd.sol";
import {ArbitrumBridgeUp} from "../src/bridge/ArbitrumBridgeUp.sol";
import {ArbitrumBridgeUpEnd} from "../src/bridge/ArbitrumBridgeUpEnd.sol";
import {BridgeEnd} from "../src/bridge/BridgeEnd.sol";
import {PlainBridge} from "../src/bridge/PlainBridge.sol";
import {IBridgeReceiver} from "../src/interfaces/IBridge.sol";
import {Base} from "./Base.t.sol";

/// @notice Keeps what arrives; can refuse.
contract MemoryReceiver is IBridgeReceiver {
    bytes public last;
    uint256 public count;
    bool public closed;

    error Closed();

    function close(bool yes) external {
        closed = yes;
    }

    function receiveMessage(bytes calldata payload) external {
        if (closed) revert Closed();
        last = payload;
        ++count;
    }
}

/// @notice Arbitrum's inbox: keeps the last ticket.
contract MockInbox {
    address public to;
    uint256 public l2CallValue;
    uint256 public submission;
    address public excessRefund;
    address public valueRefund;
    uint256 public gasLimit;
    uint256 public maxFeePerGas;
    bytes public data;
    uint256 public value;

    function createRetryableTicket(
        address to_,
        uint256 l2CallValue_,
        uint256 submission_,
        address excessRefund_,
        address valueRefund_,
        uint256 gasLimit_,
        uint256 maxFeePerGas_,
        bytes calldata data_
    ) external payable returns (uint256) {
        (to, l2CallValue, submission, excessRefund) = (to_, l2CallValue_, submission_, excessRefund_);
        (valueRefund, gasLimit, maxFeePerGas, value) = (valueRefund_, gasLimit_, maxFeePerGas_, msg.value);
        data = data_;
        return 1;
    }

    function calculateRetryableSubmissionFee(uint256 length, uint256) public pure returns (uint256) {
        return 1_400 + 6 * length;
    }
}

/// @notice Arbitrum's bridge and outbox on L1.
contract MockArbitrumBridge {
    address public l2ToL1Sender;

    function activeOutbox() external view returns (address) {
        return address(this);
    }

    /// @notice Executes a message of `l2Sender` out of the outbox.
    function run(address l2Sender, address to, bytes calldata data) external {
        l2ToL1Sender = l2Sender;
        (bool ok, bytes memory reason) = to.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
        l2ToL1Sender = address(0);
    }
}

/// @notice Arbitrum's system precompile.
contract MockArbSys {
    address public to;
    bytes public data;

    function sendTxToL1(address to_, bytes calldata data_) external payable returns (uint256) {
        (to, data) = (to_, data_);
        return 1;
    }
}

/// @dev This contract is the sender of all bridges and the relayer of the plain one.
contract BridgesTest is Base {
    bytes private constant PAYLOAD = "a message";

    MemoryReceiver private receiver;

    function setUp() external {
        receiver = new MemoryReceiver();
        vm.deal(address(this), 1 ether);
    }

    // --- wiring ---

    function test_anEndIsWiredOnceByItsDeployer() external {
        PlainBridge bridge = new PlainBridge(address(this));
        vm.prank(address(0xbad));
        vm.expectRevert(BridgeEnd.NotDeployer.selector);
        bridge.connect(address(this), address(receiver), address(0));
        bridge.connect(address(this), address(receiver), address(0));
        vm.expectRevert(BridgeEnd.AlreadyConnected.selector);
        bridge.connect(address(this), address(receiver), address(0));
    }

    // --- the plain bridge ---

    function _plain() private returns (PlainBridge bridge) {
        bridge = new PlainBridge(address(this));
        bridge.connect(address(this), address(receiver), address(0));
    }

    function test_thePlainBridgeSaysWhatItIs() external {
        assertTrue(_plain().isDevnetOnly(), "devnet only");
    }

    function test_thePlainBridgeNumbersMessages() external {
        PlainBridge bridge = _plain();
        assertEq(bridge.send(PAYLOAD), 0, "first");
        assertEq(bridge.send(PAYLOAD), 1, "second");
        vm.expectRevert(PlainBridge.ValueNotTaken.selector);
        bridge.send{value: 1}(PAYLOAD);
    }

    function test_onlyTheSenderSends() external {
        PlainBridge bridge = _plain();
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(BridgeEnd.NotSender.selector, address(0xbad)));
        bridge.send(PAYLOAD);
    }

    function test_onlyTheRelayerDelivers() external {
        PlainBridge bridge = _plain();
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(PlainBridge.NotRelayer.selector, address(0xbad)));
        bridge.deliver(0, PAYLOAD);
    }

    function test_aMessageIsDeliveredOnceInAnyOrder() external {
        PlainBridge bridge = _plain();
        bridge.deliver(5, PAYLOAD);
        bridge.deliver(2, "another");
        assertEq(receiver.last(), "another", "payload");
        vm.expectRevert(abi.encodeWithSelector(BridgeEnd.AlreadyDelivered.selector, uint64(5)));
        bridge.deliver(5, PAYLOAD);
        assertEq(receiver.count(), 2, "two messages");
    }

    function test_aRefusedMessageMayComeAgain() external {
        PlainBridge bridge = _plain();
        receiver.close(true);
        vm.expectRevert(MemoryReceiver.Closed.selector);
        bridge.deliver(0, PAYLOAD);
        receiver.close(false);
        bridge.deliver(0, PAYLOAD);
        assertEq(receiver.count(), 1, "delivered");
    }

    // --- Arbitrum, down ---

    function _alias(address l1) private pure returns (address) {
        unchecked {
            return address(uint160(l1) + uint160(0x1111000000000000000000000000000000001111));
        }
    }

    function test_downATicketCallsThePeer() external {
        MockInbox inbox = new MockInbox();
        ArbitrumBridgeDown down = new ArbitrumBridgeDown(address(inbox), 1_000_000);
        ArbitrumBridgeDownEnd end = new ArbitrumBridgeDownEnd();
        down.connect(address(this), address(0), address(end));
        end.connect(address(0), address(receiver), address(down));

        uint256 value = down.quote(PAYLOAD.length, 10);
        down.send{value: value}(PAYLOAD);
        assertEq(inbox.to(), address(end), "peer");
        assertEq(inbox.maxFeePerGas(), 10, "gas price");
        assertEq(inbox.gasLimit(), 1_000_000, "gas");
        assertEq(inbox.l2CallValue(), 0, "no value goes along");
        assertEq(inbox.submission() + 10 * inbox.gasLimit(), inbox.value(), "all of the value is used");
        assertEq(inbox.valueRefund(), address(end), "nobody can cancel");
        assertEq(inbox.excessRefund(), tx.origin, "the payer gets the rest");

        // The ticket is redeemed on L2, by whomever: Arbitrum makes the call as the alias of the L1 end.
        bytes memory data = inbox.data();
        vm.prank(_alias(address(down)));
        (bool ok,) = address(end).call(data);
        assertTrue(ok, "delivered");
        assertEq(receiver.last(), PAYLOAD, "payload");
        vm.prank(_alias(address(down)));
        vm.expectRevert(abi.encodeWithSelector(BridgeEnd.AlreadyDelivered.selector, uint64(0)));
        end.deliver(0, PAYLOAD);
    }

    function test_downTooLittleValueIsRefused() external {
        MockInbox inbox = new MockInbox();
        ArbitrumBridgeDown down = new ArbitrumBridgeDown(address(inbox), 1_000_000);
        down.connect(address(this), address(0), address(0xe));
        uint256 least = down.quote(PAYLOAD.length, 2);
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeDown.ValueTooLow.selector, least - 1, least));
        down.send{value: least - 1}(PAYLOAD);
        down.send{value: least}(PAYLOAD);
    }

    function test_downOnlyThePeersAliasDelivers() external {
        ArbitrumBridgeDownEnd end = new ArbitrumBridgeDownEnd();
        address alias0 = _alias(address(0));
        vm.prank(alias0);
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeDownEnd.NotPeer.selector, alias0));
        end.deliver(0, PAYLOAD); // not wired yet
        end.connect(address(0), address(receiver), address(0xd0));
        vm.prank(address(0xd0));
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeDownEnd.NotPeer.selector, address(0xd0)));
        end.deliver(0, PAYLOAD);
    }

    function testFuzz_aliasesWrapAround(uint160 peer) external {
        ArbitrumBridgeDownEnd end = new ArbitrumBridgeDownEnd();
        end.connect(address(0), address(receiver), address(peer));
        vm.prank(_alias(address(peer)));
        end.deliver(0, PAYLOAD);
        assertEq(receiver.count(), 1, "delivered");
    }

    // --- Arbitrum, up ---

    function _up() private returns (ArbitrumBridgeUp up, ArbitrumBridgeUpEnd end, MockArbitrumBridge arbitrum) {
        arbitrum = new MockArbitrumBridge();
        up = new ArbitrumBridgeUp();
        end = new ArbitrumBridgeUpEnd(address(arbitrum));
        up.connect(address(this), address(0), address(end));
        end.connect(address(0), address(receiver), address(up));
        vm.etch(address(100), address(new MockArbSys()).code);
    }

    function test_upTheOutboxCallsThePeer() external {
        (ArbitrumBridgeUp up, ArbitrumBridgeUpEnd end, MockArbitrumBridge arbitrum) = _up();
        up.send(PAYLOAD);
        MockArbSys arbSys = MockArbSys(address(100));
        assertEq(arbSys.to(), address(end), "peer");
        bytes memory data = arbSys.data();
        arbitrum.run(address(up), address(end), data);
        assertEq(receiver.last(), PAYLOAD, "payload");
        vm.expectRevert(abi.encodeWithSelector(BridgeEnd.AlreadyDelivered.selector, uint64(0)));
        arbitrum.run(address(up), address(end), data);
    }

    function test_upOnlyThePeersMessagesAreTaken() external {
        (ArbitrumBridgeUp up, ArbitrumBridgeUpEnd end, MockArbitrumBridge arbitrum) = _up();
        bytes memory data = abi.encodeCall(ArbitrumBridgeUpEnd.deliver, (0, PAYLOAD));
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeUpEnd.NotPeer.selector, address(0xbad)));
        arbitrum.run(address(0xbad), address(end), data);
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeUpEnd.NotArbitrum.selector, address(this)));
        end.deliver(0, PAYLOAD);
        MockArbitrumBridge impostor = new MockArbitrumBridge();
        vm.expectRevert(abi.encodeWithSelector(ArbitrumBridgeUpEnd.NotArbitrum.selector, address(impostor)));
        impostor.run(address(up), address(end), data);
    }

    function test_upNoValueIsTaken() external {
        (ArbitrumBridgeUp up,,) = _up();
        vm.expectRevert(ArbitrumBridgeUp.ValueNotTaken.selector);
        up.send{value: 1}(PAYLOAD);
    }
}
