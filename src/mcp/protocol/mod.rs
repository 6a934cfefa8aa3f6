//! The Model Context Protocol on `rmcp`: the only module that knows its types.
//!
//! Each request is served on its own, whatever came before it: requests with the metadata of the revisions
//! since 2026-07-28, and requests of clients that began with a handshake, as earlier revisions require.

mod confirmation;
mod headers;
mod http;
mod message;
mod progress;
mod pushes;
mod resource_handlers;
mod running_server;
mod stdio;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult,
    GetPromptRequestParams, GetPromptResponse, Implementation, InitializeRequestParams,
    InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
    SubscribeRequestMethod, SubscribeRequestParams, SubscriptionFilter, Tool as ListedTool,
    ToolAnnotations, UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};

pub use http::{McpReply, answerer, post};
pub use running_server::{RESULT_TOKENS, RunningServer, SETTINGS};
pub use stdio::serve;

use super::ServerOffer;
use super::access::CallCost;
use super::instructions::instructions;
use super::tools::{CallEnd, Consent, ToolOutcome, ToolRow};
use crate::cancel::Cancel;
use confirmation::SettledCall;
use progress::Progress;
use pushes::Subscriptions;

/// How long clients may cache a list, in milliseconds.
const FRESH_MS: u64 = 60_000;

/// Handles the requests of one client.
struct Handler {
    offer: ServerOffer,
    instructions: String,
    /// Limits the calls that run at a time.
    turns: Arc<Semaphore>,
    /// Ends the work in progress.
    stop: Cancel,
    /// Set if the connection stays open, so that clients of the revisions with a handshake can be notified
    /// of changes.
    pushes: Option<Subscriptions>,
}

impl Handler {
    fn new(offer: ServerOffer, turns: usize, stop: Cancel) -> Self {
        let instructions = instructions(&offer);
        Self { offer, instructions, turns: Arc::new(Semaphore::new(turns)), stop, pushes: None }
    }

    fn with_pushes(self) -> Self {
        Self { pushes: Some(Subscriptions::default()), ..self }
    }

    /// Runs a read that a client waits for, within the limit of calls at a time.
    async fn unless_cut_off<T>(
        &self,
        work: impl Future<Output = Result<T, ErrorData>> + Send,
        context: &RequestContext<RoleServer>,
    ) -> Result<T, ErrorData> {
        let work = async {
            // The semaphore is never closed.
            let _turn = self.turns.acquire().await;
            let begun = self.offer.access.begin(CallCost::Search).await;
            let _held =
                begun.map_err(|failure| resource_handlers::failed(&*self.offer.access, failure))?;
            work.await
        };
        tokio::select! {
            done = work => done,
            () = context.ct.cancelled() => Err(cut_off()),
            () = self.stop.cancelled() => Err(cut_off()),
        }
    }

