// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {IMachines} from "../../src/interfaces/IMachines.sol";
import {Machines} from "../../src/l2/Machines.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {MachinesKit} from "./MachinesKit.sol";

/// @notice Who may do what with a machine, and what a machine may be.
contract MachinesTest is MachinesKit {
    // --- registering ---

    function test_aRegisteredMachineHasItsCards() external {
        uint64 offer = _offerWithKey(2, uint160(agent));
        vm.expectEmit();
        emit IMachines.MachineRegistered(
            offer, PROVIDER, uint64(block.timestamp), ENDPOINT, CERTIFICATE, _cards(2, 100)
        );
        _register(offer, _cards(2, 100));
        (uint64 registeredAt, uint64 retiredAt, bool paused, bytes32 certificate) = machines.machineOf(offer);
        assertEq(registeredAt, block.timestamp, "registered");
        assertEq(retiredAt, 0, "not retired");
        assertTrue(!paused, "not paused");
        assertEq(certificate, CERTIFICATE, "certificate");
        assertEq(machines.machineOfCard(bytes16(uint128(101))), offer, "card");
        assertEq(machines.agentOf(offer), agent, "agent");
    }

    function test_viewsOfNoMachineAreEmpty() external view {
        (uint64 registeredAt, uint64 retiredAt, bool paused, bytes32 certificate) = machines.machineOf(77);
        assertEq(abi.encode(registeredAt, retiredAt, paused, certificate), new bytes(128), "machine");
        (uint64 announced, uint64 from, uint64 until) = machines.maintenance(77, 3);
        assertEq(abi.encode(announced, from, until), new bytes(96), "maintenance");
        assertEq(machines.maintenanceSeconds(77, 0, type(uint64).max), 0, "seconds");
        assertEq(machines.maintenances(77), 0, "count");
        assertEq(machines.agentOf(77), address(0), "agent");
        assertEq(machines.machineOfCard(bytes16(uint128(1))), 0, "card");
        assertEq(machines.machineCount(), 0, "machines");
        assertEq(machines.machineByNumber(0), 0, "number");
    }

    /// @dev In the order of registering, not of offers; who retires keeps its number.
    function test_machinesAreNumbered() external {
        uint64 first = _offerWithKey(1, uint160(agent));
        uint64 second = _offerWithKey(1, uint160(agent));
        _register(second, _cards(1, 200));
        _register(first, _cards(1, 100));
        _retireOffer(second);
        machines.retire(second);
        uint64 third = _offerWithKey(1, uint160(agent));
        _register(third, _cards(1, 200));
        assertEq(machines.machineCount(), 3, "count");
        assertEq(machines.machineByNumber(0), second, "number 0");
        assertEq(machines.machineByNumber(1), first, "number 1");
        assertEq(machines.machineByNumber(2), third, "number 2");
        assertEq(machines.machineByNumber(3), 0, "no more");
    }

    function test_onlyTheProviderRegisters() external {
        uint64 offer = _offerWithKey(2, uint160(agent));
        vm.expectRevert(abi.encodeWithSelector(Machines.NotAllowed.selector, agent, PROVIDER, address(0)));
        vm.prank(agent);
        machines.register(offer, ENDPOINT, CERTIFICATE, _cards(2, 100));
    }

    function test_refusesAnOfferThatIsNotOpen() external {
        vm.expectRevert(abi.encodeWithSelector(Machines.NotOpen.selector, 5));
        _register(5, _cards(2, 100));
        uint64 offer = _offerWithKey(2, uint160(agent));
        vm.prank(PROVIDER);
        market.closeOffer(offer);
        vm.expectRevert(abi.encodeWithSelector(Machines.NotOpen.selector, offer));
        _register(offer, _cards(2, 100));
    }

    function testFuzz_refusesAnOfferWithoutAnAgent(uint96 above) external {
        uint256 key = above == 0 ? 0 : uint256(above) << 160 | uint160(agent);
        uint64 offer = _offerWithKey(2, key);
        vm.expectRevert(abi.encodeWithSelector(Machines.NoMachineKey.selector, key));
        _register(offer, _cards(2, 100));
        assertEq(machines.agentOf(offer), address(0), "no agent");
    }

    function test_aMachineIsRegisteredOnce() external {
        uint64 offer = _machine();
        vm.expectRevert(abi.encodeWithSelector(Machines.AlreadyRegistered.selector, offer));
        _register(offer, _cards(2, 200));
    }

    function test_cardsAreAsManyAsTheOfferHas() external {
        uint64 offer = _offerWithKey(2, uint160(agent));
        vm.expectRevert(abi.encodeWithSelector(Machines.BadCardCount.selector, 3, 2));
        _register(offer, _cards(3, 100));
        vm.expectRevert(abi.encodeWithSelector(Machines.BadCardCount.selector, 1, 2));
        _register(offer, _cards(1, 100));
    }

    function test_aMachineHasNoMoreCardsThanAReportHolds() external {
        _register(_offerWithKey(16, uint160(agent)), _cards(16, 100));
        uint64 offer = _offerWithKey(17, uint160(agent));
        vm.expectRevert(abi.encodeWithSelector(Machines.BadCardCount.selector, 17, 16));
        _register(offer, _cards(17, 200));
    }

    function test_cardsAscendFromAboveZero() external {
        uint64 offer = _offerWithKey(2, uint160(agent));
        bytes16[] memory cards = _cards(2, 100);
        cards[1] = cards[0];
        vm.expectRevert(abi.encodeWithSelector(Machines.CardsNotAscending.selector, cards[1], cards[0]));
        _register(offer, cards);
        vm.expectRevert(abi.encodeWithSelector(Machines.CardsNotAscending.selector, 0, 0));
        _register(offer, _cards(2, 0));
    }

    /// @dev Somebody else's card, and the provider's own in another of its machines.
    function test_aCardIsInOneMachineOfTheMarket() external {
        uint64 first = _machine();
        uint64 second = _offerWithKey(2, uint160(agent));
        vm.expectRevert(abi.encodeWithSelector(Machines.CardTaken.selector, bytes16(uint128(101)), first));
        _register(second, _cards(2, 101));
        bytes memory record = _offer(1, 1_000);
        _put(record, 32, 32, uint160(STRANGER));
        vm.startPrank(STRANGER);
        uint64 third = market.postOffers(record);
        vm.expectRevert(abi.encodeWithSelector(Machines.CardTaken.selector, bytes16(uint128(100)), first));
        machines.register(third, ENDPOINT, CERTIFICATE, _cards(1, 100));
        vm.stopPrank();
    }

    /// @dev Who claims cards binds as much stake as any provider with as many.
    function test_claimingCardsTakesTheTiersStake() external {
        bytes memory page = _policy(2);
        _put(page, 4 + 128, 8, 3_000_000); // least stake of tier 0
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 1);
        vm.warp(_closeOf(0) + 1);
        uint64 offer = _offerWithKey(2, uint160(agent));
        vm.expectRevert(abi.encodeWithSelector(Machines.StakeTooSmall.selector, 0, 6_000_000));
        _register(offer, _cards(2, 100));

        quor.mint(PROVIDER, 6e18);
        vm.startPrank(PROVIDER);
        quor.approve(address(providers), type(uint256).max);
        providers.stake(6e18);
        vm.stopPrank();
        _register(offer, _cards(2, 100));
    }

    // --- the fee ---

    /// @dev A policy that burns a token and a half for each card, and asks for three tokens of stake in tier 1; model 0
    /// is of that tier if `price` says so.
    function _withFee(uint64 price) private {
        bytes memory page = _policy(2);
        _put(page, AT_STANDING + 98, 8, 1_500_000);
        _put(page, 4 + 128 + 8, 8, 3_000_000);
        _put(page, 4 + 960, 8, price);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 1);
        vm.warp(_closeOf(0) + 1);
    }

    function _staked() private view returns (uint64 staked) {
        (staked,,,,,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
    }

    function _stake(uint256 tokens) private {
        quor.mint(PROVIDER, tokens);
        vm.startPrank(PROVIDER);
        quor.approve(address(providers), type(uint256).max);
        providers.stake(tokens);
        vm.stopPrank();
    }

    /// @dev Of two cards in tier 1.
    function _offerInLow() private returns (uint64) {
        bytes memory record = _offer(2, 1_000);
        _put(record, 32, 32, uint160(agent));
        _put(record, 152, 1, 1);
        vm.prank(PROVIDER);
        return market.postOffers(record);
    }

    function test_registeringBurnsAFeeForEachCard() external {
        _withFee(1e6);
        uint64 offer = _offerInLow();
        _stake(9e18);
        address burned = providers.BURNED();
        uint256 before = quor.balanceOf(burned);
        _register(offer, _cards(2, 100));
        assertEq(_staked(), 6_000_000, "left of the stake");
        assertEq(quor.balanceOf(burned) - before, 3e18, "burned");
    }

    function test_whatIsLeftAfterTheFeeMustBeTheTiersStake() external {
        _withFee(1e6);
        uint64 offer = _offerInLow();
        _stake(9e18 - 1e12);
        vm.expectRevert(abi.encodeWithSelector(Machines.StakeTooSmall.selector, 5_999_999, 6_000_000));
        _register(offer, _cards(2, 100));
        assertEq(_staked(), 8_999_999, "nothing is burned");
    }

    function test_aFeeAboveTheStakeIsNamed() external {
        _withFee(1e6);
        uint64 offer = _offerInLow();
        _stake(2e18);
        vm.expectRevert(abi.encodeWithSelector(Providers.TooMuch.selector, 3_000_000, 2_000_000));
        _register(offer, _cards(2, 100));
    }

    function test_theEntryTierPaysNoFee() external {
        _withFee(0);
        _stake(3e18);
        _register(_offerWithKey(2, uint160(agent)), _cards(2, 100));
        assertEq(_staked(), 3_000_000, "whole");
    }

    function test_onlyMachinesBurnFees() external {
        _stake(3e18);
        bytes32 role = providers.MACHINES();
        vm.prank(PROVIDER);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, PROVIDER, role)
        );
        providers.burn(PROVIDER, 1);
    }

    /// @dev Registered in the entry tier, for nothing, the machine cannot be made one of a dearer model.
    function test_theFeeIsNotAvoidedByRevisingTheModel() external {
        _withFee(0);
        bytes memory page = _policy(3);
        _put(page, 4 + 960 + 8, 8, 1e6); // model 1 is of tier 1
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 2);
        vm.warp(_closeOf(1) + 1);
        _stake(6e18);
        uint64 offer = _machine(); // model 0, of the entry tier
        bytes memory record = _offer(2, 1_000);
        _put(record, 148, 1, 1);
        _put(record, 152, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.TierChanged.selector, 1, 0));
        vm.prank(PROVIDER);
        market.reviseOffer(offer, record);
    }

    // --- endpoints ---

    function _moves(string memory endpoint, bytes memory revert_) private {
        uint64 offer = _machine();
        if (revert_.length != 0) vm.expectRevert(revert_);
        vm.prank(PROVIDER);
        machines.setEndpoint(offer, endpoint, CERTIFICATE);
    }

    function _endpoint(uint256 length) private pure returns (bytes memory text) {
        text = new bytes(length);
        for (uint256 i; i < length; ++i) {
            text[i] = i < 8 ? bytes("https://")[i] : bytes1("a");
        }
    }

    function test_endpointsHaveALeastAndAMostLength() external {
        _moves(string(_endpoint(8)), abi.encodeWithSelector(Machines.BadEndpointLength.selector, 8, 9, 128));
    }

    function test_endpointsAreNotTooLong() external {
        _moves(string(_endpoint(129)), abi.encodeWithSelector(Machines.BadEndpointLength.selector, 129, 9, 128));
    }

    function test_theLongestEndpointIsTaken() external {
        _moves(string(_endpoint(128)), "");
    }

    function test_endpointsAreHttps() external {
        _moves("http://10.0.0.1:80", abi.encodeWithSelector(Machines.BadEndpoint.selector, 4, bytes1(":")));
    }

    function testFuzz_endpointsArePrintable(uint8 place, bytes1 char) external {
        bytes memory text = _endpoint(40);
        uint256 i = bound(place, 8, 39);
        text[i] = char;
        bool good = char > 0x20 && char < 0x7f;
        _moves(string(text), good ? bytes("") : abi.encodeWithSelector(Machines.BadEndpoint.selector, i, char));
    }

    function test_endpointsHaveACertificate() external {
        uint64 offer = _machine();
        vm.expectRevert(Machines.NoCertificate.selector);
        vm.prank(agent);
        machines.setEndpoint(offer, ENDPOINT, 0);
    }

    // --- the agent, and who stole its key ---

    function test_theAgentMovesTheEndpoint() external {
        uint64 offer = _machine();
        vm.expectEmit();
        emit IMachines.EndpointChanged(offer, uint64(block.timestamp), "https://b:1", keccak256("other"));
        vm.prank(agent);
        machines.setEndpoint(offer, "https://b:1", keccak256("other"));
        (,,, bytes32 certificate) = machines.machineOf(offer);
        assertEq(certificate, keccak256("other"), "certificate");
    }

    function test_pausingSetsItsBitOnly() external {
        uint64 offer = _machine();
        providers.grantRole(providers.HEALTH(), address(this));
        providers.changeMachineFlags(offer, 0, 1);
        vm.prank(agent);
        machines.setPaused(offer, true);
        assertEq(_flags(offer), 5, "jailed and paused");
        vm.prank(PROVIDER);
        machines.setPaused(offer, false);
        assertEq(_flags(offer), 1, "jailed");
    }

    function test_pausingTwiceChangesNothing() external {
        uint64 offer = _machine();
        vm.prank(agent);
        machines.setPaused(offer, true);
        vm.recordLogs();
        vm.prank(agent);
        machines.setPaused(offer, true);
        assertEq(vm.getRecordedLogs().length, 0, "no event");
        assertEq(_flags(offer), 4, "paused");
    }

    function test_aStrangerMayNothing() external {
        uint64 offer = _machine();
        bytes memory expected = abi.encodeWithSelector(Machines.NotAllowed.selector, STRANGER, PROVIDER, agent);
        vm.startPrank(STRANGER);
        vm.expectRevert(expected);
        machines.setEndpoint(offer, ENDPOINT, CERTIFICATE);
        vm.expectRevert(expected);
        machines.setPaused(offer, true);
        vm.expectRevert(expected);
        machines.announceMaintenance(offer, 0, 0);
        vm.expectRevert(expected);
        machines.endMaintenance(offer);
        vm.stopPrank();
    }

    /// @dev The agent of one machine is a stranger to the provider's others.
    function test_anAgentSpeaksForItsOwnMachineOnly() external {
        _machine();
        uint64 other = _offerWithKey(1, uint160(STRANGER));
        _register(other, _cards(1, 300));
        vm.expectRevert(abi.encodeWithSelector(Machines.NotAllowed.selector, agent, PROVIDER, STRANGER));
        vm.prank(agent);
        machines.setPaused(other, true);
    }

    function test_aStolenMachineKeyTouchesNeitherOfferNorStake() external {
        uint64 offer = _machine();
        vm.startPrank(agent);
        vm.expectRevert(abi.encodeWithSignature("NotOwner(address,address)", agent, PROVIDER));
        market.reviseOffer(offer, _offer(2, 1));
        vm.expectRevert(abi.encodeWithSignature("NotOwner(address,address)", agent, PROVIDER));
        market.closeOffer(offer);
        vm.expectRevert(abi.encodeWithSelector(Providers.TooMuch.selector, 1_000_000, 0));
        providers.requestUnstake(1e18); // its own, which is none
        vm.stopPrank();
    }

    function test_aNewMachineKeyEndsTheOldOnesRights() external {
        uint64 offer = _machine();
        bytes memory record = _offer(2, 1_000);
        _put(record, 32, 32, uint160(STRANGER));
        vm.prank(PROVIDER);
        market.reviseOffer(offer, record);
        vm.expectRevert(abi.encodeWithSelector(Machines.NotAllowed.selector, agent, PROVIDER, STRANGER));
        vm.prank(agent);
        machines.setPaused(offer, true);
        vm.prank(STRANGER);
        machines.setPaused(offer, true);
        assertEq(_flags(offer), 4, "paused");
    }

    // --- retiring ---

    function test_aRetiredMachineFreesItsCards() external {
        uint64 offer = _machine();
        _retireOffer(offer);
        vm.prank(STRANGER);
        machines.retire(offer);
        (, uint64 retiredAt,,) = machines.machineOf(offer);
        assertEq(retiredAt, block.timestamp, "retired");
        assertEq(machines.machineOfCard(bytes16(uint128(100))), 0, "free");
        uint64 next = _offerWithKey(2, uint160(agent));
        _register(next, _cards(2, 100));
        assertEq(machines.machineOfCard(bytes16(uint128(100))), next, "taken again");
    }

    function test_aMachineRetiresAfterItsOfferOnly() external {
        uint64 offer = _machine();
        vm.expectRevert(abi.encodeWithSelector(Machines.OfferNotRetired.selector, offer));
        machines.retire(offer);
        vm.prank(PROVIDER);
        market.closeOffer(offer);
        vm.expectRevert(abi.encodeWithSelector(Machines.OfferNotRetired.selector, offer));
        machines.retire(offer);
    }

    function test_aRetiredMachineIsOver() external {
        uint64 offer = _machine();
        _retireOffer(offer);
        machines.retire(offer);
        bytes memory expected = abi.encodeWithSelector(Machines.AlreadyRetired.selector, offer);
        vm.expectRevert(expected);
        machines.retire(offer);
        vm.expectRevert(expected);
        machines.syncMaintenance(offer);
        vm.startPrank(PROVIDER);
        vm.expectRevert(expected);
        machines.setPaused(offer, true);
        vm.expectRevert(abi.encodeWithSelector(Machines.AlreadyRegistered.selector, offer));
        machines.register(offer, ENDPOINT, CERTIFICATE, _cards(2, 100));
        vm.stopPrank();
    }

    function test_whatIsNotRegisteredIsRefused() external {
        uint64 offer = _offerWithKey(2, uint160(agent));
        bytes memory expected = abi.encodeWithSelector(Machines.NotRegistered.selector, offer);
        vm.expectRevert(expected);
        machines.retire(offer);
        vm.expectRevert(expected);
        machines.syncMaintenance(offer);
        vm.expectRevert(expected);
        vm.prank(PROVIDER);
        machines.setPaused(offer, true);
    }

    // --- through the forwarder ---

    function _signed(uint64 offer, uint256 key, uint48 deadline)
        private
        view
        returns (ERC2771Forwarder.ForwardRequestData memory r)
    {
        r.from = vmKeys.addr(AGENT_KEY);
        r.to = address(machines);
        r.gas = 500_000;
        r.deadline = deadline;
        r.data = abi.encodeCall(Machines.setPaused, (offer, true));
        bytes32 typeHash = keccak256(
            "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
        );
        bytes32 message = keccak256(
            abi.encode(typeHash, r.from, r.to, 0, r.gas, forwarder.nonces(r.from), r.deadline, keccak256(r.data))
        );
        (, string memory name, string memory version, uint256 chain, address at_,,) = forwarder.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chain,
                at_
            )
        );
        (uint8 v, bytes32 x, bytes32 y) = vmKeys.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, message)));
        r.signature = abi.encodePacked(x, y, v);
    }

    function test_anyoneCarriesWhatTheAgentSigned() external {
        uint64 offer = _machine();
        ERC2771Forwarder.ForwardRequestData memory r = _signed(offer, AGENT_KEY, uint48(block.timestamp));
        vm.prank(STRANGER);
        forwarder.execute(r);
        assertEq(_flags(offer), 4, "paused");
    }

    function test_whatTheAgentSignedCountsOnce() external {
        uint64 offer = _machine();
        ERC2771Forwarder.ForwardRequestData memory r = _signed(offer, AGENT_KEY, uint48(block.timestamp));
        forwarder.execute(r);
        vm.prank(PROVIDER);
        machines.setPaused(offer, false);
        vm.expectRevert();
        forwarder.execute(r);
        assertEq(_flags(offer), 0, "not again");
    }

    function test_nobodyForgesTheAgentsWord() external {
        uint64 offer = _machine();
        ERC2771Forwarder.ForwardRequestData memory r = _signed(offer, AGENT_KEY + 1, uint48(block.timestamp));
        vm.expectRevert();
        forwarder.execute(r);
        r = _signed(offer, AGENT_KEY, uint48(block.timestamp) - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ERC2771Forwarder.ERC2771ForwarderExpiredRequest.selector, block.timestamp - 1)
        );
        forwarder.execute(r);
    }

    /// @dev The sender at the end of the call's data counts only if the forwarder sent it.
    function test_anAddressBehindACallIsNobodysWord() external {
        uint64 offer = _machine();
        bytes memory call = abi.encodePacked(abi.encodeCall(Machines.setPaused, (offer, true)), agent);
        vm.prank(STRANGER);
        (bool ok,) = address(machines).call(call);
        assertTrue(!ok, "refused");
        vm.prank(address(forwarder));
        (ok,) = address(machines).call(call);
        assertTrue(ok, "the forwarder's word counts");
    }
}
