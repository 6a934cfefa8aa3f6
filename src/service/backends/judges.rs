//! Makes the reranker and the model that checks citations.

use std::sync::Arc;

use super::local::{loaded, published, unusable};
use super::retry_policy;
use crate::chat::ChatModel;
use crate::chat::openai::{self as openai_chat, ChatOptions};
use crate::entailment::EntailmentModel;
use crate::entailment::onnx as entailment_onnx;
use crate::error::Failure;
use crate::hub::Purpose;
use crate::record;
use crate::rerank::Reranker;
use crate::rerank::endpoint::{self as rerank_endpoint, EndpointOptions};
use crate::rerank::onnx as rerank_onnx;
use crate::retry::RetryPolicy;
use crate::service::context::Context;
use crate::settings::{RerankModel, RerankSettings, VerifyModel, VerifySettings};

/// The configured reranker.
pub async fn reranker(
    context: &Context,
    rerank: &RerankSettings,
    retry: RetryPolicy,
) -> Result<Arc<dyn Reranker>, Failure> {
    let (endpoint, model) = match &rerank.model {
        RerankModel::Onnx(dir) => {
            let dir = context.cwd.join(dir);
            return Ok(loaded(move || rerank_onnx::open(&dir)).await?.into());
        }
        RerankModel::Hub(model) => {
            let place = published(context, model, None, Purpose::Rerank).await?;
            return Ok(loaded(move || rerank_onnx::open(place)).await?.into());
        }
        RerankModel::Endpoint { endpoint, model } => (endpoint, model),
    };
    let connected = rerank_endpoint::connect(EndpointOptions {
        url: endpoint.base_url.clone(),
        api_key: endpoint.api_key.clone(),
        model: model.clone(),
        timeout: rerank.timeout,
        retry,
    })?;
    Ok(record::reranker(&context.tape, Arc::new(connected)))
}

/// The model that checks the claims of an answer against their passages.
#[derive(Clone)]
pub enum VerifierModel {
    Chat(Arc<dyn ChatModel>),
    Entailment(Arc<dyn EntailmentModel>),
}

/// The configured verifier. A model in a directory is loaded.
pub async fn verifier(
    context: &Context,
    verify: &VerifySettings,
) -> Result<VerifierModel, Failure> {
    let settings = &context.settings;
    let (model, endpoint) = match &verify.model {
        VerifyModel::Onnx(dir) => {
            let dir = context.cwd.join(dir);
            let model = loaded(move || entailment_onnx::open(&dir)).await?;
            return Ok(VerifierModel::Entailment(Arc::new(model)));
        }
        VerifyModel::Hub(model) => {
            let place = published(context, model, None, Purpose::Verify).await?;
            let model = loaded(move || entailment_onnx::open(place)).await?;
            return Ok(VerifierModel::Entailment(Arc::new(model)));
        }
        VerifyModel::Chat { model, endpoint } => (model, endpoint),
    };
    let connected = openai_chat::connect(ChatOptions {
        base_url: endpoint.base_url.clone(),
        api_key: endpoint.api_key.clone(),
        key_header: endpoint.key_header.clone(),
        model: model.clone(),
        temperature: settings.chat.temperature,
        max_tokens: None,
        timeout: verify.timeout,
        idle_timeout: verify.timeout,
        retry: retry_policy(settings),
    })?;
    Ok(VerifierModel::Chat(record::chat(&context.tape, Box::new(connected)).into()))
}

/// Finds what is wrong with the files of the verifier's model in a directory, without loading it.
pub fn check_verifier(context: &Context) -> Result<(), Failure> {
    match context.settings.verify.as_ref().map(|verify| &verify.model) {
        Some(VerifyModel::Onnx(dir)) => {
            entailment_onnx::check(context.cwd.join(dir)).map_err(unusable)
        }
        Some(VerifyModel::Hub(_) | VerifyModel::Chat { .. }) | None => Ok(()),
    }
}
