// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Dialect, SetUp} from "../../src/l1/CoreAdapter.sol";
import {OperatorBook} from "../../src/l1/OperatorBook.sol";
import {ServiceManager} from "../../src/l1/ServiceManager.sol";
import {Times, TimesLib} from "../../src/l1/Times.sol";
import {StakeTable} from "../../src/l2/StakeTable.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {BlsKit} from "../BlsKit.sol";
import {TableKit} from "../TableKit.sol";
import {L1Base} from "./L1Base.sol";

contract ServiceManagerTest is L1Base {
    using TableKit for TableKit.Table;

    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    function setUp() external {
        _deploy(Dialect.Appointee, 0);
    }

    /// @dev Into the window of an epoch's table.
    function _warpTo(uint64 epoch) private {
        vm.warp(manager.tableOpensAt(epoch));
    }

    // --- set-up ---

    function test_setUpSpeaksTheDialectOfV18() external view {
        assertEq(core.slasher(), address(slasher), "appointee");
        assertEq(core.registrar(), address(manager), "registrar");
        assertEq(core.recipient(), VAULT, "recipient");
        assertTrue(!core.usedSlot(), "no slot");
    }

    function test_setUpSpeaksTheDialectOfV19() external {
        _deploy(Dialect.SlasherSlot, 0);
        assertEq(core.slasher(), address(slasher), "slot");
        assertEq(core.registrar(), address(manager), "registrar");
        assertEq(core.recipient(), VAULT, "recipient");
        assertTrue(core.usedSlot(), "slot used");
    }

    function test_onlyTheDeployerSetsUpAndOnlyOnce() external {
        SetUp memory s = _setUp(Dialect.Appointee);
        vm.expectRevert(ServiceManager.AlreadySetUp.selector);
        manager.setUp(s);
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.NotDeployer.selector, address(0xbad)));
        manager.setUp(s);
    }

    function test_timesOverTheBudgetAreRefused() external {
        Times memory t = _times();
        t.bridgeDelay += 1 days;
        uint256 sum = 1 days + 4 hours + 1 days + 10 minutes + 2 days + 1 days + 7.4 days + 1 days;
        vm.expectRevert(abi.encodeWithSelector(TimesLib.OverBudget.selector, sum, 13 days));
        new ServiceManager(address(core), SET_ID, address(down), 0, t);
    }

    function test_timesAtTheBudgetAreTaken() external {
        Times memory t = _times();
        t.executionWindow = 0;
        t.executionWindow = uint32(13 days - (4 hours + 1 days) - 1 days - (10 minutes + 9.4 days));
        new ServiceManager(address(core), SET_ID, address(down), 0, t);
        t.executionWindow += 1;
        vm.expectRevert(abi.encodeWithSelector(TimesLib.OverBudget.selector, 13 days + 1, 13 days));
        new ServiceManager(address(core), SET_ID, address(down), 0, t);
    }

    // --- registration ---

    function test_anOperatorGetsAnIndexAndKeepsItsKey() external {
        _register(0);
        _register(1);
        (bool known, uint32 index) = manager.indexOf(_operator(1));
        assertTrue(known, "known");
        assertEq(index, 1, "index");
        assertEq(manager.keyAt(1), BlsKit.packedKeyOf(5001), "key");
        assertEq(manager.keysPage(0), bytes.concat(BlsKit.packedKeyOf(5000), BlsKit.packedKeyOf(5001)), "page");
        (address operator, bool registered) = manager.operatorAt(1);
        assertEq(operator, _operator(1), "operator");
        assertTrue(registered, "registered");
        (known,) = manager.indexOf(_operator(2));
        assertTrue(!known, "unknown");
    }

    function test_onlyTheCoreRegisters() external {
        bytes memory data = _registration(_operator(0), 5000);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.NotCore.selector, address(this)));
        manager.registerOperator(_operator(0), address(manager), _ids(SET_ID), data);
    }

    function test_otherOperatorSetsAreRefused() external {
        bytes memory data = _registration(_operator(0), 5000);
        vm.startPrank(address(core));
        vm.expectRevert(ServiceManager.WrongOperatorSet.selector);
        manager.registerOperator(_operator(0), address(manager), _ids(SET_ID + 1), data);
        vm.expectRevert(ServiceManager.WrongOperatorSet.selector);
        manager.registerOperator(_operator(0), address(0xa5), _ids(SET_ID), data);
        vm.expectRevert(ServiceManager.WrongOperatorSet.selector);
        manager.registerOperator(_operator(0), address(manager), new uint32[](0), data);
        vm.stopPrank();
    }

    function test_aCopiedProofIsRefused() external {
        bytes memory data = _registration(_operator(0), 5000);
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(_operator(1), address(manager), SET_ID, data);
    }

    /// @dev The key of a stranger less somebody's own: nobody can sign for it.
    function test_aRogueKeyIsRefused() external {
        bytes memory key = BlsKit.keyOf(ORDER - 1 - 5000);
        bytes32 message = manager.popMessage(_operator(1), BLS12381.packKey(key));
        bytes memory data = abi.encode(key, BlsKit.sign(5000, BLS12381.DST_POSSESSION, message));
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(_operator(1), address(manager), SET_ID, data);
    }

    function test_aVoteIsNoProofOfPossession() external {
        bytes memory key = BlsKit.keyOf(5000);
        bytes32 message = manager.popMessage(_operator(0), BLS12381.packKey(key));
        bytes memory data = abi.encode(key, BlsKit.sign(5000, BLS12381.DST_VOTE, message));
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(_operator(0), address(manager), SET_ID, data);
    }

    function test_theInfiniteKeyIsRefused() external {
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(_operator(0), address(manager), SET_ID, abi.encode(new bytes(256), new bytes(128)));
    }

    function testFuzz_hostileRegistrationsAreRefused(bytes memory key, bytes memory proof, bytes32 a, bytes32 b)
        external
    {
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(_operator(0), address(manager), SET_ID, abi.encode(key, proof));
        vm.expectRevert(ServiceManager.BadProof.selector);
        core.register(
            _operator(0),
            address(manager),
            SET_ID,
            abi.encode(abi.encode(a, b, a, b, b, a, a, b), abi.encode(a, a, b, b))
        );
    }

    function test_aKeyAndItsNegativeBelongToOneOperator() external {
        _register(0);
        bytes memory same = _registration(_operator(1), 5000);
        vm.expectRevert(OperatorBook.KeyTaken.selector);
        core.register(_operator(1), address(manager), SET_ID, same);
        bytes memory negative = _registration(_operator(1), ORDER - 5000);
        vm.expectRevert(OperatorBook.KeyTaken.selector);
        core.register(_operator(1), address(manager), SET_ID, negative);
    }

    function test_whoComesBackKeepsIndexAndKey() external {
        _register(0);
        _register(1);
        core.deregister(_operator(0), address(manager), _ids(SET_ID));
        bytes memory other = _registration(_operator(0), 6000);
        vm.expectRevert(OperatorBook.KeyChanged.selector);
        core.register(_operator(0), address(manager), SET_ID, other);
        _register(0);
        (, uint32 index) = manager.indexOf(_operator(0));
        assertEq(index, 0, "the old index");
        assertEq(manager.operatorCount(), 2, "no new index");
        assertEq(manager.registeredCount(), 2, "both in");
    }

    function test_nobodyRegistersTwice() external {
        _register(0);
        bytes memory data = _registration(_operator(0), 5000);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.AlreadyRegistered.selector, _operator(0)));
        core.register(_operator(0), address(manager), SET_ID, data);
    }

    function test_noMoreThan128AtOnce() external {
        for (uint256 i = 0; i < 128; ++i) {
            _register(i);
        }
        bytes memory data = _registration(_operator(128), 5128);
        vm.expectRevert(OperatorBook.SetFull.selector);
        core.register(_operator(128), address(manager), SET_ID, data);
        core.deregister(_operator(5), address(manager), _ids(SET_ID));
        core.register(_operator(128), address(manager), SET_ID, data);
        (, uint32 index) = manager.indexOf(_operator(128));
        assertEq(index, 128, "a new index");
    }

    function test_tooLittleStakeIsRefused() external {
        _deploy(Dialect.Appointee, 1100);
        _registerWithStake(0);
        bytes memory data = _registration(_operator(1), 5001);
        core.setStake(_operator(1), STRATEGY_A, 1099);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.StakeTooLow.selector, 1099, 1100));
        core.register(_operator(1), address(manager), SET_ID, data);
    }

    // --- leaving ---

    function testFuzz_leavingNeverReverts(address operator, address avs, uint32[] calldata ids, bool known, bool ours)
        external
    {
        _register(0);
        _register(1);
        uint32[] memory sets = ids;
        if (ours) sets = _ids(SET_ID);
        if (known) (operator, avs) = (_operator(0), address(manager));
        core.deregister(operator, avs, sets);
        core.deregister(operator, avs, sets);
        (, bool registered) = manager.operatorAt(0);
        if (known && ours) assertTrue(!registered, "out");
        (, registered) = manager.operatorAt(1);
        assertTrue(registered, "the other stays");
    }

    function test_onlyTheCoreTakesOperatorsOut() external {
        _register(0);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.NotCore.selector, address(this)));
        manager.deregisterOperator(_operator(0), address(manager), _ids(SET_ID));
    }

    function test_onlyTheSlasherEjects() external {
        _register(0);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.NotEjector.selector, address(this)));
        manager.eject(_operator(0));
        vm.startPrank(address(slasher));
        manager.eject(_operator(0));
        manager.eject(_operator(0)); // gone already: nothing to do
        vm.stopPrank();
        assertEq(manager.registeredCount(), 0, "out");
    }

    // --- tables ---

    /// @dev What the table should be, from the mock's stakes, by the test's own arithmetic.
    function _expected(uint64 epoch, uint256 count) private view returns (TableKit.Table memory t) {
        t = TableKit.create(epoch, count);
        for (uint256 i = 0; i < count; ++i) {
            (address operator, bool registered) = manager.operatorAt(uint32(i));
            uint256 stake = core.stake(operator, STRATEGY_A) + core.stake(operator, STRATEGY_B);
            t.set(i, 5000 + i, registered ? stake : 0);
        }
    }

    function test_aTableIsFixedAndSent() external {
        for (uint256 i = 0; i < 5; ++i) {
            _registerWithStake(i);
        }
        core.deregister(_operator(1), address(manager), _ids(SET_ID));
        core.setStake(_operator(3), STRATEGY_A, 0);
        core.setStake(_operator(3), STRATEGY_B, 0);
        _warpTo(4);
        vm.deal(address(this), 3);
        manager.fixTable{value: 3}(4);

        TableKit.Table memory t = _expected(4, 5);
        assertEq(t.stakes[1] + t.stakes[3], 0, "left, or without stake");
        assertEq(t.stakes[4], 1104, "sum over the strategies");
        assertEq(manager.commitmentOf(4), t.commitment(), "commitment");
        assertEq(manager.stakesOf(4), t.stakesPage(), "stakes");
        assertEq(down.last(), t.commitment(), "sent");
        assertEq(down.value(), 3, "with the value");
        assertTrue(manager.isFixed(4), "fixed");
        assertTrue(!manager.isFixed(5), "that epoch alone");
    }

    function test_l2TakesWhatL1Sends() external {
        for (uint256 i = 0; i < 125; ++i) {
            _registerWithStake(i);
        }
        core.deregister(_operator(60), address(manager), _ids(SET_ID));
        _warpTo(4);
        manager.fixTable(4);
        StakeTable table = new StakeTable(address(this));
        table.receiveMessage(down.last());
        table.postKeysPage(4, 0, manager.keysPage(0));
        table.postKeysPage(4, 1, manager.keysPage(1));
        table.postStakesPage(4, manager.stakesOf(4));
        assertTrue(table.isComplete(4), "complete");
        TableKit.Table memory t = _expected(4, 125);
        bytes memory bitmap = t.all();
        TableKit.unset(bitmap, 124);
        bytes32 digest = keccak256("digest");
        (uint256 signed,) = table.verify(4, digest, bitmap, t.sign(bitmap, digest));
        assertEq(signed, t.stakeOf(bitmap), "signed stake");
    }

    function test_fullPagesAreHashedOnceAndStayRight() external {
        for (uint256 i = 0; i < 121; ++i) {
            _registerWithStake(i);
        }
        _warpTo(4);
        manager.fixTable(4);
        _registerWithStake(121);
        _warpTo(5);
        manager.fixTable(5);
        assertEq(manager.commitmentOf(5), _expected(5, 122).commitment(), "commitment");
    }

    function test_aTableIsFixedOnce() external {
        _registerWithStake(0);
        _warpTo(4);
        manager.fixTable(4);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.AlreadyFixed.selector, uint64(4)));
        manager.fixTable(4);
    }

    function test_aTableIsFixedInItsWindow() external {
        _registerWithStake(0);
        uint256 start = GENESIS + 4 days;
        uint256 closes = start - 1 days;
        assertEq(manager.tableOpensAt(4), closes - 4 hours, "opens");
        vm.warp(closes - 4 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.TooEarly.selector, closes - 4 hours));
        manager.fixTable(4);
        vm.warp(closes + 1);
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.TooLate.selector, start, 1 days));
        manager.fixTable(4);
        vm.warp(closes);
        manager.fixTable(4);
    }

    function test_theFirstEpochsTableIsFixedBeforeGenesis() external {
        _registerWithStake(0);
        vm.warp(GENESIS - 1 days);
        manager.fixTable(0);
        assertEq(manager.commitmentOf(0), _expected(0, 1).commitment(), "commitment");
    }

    function test_emptyTablesAreNotFixed() external {
        _warpTo(4);
        vm.expectRevert(ServiceManager.EmptyTable.selector);
        manager.fixTable(4);
        _register(0);
        vm.expectRevert(ServiceManager.EmptyTable.selector);
        manager.fixTable(4);
    }

    /// @dev Stake counts only if it can still be slashed when the last evidence about the epoch is executed.
    function test_stakeThatCouldLeaveTooSoonDoesNotCount() external {
        _registerWithStake(0);
        _registerWithStake(1);
        _warpTo(4);
        uint256 end = GENESIS + 5 days + 10 minutes + 9.4 days + 1 days;
        uint256 last = block.number + (end - block.timestamp) / 12 + 1;
        core.setLeavingAt(_operator(0), last);
        core.setLeavingAt(_operator(1), last - 1);
        manager.fixTable(4);
        TableKit.Table memory t = _expected(4, 2);
        t.stakes[1] = 0;
        assertEq(manager.commitmentOf(4), t.commitment(), "commitment");
    }

    function test_anAbsurdStakeBlocksNobody() external {
        _registerWithStake(0);
        _registerWithStake(1);
        TableKit.Table memory t = _expected(4, 2);
        t.stakes[1] = 1 << 120;
        core.setStake(_operator(1), STRATEGY_A, type(uint256).max);
        _warpTo(4);
        manager.fixTable(4);
        assertEq(manager.commitmentOf(4), t.commitment(), "commitment");
    }

    function testFuzz_noEpochOverflows(uint64 epoch) external view {
        uint256 start = uint256(GENESIS) + uint256(epoch) * 1 days;
        uint256 opens = start - 1 days - 4 hours;
        assertEq(manager.tableOpensAt(epoch), opens < type(uint64).max ? opens : type(uint64).max, "opens");
    }

    function test_gasOfFixingAFullTable() external {
        for (uint256 i = 0; i < 128; ++i) {
            _registerWithStake(i);
        }
        _warpTo(4);
        uint256 before = gasleft();
        manager.fixTable(4);
        uint256 used = before - gasleft();
        emit log_named_uint("fixTable, 128 operators, core not counted", used);
        assertLe(used, 6_000_000, "gas of fixing");
    }
}
