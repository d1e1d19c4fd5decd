//! `avs-operator register`: into the AVS's operator set, with the BLS key and its proof.

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner, sol_types::SolValue};
use quorate_bindings::eigenlayer::IAllocationManager::{
    RegisterParams, registerForOperatorSetsCall,
};
use quorate_bls::Registration;
use quorate_chain::{
    sender::{Call, SenderConfig, TxSender},
    to_alloy_address, views,
};
use quorate_service::{ConfigError, install_crypto};
use tracing::info;

use crate::{Config, OperatorError, setup};

/// Registers; does nothing if the operator is registered with this key already.
///
/// # Errors
/// [`OperatorError`], with the contract's own reason where it refuses.
pub async fn register(config: &Config) -> Result<(), OperatorError> {
    install_crypto();
    let key = config.bls.bls()?;
    let section = config
        .ecdsa
        .as_ref()
        .ok_or_else(|| ConfigError::value("ecdsa", "missing; registering sends a transaction"))?;
    let account = section.ecdsa()?;
    let operator = config.operator()?;
    if account.address() != operator.0 {
        let remedy = "the keystore of [ecdsa] must be that of `operator`";
        let got = quorate_canon::Address(account.address());
        return Err(setup::mismatch(
            "address of the ECDSA key",
            got,
            operator,
            remedy,
        ));
    }
    let l1 = setup::connect(config, true).await?;
    let l2 = setup::connect(config, false).await?;
    let network = setup::network(config, l1, l2).await?;
    if let Some(index) = setup::registration(&network, operator, &key.public_key()).await? {
        info!(operator = %index, "registered already");
        return Ok(());
    }
    let manager = to_alloy_address(network.domain.avs);
    let proof = Registration {
        l1_chain: network.domain.l1_chain.get(),
        service_manager: network.domain.avs.get(),
        operator: operator.get(),
    }
    .prove(&key);
    let key256 = Bytes::from(key.public_key().to_eip2537().to_vec());
    let proof128 = Bytes::from(proof.to_eip2537().to_vec());
    let call = registerForOperatorSetsCall {
        operator: to_alloy_address(operator),
        params: RegisterParams {
            avs: manager,
            operatorSetIds: vec![network.domain.operator_set],
            data: (key256, proof128).abi_encode_params().into(),
        },
    };
    let core = views::allocation_manager_of(&network.l1, manager).await?;
    let signer = PrivateKeySigner::from_slice(account.expose_bytes())
        .map_err(|error| ConfigError::value("ecdsa", error.to_string()))?;
    let sender = TxSender::open(network.l1.clone(), signer, SenderConfig::default(), None)?;
    let receipt = sender.send(Call::new(core, &call)).await?;
    info!(transaction = %receipt.hash, "registered");
    Ok(())
}