    /// Calls a tool, and notifies the client of progress if it asked for that.
    async fn call(
        &self,
        tool: &ToolRow,
        arguments: Map<String, Value>,
        consent: Consent,
        context: &RequestContext<RoleServer>,
    ) -> CallEnd {
        let (told, heard) = watch::channel(Progress::default());
        let tell = |message: &str| told.send_modify(|told| told.add(message));
        let called = async {
            // The semaphore is never closed.
            let _turn = self.turns.acquire().await;
            tool.call(&self.offer, arguments, consent, &tell).await
        };
        let called = AssertUnwindSafe(called).catch_unwind();
        let called = match context.meta.get_progress_token() {
            None => called.await,
            Some(token) => {
                let notify = |told: Progress| {
                    let progress =
                        ProgressNotificationParam::new(token.clone(), f64::from(told.count));
                    // The call continues whether or not the notification arrives.
                    let notified =
                        context.peer.notify_progress(progress.with_message(told.message));
                    notified.map(drop)
                };
                progress::relay(called, heard, notify).await
            }
        };
        called.unwrap_or_else(|_| CallEnd::Done(ToolOutcome::panicked()))
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let mut docent = Implementation::new("docent", env!("CARGO_PKG_VERSION"));
        docent.title = Some("docent".to_owned());
        let offered = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_completions()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .build();
        ServerConfig::new(offered)
            .with_server_info(docent)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
            .with_instructions(&*self.instructions)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let mut agreed = self.negotiate_initialize(&request)?;
        if self.pushes.is_none()
            && let Some(resources) = &mut agreed.capabilities.resources
        {
            (resources.subscribe, resources.list_changed) = (None, None);
        }
        let version = agreed.protocol_version.clone();
        context.peer.set_peer_info(request.with_protocol_version(version));
        Ok(agreed)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let mut result = DiscoverResult::from_server_info(versions, self.get_info());
        result.ttl_ms = FRESH_MS;
        result.cache_scope = CacheScope::Private;
        Ok(result)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let access = &*self.offer.access;
        let listed = self
            .unless_cut_off(resource_handlers::list(access, cursor.as_deref()), &context)
            .await?;
        if let Some(pushes) = &self.pushes
            && context.meta.protocol_version().is_none()
        {
            pushes.look(&self.offer.access, &context, &self.stop).await;
        }
        Ok(listed)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let method = ErrorData::method_not_found::<SubscribeRequestMethod>;
        let pushes = self.pushes.as_ref().ok_or_else(method)?;
        let subscribed = pushes.subscribe(request.uri, &self.offer.access, &context, &self.stop);
        self.unless_cut_off(subscribed, &context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let method = ErrorData::method_not_found::<UnsubscribeRequestMethod>;
        self.pushes.as_ref().ok_or_else(method)?.unsubscribe(&request.uri);
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(message::misunderstood(&request))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resource_handlers::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resource_handlers::read(&*self.offer.access, &request.uri);
        self.unless_cut_off(read, &context).await.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.unless_cut_off(resource_handlers::complete(&*self.offer.access, &request), &context)
            .await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(resource_handlers::list_prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        resource_handlers::prompt(&request).map(Into::into)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        // The lists of tools and prompts never change.
        let mut accepted = requested.clone();
        (accepted.tools_list_changed, accepted.prompts_list_changed) = (None, None);
        Some(accepted)
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        tokio::select! {
            () = resource_handlers::tell_changes(&*self.offer.access, &subscription) => Ok(()),
            () = self.stop.cancelled() => Ok(()),
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let asks_others = self.offer.access.asks_others();
        let tools = self.offer.tools.iter().map(|tool| listed(tool, asks_others)).collect();
        let tools = ListToolsResult::with_all_items(tools);
        Ok(tools.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut tools = self.offer.tools.iter();
        let Some(tool) = tools.find(|tool| tool.name == request.name) else {
            let name: String = request.name.chars().take(100).collect();
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        };
        let settled = tokio::select! {
            settled = self.settle(tool, request, &context) => settled?,
            // The client no longer waits for the result.
            () = context.ct.cancelled() => return Err(cut_off()),
            () = self.stop.cancelled() => return Err(cut_off()),
        };
        let outcome = match settled {
            SettledCall::Done(outcome) => outcome,
            SettledCall::Asks(asked) => return Ok(asked.into()),
        };
        let mut result = CallToolResult::success(vec![ContentBlock::text(outcome.text)]);
        result.structured_content = Some(outcome.data);
        result.is_error = Some(outcome.is_error);
        Ok(result.into())
    }
}

fn cut_off() -> ErrorData {
    ErrorData::internal_error("the call was cut off", None)
}

/// A tool as clients list it.
fn listed(tool: &ToolRow, asks_others: bool) -> ListedTool {
    let object = |schema: Value| match schema {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    };
    let hints = if tool.changes() {
        // Large deletions need a person's consent, but small ones are made without asking.
        ToolAnnotations::new().read_only(false).destructive(true).idempotent(true)
    } else {
        ToolAnnotations::new().read_only(true)
    };
    // Sources may be web pages.
    let open = tool.changes() || tool.work == CallCost::Answer && asks_others;
    ListedTool::new(tool.name, tool.description, object((tool.input)()))
        .with_raw_output_schema(object((tool.output)()))
        .with_annotations(hints.open_world(open))
}

#[cfg(test)]
mod tests;
