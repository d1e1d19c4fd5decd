//! One module for each interface of ours, generated from its Solidity source.

// What the macro writes has no docs of its own and is not reached from outside by its path.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod bridge {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IBridge.sol"
    }
}
pub mod market {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IMarket.sol"
    }
}
pub mod providers {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IProviders.sol"
    }
}
pub mod rounds {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IRounds.sol"
    }
}
pub mod service_manager {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IServiceManager.sol"
    }
}
pub mod slasher {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/ISlasher.sol"
    }
}
pub mod stake_table {
    alloy::sol! {
        #[sol(rpc)]
        "../../contracts/src/interfaces/IStakeTable.sol"
    }
}
pub mod deploy;
