// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {DevnetStrategy} from "../src/devnet/DevnetStrategy.sol";
import {DevnetToken} from "../src/devnet/DevnetToken.sol";
import {CompensationVault} from "../src/l1/CompensationVault.sol";
import {Base} from "./Base.t.sol";

/// @dev This contract is the strategy manager.
contract DevnetTest is Base {
    DevnetToken private token;
    DevnetStrategy private strategy;

    function setUp() external {
        token = new DevnetToken("Devnet", "DEV", 6);
        strategy = new DevnetStrategy(address(this), token);
    }

    function test_sharesAreTokens() external {
        token.mint(address(strategy), 100);
        assertEq(strategy.deposit(token, 100), 100, "shares");
        assertEq(strategy.withdraw(address(0xcafe), token, 40), 40, "tokens");
        assertEq(token.balanceOf(address(0xcafe)), 40, "paid");
        assertEq(strategy.totalShares(), 60, "left");
        assertEq(token.decimals(), 6, "decimals");
    }

    function test_onlyTheManagerMovesShares() external {
        vm.startPrank(address(0xbad));
        vm.expectRevert(DevnetStrategy.OnlyStrategyManager.selector);
        strategy.deposit(token, 1);
        vm.expectRevert(DevnetStrategy.OnlyStrategyManager.selector);
        strategy.withdraw(address(0xbad), token, 1);
        vm.stopPrank();
    }

    function test_onlyTheOneTokenIsTaken() external {
        DevnetToken other = new DevnetToken("Other", "OTH", 18);
        vm.expectRevert(DevnetStrategy.OnlyUnderlyingToken.selector);
        strategy.deposit(other, 1);
    }

    function test_whatTheVaultHoldsCanOnlyBurn() external {
        CompensationVault vault = new CompensationVault();
        token.mint(address(vault), 70);
        vm.prank(address(0xabc));
        vault.burn(token);
        assertEq(token.balanceOf(vault.BURN_ADDRESS()), 70, "burned");
        assertEq(token.balanceOf(address(vault)), 0, "empty");
    }
}
