// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {Machines} from "../../src/l2/Machines.sol";
import {Kit} from "./Kit.sol";

/// @notice Cheatcodes for keys.
interface VmKeys {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
}

/// @notice A market with machines, the forwarder that both trust, and an offer with an agent.
abstract contract MachinesKit is Kit {
    VmKeys internal constant vmKeys = VmKeys(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant AGENT_KEY = 0xA6E27;
    address internal constant STRANGER = address(0xBAD);
    string internal constant ENDPOINT = "https://10.0.0.1:7443";
    bytes32 internal constant CERTIFICATE = keccak256("certificate");

    Machines internal machines;
    ERC2771Forwarder internal forwarder;
    address internal agent;

    function setUp() public virtual override {
        super.setUp();
        agent = vmKeys.addr(AGENT_KEY);
        forwarder = new ERC2771Forwarder("quorate");
        machines = new Machines(market, providers, rounds, address(forwarder));
        providers.grantRole(providers.MACHINES(), address(machines));
    }

    /// @dev An offer of PROVIDER whose machine key is `key`'s word.
    function _offerWithKey(uint8 gpus, uint256 key) internal returns (uint64) {
        bytes memory record = _offer(gpus, 1_000);
        _put(record, 32, 32, key);
        vm.prank(PROVIDER);
        return market.postOffers(record);
    }

    function _cards(uint256 count, uint256 first) internal pure returns (bytes16[] memory cards) {
        cards = new bytes16[](count);
        for (uint256 i; i < count; ++i) {
            cards[i] = bytes16(uint128(first + i));
        }
    }

    function _register(uint64 offer, bytes16[] memory cards) internal {
        vm.prank(PROVIDER);
        machines.register(offer, ENDPOINT, CERTIFICATE, cards);
    }

    /// @dev A registered machine of two cards, 100 and 101.
    function _machine() internal returns (uint64 offer) {
        offer = _offerWithKey(2, uint160(agent));
        _register(offer, _cards(2, 100));
    }

    /// @dev Ends an offer for good: no round can bind it any more.
    function _retireOffer(uint64 offer) internal {
        vm.prank(PROVIDER);
        market.closeOffer(offer);
        vm.warp(block.timestamp + 10 * PERIOD + TIMEOUT);
        market.retireOffer(offer);
    }

    function _flags(uint64 offer) internal view returns (uint8 flags) {
        (, flags) = providers.machineAt(offer, uint64(block.timestamp));
    }
}
