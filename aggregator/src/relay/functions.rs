//! What may be called: the functions by which people speak to the market, and nothing else.

use alloy::primitives::Address;
use alloy::sol_types::SolCall;
use quorate_bindings::{IEscrow, IMachines, IMarket, IProviders};
use quorate_chain::forward::Target;

/// The contracts of a network whose callers may sign instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// `Market`, as `Rounds` names it.
    pub market: Address,
    /// `Escrow`, as `Market` names it.
    pub escrow: Address,
    /// `Providers`, as `Market` names it.
    pub providers: Address,
    /// `Machines`, where the network has them.
    pub machines: Option<Address>,
}

/// A function.
type Function = ([u8; 4], &'static str);

const fn function<C: SolCall>() -> Function {
    (C::SELECTOR, C::SIGNATURE)
}

const MARKET: &[Function] = &[
    function::<IMarket::postOffersCall>(),
    function::<IMarket::reviseOfferCall>(),
    function::<IMarket::closeOfferCall>(),
    function::<IMarket::retireOfferCall>(),
    function::<IMarket::postRequestsCall>(),
    function::<IMarket::cancelRequestCall>(),
    function::<IMarket::closeLeasesCall>(),
    function::<IMarket::extendCall>(),
];
const ESCROW: &[Function] = &[
    function::<IEscrow::allowCall>(),
    function::<IEscrow::permitCall>(),
    function::<IEscrow::reclaimCall>(),
    function::<IEscrow::withdrawCall>(),
    function::<IEscrow::settleCall>(),
    function::<IEscrow::releaseDepositCall>(),
];
const PROVIDERS: &[Function] = &[
    function::<IProviders::permitCall>(),
    function::<IProviders::stakeCall>(),
    function::<IProviders::requestUnstakeCall>(),
    function::<IProviders::withdrawCall>(),
];
const MACHINES: &[Function] = &[
    function::<IMachines::registerCall>(),
    function::<IMachines::retireCall>(),
    function::<IMachines::setEndpointCall>(),
    function::<IMachines::setPausedCall>(),
    function::<IMachines::announceMaintenanceCall>(),
    function::<IMachines::endMaintenanceCall>(),
];

/// Why a call may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// The contract is none of them.
    Contract,
    /// The function is none of the contract's.
    Function(&'static str),
}

impl Targets {
    /// Every contract with its name and functions.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Address, &'static [Function])> {
        [
            ("Market", Some(self.market), MARKET),
            ("Escrow", Some(self.escrow), ESCROW),
            ("Providers", Some(self.providers), PROVIDERS),
            ("Machines", self.machines, MACHINES),
        ]
        .into_iter()
        .filter_map(|(name, address, functions)| Some((name, address?, functions)))
    }

    /// The same for whoever asks.
    #[must_use]
    pub fn shown(&self) -> Vec<Target> {
        let shown = |(name, address, functions): (&str, Address, &[Function])| Target {
            name: name.to_owned(),
            address,
            functions: functions
                .iter()
                .map(|(_, text)| (*text).to_owned())
                .collect(),
        };
        self.all().map(shown).collect()
    }

    /// Whether a call may be made: the name of its function.
    ///
    /// # Errors
    /// [`Stranger`].
    pub fn find(&self, to: Address, data: &[u8]) -> Result<&'static str, Stranger> {
        let (name, _, functions) = self
            .all()
            .find(|(_, address, _)| *address == to)
            .ok_or(Stranger::Contract)?;
        functions
            .iter()
            .find(|(selector, _)| data.starts_with(selector))
            .map(|(_, text)| *text)
            .ok_or(Stranger::Function(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: Targets = Targets {
        market: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        providers: Address::repeat_byte(3),
        machines: None,
    };

    #[test]
    fn a_function_is_found_at_its_contract_only() {
        let stake = IProviders::stakeCall::SELECTOR;
        assert_eq!(
            TARGETS.find(TARGETS.providers, &stake),
            Ok("stake(uint256)")
        );
        assert_eq!(
            TARGETS.find(TARGETS.market, &stake),
            Err(Stranger::Function("Market"))
        );
        assert_eq!(
            TARGETS.find(Address::repeat_byte(4), &stake),
            Err(Stranger::Contract)
        );
        assert_eq!(
            TARGETS.find(TARGETS.providers, &stake[..3]),
            Err(Stranger::Function("Providers"))
        );
    }

    #[test]
    fn what_only_contracts_call_is_not_among_them() {
        let all: Vec<String> = TARGETS
            .shown()
            .into_iter()
            .flat_map(|target| target.functions)
            .collect();
        for name in [
            "slash(",
            "openLeases(",
            "lock(",
            "reward(",
            "annul",
            "forfeit(",
        ] {
            assert!(!all.iter().any(|text| text.starts_with(name)), "{name}");
        }
    }
}
