//! Calls and checks that a node makes before it trusts a chain.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, address};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;

use super::Rpc;
use crate::ChainError;

/// `BLS12_G1ADD` of EIP-2537.
const G1ADD: Address = address!("000000000000000000000000000000000000000b");

impl Rpc {
    /// Checks that the chain has the BLS12-381 precompiles: adding infinity to itself must give
    /// the 128 bytes of infinity; an address without code would give none.
    ///
    /// # Errors
    /// [`ChainError::NoPrecompile`], [`ChainError::Rpc`].
    pub async fn check_precompiles(&self) -> Result<(), ChainError> {
        let expected = vec![0_u8; 128];
        let call = TransactionRequest::default()
            .with_to(G1ADD)
            .with_input(vec![0_u8; 256]);
        let got: Bytes = self.provider.call(call).await?;
        if got.as_ref() == expected.as_slice() {
            return Ok(());
        }
        Err(ChainError::NoPrecompile {
            address: G1ADD,
            got: got.len(),
            expected: expected.len(),
        })
    }

    /// Checks that a contract lies at each of the addresses.
    ///
    /// # Errors
    /// [`ChainError::NoCode`], [`ChainError::Rpc`].
    pub async fn check_code(&self, addresses: &[Address]) -> Result<(), ChainError> {
        for address in addresses {
            if self.provider.get_code_at(*address).await?.is_empty() {
                return Err(ChainError::NoCode(*address));
            }
        }
        Ok(())
    }
}
