// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {IAVSRegistrar} from "../interfaces/eigenlayer/IAVSRegistrar.sol";
import {IAllocationManager} from "../interfaces/eigenlayer/IAllocationManager.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";
import {CoreAdapter, SetUp} from "./CoreAdapter.sol";
import {OperatorBook} from "./OperatorBook.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title The AVS on L1: registrar of the operator set, BLS keys, and the stake table of each epoch.
/// @notice Has no owner. The deployer sets it up in the core once; after that only the core registers, anyone
/// fixes tables, and `Slasher` and `Rewards` may eject.
contract ServiceManager is OperatorBook, IAVSRegistrar {
    using TimesLib for Times;
    using CoreAdapter for CoreAdapter.Core;

    /// @dev tag("quorate/pop/v1")
    bytes32 private constant POP_TAG = "quorate/pop/v1";
    /// @dev Above any stake that the core can hold (2^126); keeps a hostile strategy from blocking a table for all.
    uint256 private constant MAX_STAKE = 1 << 120;

    /// @notice Who may call `setUp`, once.
    address public immutable deployer = msg.sender;
    /// @inheritdoc IServiceManager
    address public immutable allocationManager;
    /// @inheritdoc IServiceManager
    uint32 public immutable operatorSetId;
    /// @notice The road to L2.
    IBridge public immutable bridge;
    /// @notice Slashable stake that an operator must show when it registers.
    uint256 public immutable minStake;
    /// @notice May eject; zero before `setUp`.
    address public slasher;
    /// @notice May eject, too; zero for none.
    address public rewards;

    Times private _times;

    /// @dev Commitment and stakes page of an epoch, joined.
    mapping(uint64 epoch => address) private _tables;

    /// @notice The caller has no business here.
    error NotCore(address caller);
    error NotDeployer(address caller);
    error NotEjector(address caller);
    /// @notice `setUp` was called before.
    error AlreadySetUp();
    /// @notice The registration is not for this AVS and its one operator set.
    error WrongOperatorSet();
    /// @notice The operator is registered already.
    error AlreadyRegistered(address operator);
    /// @notice The proof of possession does not hold, or the key is malformed or infinite.
    error BadProof();
    /// @notice Less slashable stake than `minStake`.
    error StakeTooLow(uint256 got, uint256 least);
    /// @notice The table of this epoch is fixed already, cannot be fixed yet, or no longer.
    error AlreadyFixed(uint64 epoch);
    error TooEarly(uint256 opensAt);
    error TooLate(uint256 epochStart, uint256 tableLead);
    /// @notice The epoch has no table.
    error NotFixed(uint64 epoch);
    /// @notice Nobody has stake.
    error EmptyTable();

    modifier onlyCore() {
        if (msg.sender != allocationManager) revert NotCore(msg.sender);
        _;
    }

    /// @param allocationManager_ EigenLayer's
    /// @param operatorSetId_ id of our one operator set
    /// @param bridge_ the end of the road to L2 on this chain
    /// @param minStake_ slashable stake asked for at registration, 0 for none
    /// @param times_ the clock; refused if it exceeds the time budget
    constructor(
        address allocationManager_,
        uint32 operatorSetId_,
        address bridge_,
        uint256 minStake_,
        Times memory times_
    ) {
        times_.check();
        allocationManager = allocationManager_;
        operatorSetId = operatorSetId_;
        bridge = IBridge(bridge_);
        minStake = minStake_;
        _times = times_;
    }

    /// @notice Makes this AVS known to the core and creates its operator set. Deployer only, once.
    function setUp(SetUp calldata s) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender);
        if (slasher != address(0)) revert AlreadySetUp();
        slasher = s.slasher;
        _core().createSet(address(this), s);
        if (s.rewards == address(0)) return;
        rewards = s.rewards;
        _core().allowRewards(s);
    }

    // --- registrar ---

    /// @inheritdoc IAVSRegistrar
    function registerOperator(address operator, address avs, uint32[] calldata operatorSetIds, bytes calldata data)
        external
        override(IServiceManager, IAVSRegistrar)
        onlyCore
    {
        if (avs != address(this) || operatorSetIds.length != 1 || operatorSetIds[0] != operatorSetId) {
            revert WrongOperatorSet();
        }
        if (_isRegistered(operator)) revert AlreadyRegistered(operator);
        (bytes memory key, bytes memory proof) = abi.decode(data, (bytes, bytes));
        if (key.length != BLS12381.G2) revert BadProof();
        bytes memory packed = BLS12381.packKey(key);
        bytes32 message = _popMessage(operator, packed);
        if (!BLS12381.verify(bytes.concat(message), BLS12381.DST_POSSESSION, key, proof)) revert BadProof();

        uint32 index = _join(operator, packed);
        _requireStake(operator);
        emit OperatorRegistered(operator, index, packed);
    }

    /// @inheritdoc IAVSRegistrar
    function deregisterOperator(address operator, address avs, uint32[] calldata operatorSetIds)
        external
        override(IServiceManager, IAVSRegistrar)
        onlyCore
    {
        if (!_isRegistered(operator) || avs != address(this) || !_containsOurs(operatorSetIds)) return;
        emit OperatorDeregistered(operator, _leave(operator));
    }

    /// @inheritdoc IServiceManager
    function supportsAVS(address avs) external view override(IServiceManager, IAVSRegistrar) returns (bool) {
        return avs == address(this);
    }

    /// @inheritdoc IServiceManager
    function eject(address operator) external {
        if (msg.sender != slasher && msg.sender != rewards) revert NotEjector(msg.sender);
        if (_isRegistered(operator)) _core().eject(operator);
    }

    // --- tables ---

    /// @inheritdoc IServiceManager
    function fixTable(uint64 epoch) external payable {
        if (_tables[epoch] != address(0)) revert AlreadyFixed(epoch);
        uint256 start = _times.epochStart(epoch);
        uint256 lead = _times.tableLead;
        if (block.timestamp + lead > start) revert TooLate(start, lead);
        if (block.timestamp < tableOpensAt(epoch)) revert TooEarly(tableOpensAt(epoch));

        (bytes memory stakes, uint128 total, bytes memory aggregate) = _collect(_lastSlashableBlock(epoch));
        if (total == 0) revert EmptyTable();
        uint32 count = operatorCount();
        bytes memory commitment = abi.encodePacked(epoch, count, total, aggregate, sha256(stakes), _pageHashes());
        _tables[epoch] = CodePages.write(bytes.concat(commitment, stakes));
        emit TableFixed(epoch, count, total, commitment);
        bridge.send{value: msg.value}(commitment);
    }

    /// @inheritdoc IServiceManager
    function tableOpensAt(uint64 epoch) public view returns (uint64) {
        uint256 start = _times.epochStart(epoch);
        uint256 before = uint256(_times.tableLead) + _times.tableWindow;
        uint256 opens = start > before ? start - before : 0;
        // Cannot truncate: it is the smaller of the two.
        // forge-lint: disable-next-line(unsafe-typecast)
        return opens < type(uint64).max ? uint64(opens) : type(uint64).max;
    }

    // --- views ---

    /// @inheritdoc IServiceManager
    function times() external view returns (Times memory) {
        return _times;
    }

    /// @inheritdoc IServiceManager
    function isFixed(uint64 epoch) external view returns (bool) {
        return _tables[epoch] != address(0);
    }

    /// @inheritdoc IServiceManager
    function commitmentOf(uint64 epoch) external view returns (bytes memory commitment) {
        (commitment,) = _table(epoch);
    }

    /// @inheritdoc IServiceManager
    function stakesOf(uint64 epoch) external view returns (bytes memory stakes) {
        (, stakes) = _table(epoch);
    }

    /// @inheritdoc IServiceManager
    function popMessage(address operator, bytes calldata key) external view returns (bytes32) {
        return _popMessage(operator, key);
    }

    // --- inside ---

    function _core() private view returns (CoreAdapter.Core memory) {
        return CoreAdapter.Core(IAllocationManager(allocationManager), address(this), operatorSetId);
    }

    function _popMessage(address operator, bytes memory packed) private view returns (bytes32) {
        // A chain id fits in 64 bits by EIP-2294.
        // forge-lint: disable-next-line(unsafe-typecast)
        return sha256(abi.encodePacked(POP_TAG, uint64(block.chainid), address(this), operator, packed));
    }

    function _requireStake(address operator) private view {
        if (minStake == 0) return;
        address[] memory one = new address[](1);
        one[0] = operator;
        uint256 until = block.timestamp + _times.stakeEpoch + _times.horizon();
        uint256 got = _core().stakes(one, _blockAt(until))[0];
        if (got < minStake) revert StakeTooLow(got, minStake);
    }

    function _containsOurs(uint32[] calldata ids) private view returns (bool) {
        for (uint256 i = 0; i < ids.length; ++i) {
            if (ids[i] == operatorSetId) return true;
        }
        return false;
    }

    /// @dev The last block at which an operator may still be slashed for a round of this epoch.
    function _lastSlashableBlock(uint64 epoch) private view returns (uint32) {
        return _blockAt(_times.epochStart(epoch) + _times.stakeEpoch + _times.horizon());
    }

    /// @dev The highest number that a block at `time` can have.
    function _blockAt(uint256 time) private view returns (uint32) {
        uint256 number = block.number + (time - block.timestamp) / _times.secondsPerBlock + 1;
        // Cannot truncate: it is the smaller of the two.
        // forge-lint: disable-next-line(unsafe-typecast)
        return number < type(uint32).max ? uint32(number) : type(uint32).max;
    }

    /// @dev Stakes of all indices as they stand now, their sum, and the sum of the keys that have stake.
    function _collect(uint32 futureBlock)
        private
        view
        returns (bytes memory stakes, uint128 total, bytes memory aggregate)
    {
        address[] memory operators = _registered;
        uint256[] memory amounts = _core().stakes(operators, futureBlock);
        stakes = new bytes(16 * _byIndex.length);
        uint256 points = _points();
        for (uint256 i = 0; i < operators.length; ++i) {
            uint256 amount = amounts[i] < MAX_STAKE ? amounts[i] : MAX_STAKE;
            if (amount == 0) continue;
            Operator storage entry = _operators[operators[i]];
            uint256 index = entry.index;
            assembly ("memory-safe") {
                // A stake is the low half of a word whose high half belongs to what stands before it.
                let slot := add(add(stakes, 16), shl(4, index))
                mstore(slot, or(shl(128, shr(128, mload(slot))), amount))
            }
            _addKey(points, entry.keyPage);
            // 128 stakes of at most 2^120.
            // forge-lint: disable-next-line(unsafe-typecast)
            total += uint128(amount);
        }
        aggregate = BLS12381.packKey(_pointAt(points));
    }

    function _table(uint64 epoch) private view returns (bytes memory commitment, bytes memory stakes) {
        address page = _tables[epoch];
        if (page == address(0)) revert NotFixed(epoch);
        bytes memory whole = CodePages.read(page);
        uint32 count;
        assembly ("memory-safe") {
            count := and(mload(add(whole, 12)), 0xffffffff)
        }
        uint256 length = whole.length - 16 * uint256(count);
        return (CodePages.read(page, 0, length), CodePages.read(page, length, whole.length - length));
    }
}
