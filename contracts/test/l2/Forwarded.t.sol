// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {DevnetToken} from "../../src/devnet/DevnetToken.sol";
import {LeaseBook} from "../../src/l2/LeaseBook.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {LeaseKit} from "./LeaseKit.sol";
import {vm2} from "./Vm2.sol";

/// @notice Tenants and providers without gas: strangers carry what they signed.
contract ForwardedTest is LeaseKit {
    uint256 private constant TENANT_KEY = 0x7E4A47;
    uint256 private constant PROVIDER_KEY = 0x5E11E4;
    bytes32 private constant TYPE = keccak256(
        "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
    );

    ERC2771Forwarder private _carrier;

    function setUp() public override {
        _carrier = new ERC2771Forwarder("Quorate forwarder");
        super.setUp();
        _fund(vm2.addr(TENANT_KEY));
    }

    function _forwarder() internal view override returns (address) {
        return address(_carrier);
    }

    function _signed(uint256 key, address to, bytes memory data, uint48 deadline)
        private
        view
        returns (ERC2771Forwarder.ForwardRequestData memory r)
    {
        address from = vm2.addr(key);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Quorate forwarder"),
                keccak256("1"),
                block.chainid,
                address(_carrier)
            )
        );
        bytes32 content =
            keccak256(abi.encode(TYPE, from, to, 0, 3_000_000, _carrier.nonces(from), deadline, keccak256(data)));
        (uint8 v, bytes32 rr, bytes32 s) = vm2.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, content)));
        r = ERC2771Forwarder.ForwardRequestData(from, to, 0, 3_000_000, deadline, data, abi.encodePacked(rr, s, v));
    }

    /// @dev A stranger pays for the transaction.
    function _carry(uint256 key, address to, bytes memory data) private {
        ERC2771Forwarder.ForwardRequestData memory r = _signed(key, to, data, uint48(block.timestamp));
        vm.prank(STRANGER);
        _carrier.execute(r);
    }

    function test_aTenantWithoutGasPostsExtendsClosesAndWithdraws() external {
        address tenant = vm2.addr(TENANT_KEY);
        _postOffer(4, ASK);
        _carry(TENANT_KEY, address(market), abi.encodeCall(market.postRequests, (_request(3, BUDGET, 3_600, tenant))));
        (bytes memory record,,) = market.requestRecord(1);
        assertEq(_get(record, 12, 20), uint160(tenant), "tenant");
        _run(0, _list(_one(1, 1)));
        uint64 start = uint64(block.timestamp);
        _carry(TENANT_KEY, address(market), abi.encodeCall(market.extend, (1, 60)));
        vm.warp(start + 1_000);
        _carry(TENANT_KEY, address(market), abi.encodeCall(market.closeLeases, (_ids(1))));
        assertEq(_endOfLease(), start + 1_000, "closed");
        assertEq(market.leaseMoney(1).reason, 1, "by its tenant");
        escrow.settle(1);
        uint256 credit = escrow.creditOf(tenant, 0);
        uint256 before = usd.balanceOf(tenant);
        _carry(TENANT_KEY, address(escrow), abi.encodeCall(escrow.withdraw, (0)));
        assertEq(usd.balanceOf(tenant) - before, credit, "withdrawn to the tenant");
        assertTrue(credit != 0, "something");
    }

    function test_aTenantWithoutGasCancels() external {
        address tenant = vm2.addr(TENANT_KEY);
        _carry(TENANT_KEY, address(market), abi.encodeCall(market.postRequests, (_request(1, 9, 60, tenant))));
        _carry(TENANT_KEY, address(market), abi.encodeCall(market.cancelRequest, (1)));
        (,, uint64 closed) = market.requestRecord(1);
        assertEq(closed, block.timestamp, "closed");
    }

    function test_aProviderWithoutGasOffersRevisesAndCloses() external {
        address provider = vm2.addr(PROVIDER_KEY);
        _carry(PROVIDER_KEY, address(market), abi.encodeCall(market.postOffers, (_offer(4, ASK))));
        _carry(PROVIDER_KEY, address(market), abi.encodeCall(market.reviseOffer, (1, _offer(4, ASK + 1))));
        (bytes memory record,,) = market.offerRecord(1, 2);
        assertEq(_get(record, 12, 20), uint160(provider), "provider");
        _carry(PROVIDER_KEY, address(market), abi.encodeCall(market.closeOffer, (1)));
        assertEq(market.offerVersionAt(1, uint64(block.timestamp)), 0, "closed");
        (, uint32 gpus,,,,) = providers.providerAt(provider, uint64(block.timestamp));
        assertEq(gpus, 4, "counted for the provider");
    }

    /// @dev The approval is signed too (ERC-2612): not one step takes gas.
    function test_aProviderWithoutGasStakes() external {
        address provider = vm2.addr(PROVIDER_KEY);
        DevnetToken token = new DevnetToken("Devnet Token", "DEV", 18);
        Providers staking = new Providers(token, 1_000, address(this), address(_carrier));
        token.mint(provider, 5e18);
        _carry(PROVIDER_KEY, address(staking), _permit(token, address(staking), 5e18));
        _carry(PROVIDER_KEY, address(staking), abi.encodeCall(staking.stake, (5e18)));
        (uint64 staked,,,,,) = staking.providerAt(provider, uint64(block.timestamp));
        assertEq(staked, 5_000_000, "millionths, of the provider");
        assertEq(token.balanceOf(address(staking)), 5e18, "tokens");
    }

    /// @dev Somebody may have handed it in first; a token may have no such thing. Neither is in the way of the rest.
    function test_aPermitThatChangesNothingDoesNotFail() external {
        DevnetToken token = new DevnetToken("Devnet Token", "DEV", 18);
        Providers staking = new Providers(token, 1_000, address(this), address(_carrier));
        bytes memory data = _permit(token, address(staking), 5);
        _carry(PROVIDER_KEY, address(staking), data);
        _carry(PROVIDER_KEY, address(staking), data);
        assertEq(token.allowance(vm2.addr(PROVIDER_KEY), address(staking)), 5, "once");
        _carry(PROVIDER_KEY, address(new Providers(quor, 1_000, address(this), address(_carrier))), data);
    }

    /// @dev The provider's approval, as `Providers.permit` takes it.
    function _permit(DevnetToken token, address spender, uint256 value) private view returns (bytes memory) {
        address owner = vm2.addr(PROVIDER_KEY);
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 content = keccak256(abi.encode(kind, owner, spender, value, token.nonces(owner), block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), content));
        (uint8 v, bytes32 r, bytes32 s) = vm2.sign(PROVIDER_KEY, digest);
        return abi.encodeCall(Providers.permit, (owner, value, block.timestamp, v, r, s));
    }

    function test_aPayerWithoutGasAllows() external {
        _carry(TENANT_KEY, address(escrow), abi.encodeCall(escrow.allow, (TENANT, 0, 77, 88)));
        (uint256 cap, uint64 until) = escrow.allowanceOf(vm2.addr(TENANT_KEY), TENANT, 0);
        assertEq(abi.encode(cap, until), abi.encode(77, 88), "allowance");
    }

    function test_whatIsExpiredIsRefused() external {
        bytes memory data = abi.encodeCall(escrow.allow, (TENANT, 0, 77, 88));
        uint48 deadline = uint48(block.timestamp);
        ERC2771Forwarder.ForwardRequestData memory r = _signed(TENANT_KEY, address(escrow), data, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ERC2771Forwarder.ERC2771ForwarderExpiredRequest.selector, deadline));
        _carrier.execute(r);
    }

    /// @dev The nonce has moved on: the signature is another's now.
    function test_whatWasCarriedIsNotCarriedAgain() external {
        bytes memory data = abi.encodeCall(market.postRequests, (_request(1, 9, 60, vm2.addr(TENANT_KEY))));
        uint48 deadline = uint48(block.timestamp) + 1_000;
        ERC2771Forwarder.ForwardRequestData memory r = _signed(TENANT_KEY, address(market), data, deadline);
        _carrier.execute(r);
        vm2.expectPartialRevert(ERC2771Forwarder.ERC2771ForwarderInvalidSigner.selector);
        _carrier.execute(r);
        assertEq(market.requestCount(), 1, "once");
    }

    /// @dev Whoever appends an address without being the forwarder is who sent it.
    function test_onlyTheForwarderSpeaksForOthers() external {
        _lease(3_600);
        bytes memory data = abi.encodePacked(abi.encodeCall(market.closeLeases, (_ids(1))), TENANT);
        vm.prank(STRANGER);
        (bool ok, bytes memory answer) = address(market).call(data);
        assertTrue(!ok, "refused");
        assertEq(answer, abi.encodeWithSelector(LeaseBook.NotParty.selector, STRANGER), "as the stranger");
    }
}
