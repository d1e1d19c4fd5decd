//! Creation code of EigenLayer's core and of the proxies it stands behind.
//!
//! Nothing of it is in this repository: the core's code is not ours to publish. It is read
//! from two packages of the registry (see `core-artifacts/`) and from OpenZeppelin's npm
//! package, each checked against the hash written here, and kept in `target/core/`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use alloy::primitives::{B256, Bytes, b256, keccak256};
use serde::Deserialize;

use super::source;
use crate::{Error, paths};

/// Where a contract's creation code comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// Generated bindings in a package: package, file below its root.
    Crate(&'static str, &'static str),
    /// A build file of OpenZeppelin's contracts 4.9.6.
    OpenZeppelin,
}

const NEWTON: &str = "newton-utils";
const DEPLOYER: &str = "eigenlayer-contract-deployer";

macro_rules! contracts {
    ($($(#[$doc:meta])* $name:ident = $origin:expr, $hash:literal;)*) => {
        /// A contract whose creation code is known by hash.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are EigenLayer's and OpenZeppelin's own")]
        pub enum CoreContract { $($(#[$doc])* $name),* }

        impl CoreContract {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, as in its source.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            const fn origin(self) -> Origin {
                match self { $(Self::$name => $origin),* }
            }

            /// Keccak-256 of the creation code.
            #[must_use]
            pub const fn hash(self) -> B256 {
                match self { $(Self::$name => b256!($hash)),* }
            }
        }
    };
}

contracts! {
    // v1.8.1
    AllocationManager = Origin::Crate(NEWTON, "src/slashing/core/allocation_manager.rs"), "09615ac4062db9c09b5ff6c6280662dd1b6a8435a61fbc7dd16eeff1799c420a";
    DelegationManager = Origin::Crate(NEWTON, "src/slashing/core/delegation_manager.rs"), "2abf223e361d2b7d408110406ea45ccce9e614ea0f945c58ba8ed5ef9ef86bfe";
    StrategyManager = Origin::Crate(NEWTON, "src/slashing/core/strategy_manager.rs"), "58e976b8dcc698e9bc83fd925c50a0d2a81b6986c40fd7c58e75b020e5bbcfc1";
    PermissionController = Origin::Crate(NEWTON, "src/slashing/core/permission_controller.rs"), "81ecf153ed2c080c353ec46c519beb1d17d290c1befe637e2c40d6d5b81430ce";
    EigenPodManager = Origin::Crate(NEWTON, "src/slashing/core/eigen_pod_manager.rs"), "f94cffdcf07a157fa272f7d21606a780df7d82e2c3fc6fc4f889aa35c1213a84";
    EigenPod = Origin::Crate(NEWTON, "src/slashing/core/eigen_pod.rs"), "135124ead6dd74b5be4adc3acd0b66895a844ed2c169affce65e997451830967";
    AVSDirectory = Origin::Crate(NEWTON, "src/slashing/core/avs_directory.rs"), "1a9407400b39342a24011ae5dfbd29507f1538f203610f21575754d318ea962c";
    // the same code from v1.3 to v1.12
    PauserRegistry = Origin::Crate(DEPLOYER, "src/bindings/core/pauser_registry.rs"), "4a54ee9429d73a54de2e7adf44c4a1cc5babac84b0afef0102fdbe47252aa850";
    EmptyContract = Origin::Crate(DEPLOYER, "src/bindings/core/empty_contract.rs"), "cce339b1a19494387a47d7fbf6a624d47638f3a082108220bbcd741b9af5899c";
    // v1.4; its source is the same up to v1.8.1
    RewardsCoordinator = Origin::Crate(DEPLOYER, "src/bindings/core/rewards_coordinator.rs"), "dba097a2732c2118713a3c9de959bd71a2757178b209948c477e5ea88d311172";
    // v4.9.6
    TransparentUpgradeableProxy = Origin::OpenZeppelin, "c6a1d1c82664c997256865de44681e20b40e23ab3328fbeae3505cca6ddc839f";
    ProxyAdmin = Origin::OpenZeppelin, "371a409e31867f0b09a828cdbd7520dd1998233e3282db72f670903d6dd92c9b";
    UpgradeableBeacon = Origin::OpenZeppelin, "c3ebdf0d83689dc68bf98583378e0aba63ac7e918158cab12ca96248d9f2998c";
}

/// The creation code of all of [`CoreContract`].
#[derive(Clone, Debug)]
pub struct CoreCode(BTreeMap<CoreContract, Bytes>);

impl CoreCode {
    /// Loads it from `target/core/`, or reads it out of the packages first.
    ///
    /// # Errors
    /// When cargo or npm have not brought the packages, or brought others than expected.
    pub fn load() -> Result<Self, Error> {
        let cached: Vec<_> = CoreContract::ALL.iter().map(|c| (*c, cached(*c))).collect();
        if cached.iter().any(|(_, code)| code.is_none()) {
            return Self::extract();
        }
        Ok(Self(
            cached
                .into_iter()
                .filter_map(|(c, code)| Some((c, code?)))
                .collect(),
        ))
    }

    /// The creation code of one contract, without constructor arguments.
    #[must_use]
    pub fn get(&self, contract: CoreContract) -> &Bytes {
        // `load` puts every contract in; there is no other constructor.
        &self.0[&contract]
    }

    fn extract() -> Result<Self, Error> {
        let dirs = source::locate(&[NEWTON, DEPLOYER])?;
        let dir_of = |package: &str| dirs[usize::from(package != NEWTON)].clone();
        let mut all = BTreeMap::new();
        for contract in CoreContract::ALL {
            let code = match contract.origin() {
                Origin::Crate(package, file) => {
                    from_bindings(*contract, dir_of(package).join(file))?
                }
                Origin::OpenZeppelin => from_build_file(*contract)?,
            };
            check(*contract, &code)?;
            store(*contract, &code)?;
            all.insert(*contract, code);
        }
        Ok(Self(all))
    }
}

/// The ABI that the package quotes beside the creation code, as JSON text.
///
/// # Errors
/// When the package is not there, or the contract is not from one.
pub fn quoted_abi(contract: CoreContract) -> Result<String, Error> {
    let Origin::Crate(package, file) = contract.origin() else {
        return Err(Error::content(contract.name(), "has no bindings"));
    };
    let path = source::locate(&[package])?.remove(0).join(file);
    let text = read(&path)?;
    source::abi_json(&text, contract.name())
        .map(str::to_owned)
        .ok_or_else(|| Error::content(path, "no abi quoted"))
}

fn from_bindings(contract: CoreContract, path: PathBuf) -> Result<Bytes, Error> {
    let text = read(&path)?;
    source::creation_code(&text, contract.name())
        .map(Bytes::from)
        .ok_or_else(|| Error::content(path, format!("no creation code of {}", contract.name())))
}

#[derive(Deserialize)]
struct BuildFile {
    bytecode: Bytes,
}

fn from_build_file(contract: CoreContract) -> Result<Bytes, Error> {
    let path = paths::node_modules()
        .join("@openzeppelin/contracts-v4/build/contracts")
        .join(format!("{}.json", contract.name()));
    let text = read(&path)?;
    let file: BuildFile =
        serde_json::from_str(&text).map_err(|e| Error::content(path, e.to_string()))?;
    Ok(file.bytecode)
}

fn read(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file(path))
}

fn check(contract: CoreContract, code: &Bytes) -> Result<(), Error> {
    let (got, expected) = (keccak256(code), contract.hash());
    if got == expected {
        Ok(())
    } else {
        Err(Error::CodeMismatch {
            contract: contract.name(),
            got,
            expected,
        })
    }
}

fn cache_path(contract: CoreContract) -> PathBuf {
    paths::target()
        .join("core")
        .join(format!("{}.hex", contract.name()))
}

fn cached(contract: CoreContract) -> Option<Bytes> {
    let text = fs::read_to_string(cache_path(contract)).ok()?;
    let code = Bytes::from(hex::decode(text.trim()).ok()?);
    check(contract, &code).ok().map(|()| code)
}

fn store(contract: CoreContract, code: &Bytes) -> Result<(), Error> {
    let path = cache_path(contract);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(Error::file(dir))?;
    }
    // Two test processes may do this at once: each writes whole files and renames them.
    let partial = path.with_extension(format!("{}", std::process::id()));
    fs::write(&partial, hex::encode(code)).map_err(Error::file(&partial))?;
    fs::rename(&partial, &path).map_err(Error::file(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_has_the_pinned_code() {
        let code = CoreCode::extract().expect("packages are there");
        for contract in CoreContract::ALL {
            assert_eq!(
                keccak256(code.get(*contract)),
                contract.hash(),
                "{}",
                contract.name()
            );
        }
    }

    #[test]
    fn other_code_is_refused() {
        let error = check(CoreContract::EmptyContract, &Bytes::from_static(&[0x60]))
            .expect_err("other code");
        assert!(matches!(
            error,
            Error::CodeMismatch {
                contract: "EmptyContract",
                ..
            }
        ));
    }
}
