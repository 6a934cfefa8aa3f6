//! `POST /mcp`: the documents for agents, as `docent mcp` offers them, for callers with a key.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use futures::{FutureExt as _, StreamExt as _};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};

use super::access::Caller;
use super::answering::{self, CallerQuestion};
use super::call::{AdmittedRequest, Server, SharedNotes};
use super::dispatch::begin_question;
use super::keys::KeyRight;
use super::links::Links;
use super::openapi::ApiOperation;
use super::refusal::{ErrorCode, RequestRefusal};
use super::sse::{self, Frame};
use crate::error::{Exit, Failure};
use crate::http::{context as on_behalf_of_whom, with_trace_context};
use crate::mcp::access::{
    CallCost, CallPermit, ClientAccess, ClientRead, ClientView, resource_url,
};
use crate::mcp::protocol::{McpReply, RESULT_TOKENS, SETTINGS, answerer, post};
use crate::mcp::tools::{self, ToolRow};
use crate::mcp::{ServerOffer, TOKENS};
use crate::query::{Answer, AnswerEvent};
use crate::service::retrieval::DocumentFilter;
use crate::types::{Locator, TraceContext};

pub(super) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("mcp", "The documents, for agents: the Model Context Protocol")
        .says("One JSON-RPC message, and its answer: see docs/mcp.md.")
        .takes::<Map<String, Value>>()
        .answers::<Map<String, Value>>()
        .streams::<Map<String, Value>>()
}

pub(super) async fn mcp(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let AdmittedRequest { server, caller, headers, body, notes, .. } = call;
    let is_owner = caller.is_owner();
    let mut max_tokens = TOKENS;
    if is_owner {
        let own = server.access.engines().next().map(|(_, engine)| engine.context.reading_digest());
        let asked = headers.get(SETTINGS).map(HeaderValue::as_bytes);
        if asked != own.as_deref().map(str::as_bytes) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            return Ok(response);
        }
        let told = headers.get(RESULT_TOKENS).and_then(|it| it.to_str().ok()?.parse().ok());
        max_tokens = told.unwrap_or(max_tokens);
    }
    let answers = caller.may(KeyRight::Answer);
    let may = |tool: &&ToolRow| {
        (tool.is_usual || is_owner && !tool.changes()) && (answers || tool.work != CallCost::Answer)
    };
    let tools = tools::TOOLS.iter().filter(may).collect();
    let stop = server.abandoned.clone();
    let links = Links::new(&server, &caller, &headers);
    let access = KeyAccess { server, caller, notes, links, context: on_behalf_of_whom() };
    let offer = ServerOffer { access: Arc::new(access), tools, max_tokens, server: None };
    let (status, mut response) = match post(answerer(offer, stop), &headers, &body).await {
        McpReply::Accepted => (StatusCode::ACCEPTED, Response::new(Body::empty())),
        McpReply::Events(events) => {
            let frames = events.map(|message| Frame::of_json("message", &message));
            (StatusCode::OK, sse::response(frames.boxed()))
        }
        McpReply::Whole(status, json) => {
            let mut response = Response::new(Body::from(json));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            (status, response)
        }
    };
    *response.status_mut() = status;
    Ok(response)
}

/// What a caller may see, and what answers its calls.
struct KeyAccess {
    server: Arc<Server>,
    caller: Caller,
    notes: SharedNotes,
    links: Links,
    /// The trace of the request, under which work for it continues.
    context: Option<TraceContext>,
}

impl KeyAccess {
    /// Whether details of internal failures are kept from the caller: the operator of the server sees them,
    /// callers with a key do not.
    fn is_told_less(&self) -> bool {
        self.server.access.needs_keys() && !self.caller.is_owner()
    }

    /// A refusal in the form of the tools, without the details that callers with a key may not see.
    fn refused(&self, mut refusal: RequestRefusal) -> Failure {
        self.notes.refused(&mut refusal, self.is_told_less());
        refusal.into_failure(Exit::Backend)
    }
}

#[async_trait]
impl ClientAccess for KeyAccess {
    fn collections(&self) -> Vec<String> {
        self.caller.collections().map(str::to_owned).collect()
    }

    fn view(&self, collection: Option<&str>) -> Result<ClientView, Failure> {
        let scoped = self.caller.open(collection).map_err(|refusal| self.refused(refusal))?;
        Ok(scoped.view())
    }

    async fn begin(&self, work: CallCost) -> Result<CallPermit, Failure> {
        if work == CallCost::Light {
            return Ok(CallPermit(Box::new(())));
        }
        let refused = |refusal| self.refused(refusal);
        if work == CallCost::Answer && !self.caller.may(KeyRight::Answer) {
            let problem = "the key has no right to answer";
            let refusal =
                RequestRefusal::new(StatusCode::FORBIDDEN, ErrorCode::MissingRight, problem);
            return Err(refused(refusal));
        }
        let own = begin_question(&self.server, &self.caller).map_err(refused)?;
        let turn = self.server.admission.begin_question().await.map_err(refused)?;
        Ok(CallPermit(Box::new((own, turn))))
    }

    async fn answer(
        &self,
        view: &ClientView,
        question: &str,
        filter: DocumentFilter,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Answer, Failure> {
        let scoped = self.caller.open(Some(&view.name)).map_err(|refusal| self.refused(refusal))?;
        let question =
            CallerQuestion { text: question.to_owned(), filter, ..CallerQuestion::default() };
        let Self { server, caller, notes, .. } = self;
        let answered = answering::answer(&scoped, caller, server, notes, &question, emit).boxed();
        let answered = match &self.context {
            Some(context) => with_trace_context(context.clone(), answered).await,
            None => answered.await,
        };
        let answered = answered.map_err(|refusal| self.refused(refusal))?;
        match answered.objection {
            Some(objection) => Err(objection),
            None => Ok(answered.answer),
        }
    }

    fn saw(&self, seen: &ClientRead<'_>) {
        self.notes.note(|notes| {
            notes.collection = Some(seen.collection.to_owned());
            notes.version = Some(seen.version);
            if let Some(question) = seen.question {
                notes.question = Some(question.to_owned());
            }
            let documents = notes.documents.iter().map(|it| &**it);
            notes.documents = answering::sources(documents.chain(seen.sources.iter().copied()));
        });
    }

    fn url(&self, collection: &str, source: &str, place: Option<Locator>) -> String {
        match place {
            // In the form that the asking process uses itself.
            place if self.caller.is_owner() => resource_url(collection, source, place),
            Some(place) => self.links.to(collection, source, place),
            None => self.links.to_whole(collection, source),
        }
    }

    fn told(&self, failure: Failure) -> Failure {
        let exit = failure.exit;
        // Errors in the call itself are passed on unchanged.
        if exit == Exit::Usage || failure.backend.is_none() && exit != Exit::Config {
            return failure;
        }
        let mut refusal = RequestRefusal::from(failure);
        self.notes.keep_inner(&mut refusal, self.is_told_less());
        refusal.into_failure(exit)
    }

    fn is_local(&self) -> bool {
        self.caller.is_owner()
    }

    fn asks_others(&self) -> bool {
        self.server.access.engines().any(|(_, engine)| !engine.context.quotes())
    }
}
