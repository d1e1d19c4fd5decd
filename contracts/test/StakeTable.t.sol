// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../src/interfaces/IStakeTable.sol";
import {BLS12381} from "../src/lib/BLS12381.sol";
import {StakeTable} from "../src/l2/StakeTable.sol";
import {Base, Vm} from "./Base.t.sol";
import {BlsKit} from "./BlsKit.sol";
import {TableKit} from "./TableKit.sol";

contract StakeTableTest is Base {
    using TableKit for TableKit.Table;

    bytes32 private constant DIGEST = keccak256("digest");
    uint64 private constant EPOCH = 3;

    StakeTable private table;

    function setUp() external {
        table = new StakeTable(address(this));
    }

    // --- fixtures ---

    /// @dev Operator i has secret 1001 + i and stake 10 + i.
    function _fixture(uint256 count) private pure returns (TableKit.Table memory t) {
        t = TableKit.create(EPOCH, count);
        for (uint256 i = 0; i < count; ++i) {
            t.set(i, 1001 + i, 10 + i);
        }
    }

    function _post(TableKit.Table memory t) private {
        table.receiveMessage(t.commitment());
        for (uint32 p = 0; p < t.pages(); ++p) {
            table.postKeysPage(t.epoch, p, t.keysPage(p));
        }
        table.postStakesPage(t.epoch, t.stakesPage());
    }

    function _check(TableKit.Table memory t, bytes memory bitmap) private view {
        bytes memory aggregate = t.sign(bitmap, DIGEST);
        (uint256 signed, uint256 total) = table.verify(t.epoch, DIGEST, bitmap, aggregate);
        assertEq(signed, t.stakeOf(bitmap), "signed stake");
        assertEq(total, t.total(), "total stake");
    }

    // --- verify ---

    function test_allSign() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        _check(t, t.all());
    }

    function testFuzz_anyPartOfTheTableSigns(uint256 bits, uint8 size) external {
        uint256 count = bound(size, 1, 40);
        TableKit.Table memory t = _fixture(count);
        for (uint256 i = 0; i < count; ++i) {
            if ((bits >> (200 + i % 56)) & 1 == 1 && i != 0) t.set(i, 1001 + i, 0);
        }
        _post(t);
        bytes memory bitmap = t.all();
        for (uint256 i = 1; i < count; ++i) {
            if ((bits >> i) & 1 == 1) TableKit.unset(bitmap, i);
        }
        _check(t, bitmap);
    }

    function test_tablesOfMoreThanOneWordAndPage() external {
        TableKit.Table memory t = _fixture(300);
        for (uint256 i = 40; i < 290; ++i) {
            if (i % 7 != 0) t.set(i, 1001 + i, 0);
        }
        _post(t);
        bytes memory bitmap = t.all();
        _check(t, bitmap);
        TableKit.unset(bitmap, 299);
        TableKit.unset(bitmap, 259);
        bitmap[0] = 0xf0;
        _check(t, bitmap);
    }

    function test_aForgedSignatureIsRefused() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory bitmap = t.all();
        bytes memory aggregate = t.sign(bitmap, keccak256("another digest"));
        vm.expectRevert(IStakeTable.BadSignature.selector);
        table.verify(EPOCH, DIGEST, bitmap, aggregate);
    }

    function test_aMissingSignerIsRefused() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory bitmap = t.all();
        bytes memory aggregate = t.sign(bitmap, DIGEST);
        bitmap[0] = 0x0f;
        vm.expectRevert(IStakeTable.BadSignature.selector);
        table.verify(EPOCH, DIGEST, bitmap, aggregate);
    }

    function test_aDoubledSignerIsRefused() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory bitmap = t.all();
        bytes memory aggregate = BlsKit.addG1(t.sign(bitmap, DIGEST), BlsKit.sign(1001, BLS12381.DST_VOTE, DIGEST));
        vm.expectRevert(IStakeTable.BadSignature.selector);
        table.verify(EPOCH, DIGEST, bitmap, aggregate);
    }

    function test_aTableServesItsOwnEpochOnly() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory bitmap = t.all();
        bytes memory aggregate = t.sign(bitmap, DIGEST);
        vm.expectRevert(abi.encodeWithSelector(IStakeTable.NoTable.selector, EPOCH + 1));
        table.verify(EPOCH + 1, DIGEST, bitmap, aggregate);
    }

    function test_bitsWithoutStakeAreRefused() external {
        TableKit.Table memory t = _fixture(5);
        t.set(2, 1003, 0);
        _post(t);
        bytes memory aggregate = t.sign(t.all(), DIGEST);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        table.verify(EPOCH, DIGEST, hex"1f", aggregate);
    }

    function test_bitsBeyondTheTableAreRefused() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory aggregate = t.sign(t.all(), DIGEST);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        table.verify(EPOCH, DIGEST, hex"3f", aggregate);
    }

    function test_aBitmapOfAnotherLengthIsRefused() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        bytes memory aggregate = t.sign(t.all(), DIGEST);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        table.verify(EPOCH, DIGEST, hex"1f00", aggregate);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        table.verify(EPOCH, DIGEST, "", aggregate);
    }

    function test_nobodySignsNothing() external {
        _post(_fixture(5));
        vm.expectRevert(IStakeTable.BadSignature.selector);
        table.verify(EPOCH, DIGEST, hex"00", new bytes(128));
    }

    /// @dev Secrets k and r - k: their sum is infinity, whose signature is infinity.
    function test_signersWhoseKeysCancelAreRefused() external {
        uint256 order = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
        TableKit.Table memory t = _fixture(4);
        t.set(1, order - 1001, 50);
        _post(t);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        table.verify(EPOCH, DIGEST, hex"03", new bytes(128));
    }

    function testFuzz_hostileBytesNeverVerify(bytes memory bitmap, bytes32 a, bytes32 b, bytes32 c, bytes32 d)
        external
    {
        _post(_fixture(5));
        (bool ok,) = address(table).call(abi.encodeCall(table.verify, (EPOCH, DIGEST, bitmap, abi.encode(a, b, c, d))));
        assertTrue(!ok, "refused");
    }

    /// @dev Whatever gas the caller has: the right answer, or a revert.
    function test_wantOfGasNeverDecides() external {
        TableKit.Table memory t = _fixture(9);
        _post(t);
        bytes memory bitmap = t.all();
        bitmap[0] = 0x7e;
        bytes memory aggregate = t.sign(bitmap, DIGEST);
        uint256 answers;
        for (uint256 gas = 2_000; gas < 145_000; gas += 311) {
            try table.verify{gas: gas}(EPOCH, DIGEST, bitmap, aggregate) returns (uint256 signed, uint256) {
                assertEq(signed, t.stakeOf(bitmap), "signed stake");
                ++answers;
            } catch (bytes memory reason) {
                // Short of gas it must not say that the signature is bad.
                assertTrue(bytes4(reason) != IStakeTable.BadSignature.selector, "no verdict without gas");
                assertTrue(bytes4(reason) != IStakeTable.BadBitmap.selector, "no verdict without gas");
            }
        }
        assertTrue(answers > 3, "some had enough");
    }

    // --- L1's word ---

    function test_onlyTheBridgeSpeaksForL1() external {
        bytes memory commitment = _fixture(5).commitment();
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(StakeTable.NotBridge.selector, address(0xbad)));
        table.receiveMessage(commitment);
    }

    function test_theFirstCommitmentOfAnEpochStands() external {
        table.receiveMessage(_fixture(5).commitment());
        bytes memory other = _fixture(6).commitment();
        vm.expectRevert(abi.encodeWithSelector(StakeTable.AlreadyCommitted.selector, EPOCH));
        table.receiveMessage(other);
    }

    function test_emptyTablesAreRefused() external {
        TableKit.Table memory t = _fixture(2);
        t.set(0, 1001, 0);
        t.set(1, 1002, 0);
        bytes memory commitment = t.commitment();
        vm.expectRevert(StakeTable.BadCommitment.selector);
        table.receiveMessage(commitment);
    }

    function testFuzz_commitmentsOfAnotherLengthAreRefused(uint16 length) external {
        bytes memory commitment = _fixture(5).commitment();
        uint256 size = bound(length, 0, commitment.length - 1);
        assembly ("memory-safe") {
            mstore(commitment, size)
        }
        vm.expectRevert(StakeTable.BadCommitment.selector);
        table.receiveMessage(commitment);
    }

    // --- pages ---

    function test_aStrangerMayPostPages() external {
        TableKit.Table memory t = _fixture(5);
        table.receiveMessage(t.commitment());
        vm.startPrank(address(0xabc));
        table.postKeysPage(EPOCH, 0, t.keysPage(0));
        assertTrue(!table.isComplete(EPOCH), "stakes are missing");
        table.postStakesPage(EPOCH, t.stakesPage());
        vm.stopPrank();
        assertTrue(table.isComplete(EPOCH), "complete");
    }

    function test_postingTwiceChangesNothing() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        address code = table.keysPageAt(sha256(t.keysPage(0)));
        table.postKeysPage(EPOCH, 0, t.keysPage(0));
        table.postStakesPage(EPOCH, t.stakesPage());
        assertEq(table.keysPageAt(sha256(t.keysPage(0))), code, "the same page");
        _check(t, t.all());
    }

    function test_keysPagesServeAllEpochsThatNameThem() external {
        TableKit.Table memory t = _fixture(5);
        _post(t);
        t.epoch = EPOCH + 1;
        t.set(2, 1003, 77);
        table.receiveMessage(t.commitment());
        table.postStakesPage(t.epoch, t.stakesPage());
        _check(t, t.all());
    }

    function test_wrongPagesAreRefused() external {
        TableKit.Table memory t = _fixture(5);
        table.receiveMessage(t.commitment());
        bytes memory keys = t.keysPage(0);
        bytes memory stakes = t.stakesPage();
        bytes32 keysHash = sha256(keys);
        bytes32 stakesHash = sha256(stakes);
        keys[7] ^= 0x01;
        stakes[7] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(StakeTable.WrongPage.selector, sha256(keys), keysHash));
        table.postKeysPage(EPOCH, 0, keys);
        vm.expectRevert(abi.encodeWithSelector(StakeTable.WrongPage.selector, sha256(stakes), stakesHash));
        table.postStakesPage(EPOCH, stakes);
        vm.expectRevert(abi.encodeWithSelector(StakeTable.NoSuchPage.selector, uint32(1)));
        table.postKeysPage(EPOCH, 1, keys);
    }

    function test_stakesComeAfterTheKeys() external {
        TableKit.Table memory t = _fixture(5);
        table.receiveMessage(t.commitment());
        bytes memory stakes = t.stakesPage();
        vm.expectRevert(abi.encodeWithSelector(StakeTable.KeysPageMissing.selector, uint32(0)));
        table.postStakesPage(EPOCH, stakes);
    }

    function test_pagesWithoutACommitmentAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(IStakeTable.NoTable.selector, EPOCH));
        table.postKeysPage(EPOCH, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IStakeTable.NoTable.selector, EPOCH));
        table.postStakesPage(EPOCH, "");
    }

    function test_theTableReadsBack() external {
        TableKit.Table memory t = _fixture(130);
        _post(t);
        (uint32 count, uint128 total, bytes memory key, bytes memory stakes) = table.tableOf(EPOCH);
        assertEq(count, 130, "count");
        assertEq(total, t.total(), "total");
        assertEq(BLS12381.packKey(key), t.aggregateKey(), "aggregate key");
        assertEq(stakes, t.stakesPage(), "stakes");
        assertEq(table.keysPage(EPOCH, 1), t.keysPage(1), "keys");
        (bool known, bytes memory commitment) = table.commitmentOf(EPOCH);
        assertTrue(known, "known");
        assertEq(commitment, t.commitment(), "commitment");
    }

    // --- gas ---

    /// @dev Everything cold but the precompiles, as in a transaction of its own; the call's own encoding not counted.
    function _gasWithAbsent(uint256 absent) private returns (uint256 used) {
        TableKit.Table memory t = _fixture(128);
        vm.recordLogs();
        _post(t);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes memory bitmap = t.all();
        for (uint256 i = 0; i < absent; ++i) {
            TableKit.unset(bitmap, (i * 9 + 5) % 128);
        }
        bytes memory call = abi.encodeCall(table.verify, (EPOCH, DIGEST, bitmap, t.sign(bitmap, DIGEST)));
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IStakeTable.StakesPagePosted.selector) vm.cool(abi.decode(logs[i].data, (address)));
            if (topic != IStakeTable.KeysPagePosted.selector) continue;
            (, address code) = abi.decode(logs[i].data, (bytes32, address));
            vm.cool(code);
        }
        vm.cool(address(table));
        uint256 before = gasleft();
        (bool ok, bytes memory result) = address(table).staticcall(call);
        used = before - gasleft();
        assertTrue(ok, "verified");
        (uint256 signed, uint256 total) = abi.decode(result, (uint256, uint256));
        assertEq(signed, t.stakeOf(bitmap), "signed stake");
        assertEq(total, t.total(), "total stake");
    }

    function test_gasOfVerifying() external {
        uint256[5] memory absent = [uint256(0), 1, 10, 64, 100];
        uint256[5] memory limits = [uint256(126_000), 136_000, 151_000, 220_000, 181_000];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < absent.length; ++i) {
            uint256 used = _gasWithAbsent(absent[i]);
            emit log_named_uint(string.concat("absent ", vm.toString(absent[i])), used);
            assertLe(used, limits[i], "gas of verifying");
            vm.revertToState(snapshot);
        }
    }
}
