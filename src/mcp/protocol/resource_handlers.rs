//! Resources, completions and prompts, in the types of `rmcp`.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    Annotations, CacheScope, CompleteRequestParams, CompleteResult, CompletionInfo,
    GetPromptRequestParams, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, Prompt as ListedPrompt, PromptArgument, PromptMessage, ReadResourceResult,
    Reference, Resource, ResourceContents, ResourceTemplate, Role,
};
use rmcp::service::SubscriptionContext;
use serde_json::json;

use super::FRESH_MS;
use crate::error::{Exit, Failure};
use crate::mcp::access::ClientAccess;
use crate::mcp::prompts::{self, PROMPTS};
use crate::mcp::resources::{self, ListedPage, ListedResource, TEMPLATE};

/// How often a subscription looks for changes.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A failure outside of a tool call, as a protocol error.
pub(super) fn failed(access: &dyn ClientAccess, failure: Failure) -> ErrorData {
    let Failure { message, hint, exit, .. } = access.told(failure);
    let message = hint.map_or(message.clone(), |hint| format!("{message}; {hint}"));
    match exit {
        Exit::Usage => ErrorData::invalid_params(message, None),
        _ => ErrorData::internal_error(message, None),
    }
}

pub(super) async fn list(
    access: &dyn ClientAccess,
    cursor: Option<&str>,
) -> Result<ListResourcesResult, ErrorData> {
    let listed = resources::list(access, cursor).await;
    let ListedPage { resources, next } = listed.map_err(|failure| failed(access, failure))?;
    let resources = resources.into_iter().map(resource).collect();
    let mut page = ListResourcesResult::with_all_items(resources);
    page.next_cursor = next;
    Ok(page.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private))
}

fn resource(listed: ListedResource) -> Resource {
    let ListedResource { uri, name, media_type, size, read_at } = listed;
    let mut resource = Resource::new(uri, name).with_mime_type(media_type);
    resource.size = size;
    if read_at.is_some() {
        let mut annotations = Annotations::default();
        annotations.last_modified = read_at;
        resource = resource.with_annotations(annotations);
    }
    resource
}

pub(super) fn templates() -> ListResourceTemplatesResult {
    let about = "A document as it is stored: all of it, some lines, or a page";
    let template = ResourceTemplate::new(TEMPLATE, "document").with_description(about);
    ListResourceTemplatesResult::with_all_items(vec![template])
        .with_ttl_ms(FRESH_MS)
        .with_cache_scope(CacheScope::Private)
}

pub(super) async fn read(
    access: &dyn ClientAccess,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let found = resources::read(access, uri).await.map_err(|failure| failed(access, failure))?;
    let found = found.ok_or_else(|| no_resource(uri))?;
    let contents = ResourceContents::text(found.text, uri).with_mime_type(found.media_type);
    let result = ReadResourceResult::new(vec![contents]);
    Ok(result.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private))
}

pub(super) fn no_resource(uri: &str) -> ErrorData {
    let shown: String = uri.chars().take(200).collect();
    let problem = format!("there is no resource `{shown}`");
    ErrorData::resource_not_found(problem, Some(json!({ "uri": shown })))
}

pub(super) async fn complete(
    access: &dyn ClientAccess,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let argument = &request.argument;
    let given = request.context.as_ref().and_then(|context| context.get_argument("collection"));
    let (values, more) = match &request.r#ref {
        Reference::Resource(_) => {
            let given = given.map(String::as_str);
            let completed = resources::complete(access, &argument.name, &argument.value, given);
            completed.await.map_err(|failure| failed(access, failure))?
        }
        _ => (Vec::new(), false),
    };
    let mut completion =
        CompletionInfo::new(values).map_err(|problem| ErrorData::internal_error(problem, None))?;
    completion.has_more = Some(more);
    Ok(CompleteResult::new(completion))
}

pub(super) fn list_prompts() -> ListPromptsResult {
    let listed = PROMPTS.iter().map(|prompt| {
        let argument = PromptArgument::new(prompt.argument).with_description(prompt.about);
        let arguments = vec![argument.with_required(true)];
        ListedPrompt::new(prompt.name, Some(prompt.description), Some(arguments))
    });
    ListPromptsResult::with_all_items(listed.collect())
        .with_ttl_ms(FRESH_MS)
        .with_cache_scope(CacheScope::Private)
}

pub(super) fn prompt(request: &GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    let invalid = |problem: String| ErrorData::invalid_params(problem, None);
    let prompt = prompts::named(&request.name)
        .ok_or_else(|| invalid("there is no prompt of this name".to_owned()))?;
    let given = request.arguments.as_ref().and_then(|given| given.get(prompt.argument)?.as_str());
    let given = given
        .filter(|given| !given.trim().is_empty())
        .ok_or_else(|| invalid(format!("`{}` is needed", prompt.argument)))?;
    let message = PromptMessage::new_text(Role::User, prompt.text(given));
    Ok(GetPromptResult::new(vec![message]).with_description(prompt.description))
}

/// Notifies a subscriber of changes until it is cancelled.
pub(super) async fn tell_changes(access: &dyn ClientAccess, subscription: &SubscriptionContext) {
    let accepted = subscription.accepted();
    let uris = accepted.resource_subscriptions.clone().unwrap_or_default();
    let mut looked = ResourceSnapshot::begin(access, &uris).await;
    loop {
        tokio::select! {
            () = subscription.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let Some(changed) = looked.again(access, &uris).await else { continue };
        let sink = subscription.sink();
        let mut told = Ok(());
        if accepted.resources_list_changed == Some(true) {
            told = sink.notify_resource_list_changed().await;
        }
        for uri in changed {
            told = told.and(sink.notify_resource_updated(uri).await);
        }
        if told.is_err() {
            return;
        }
    }
}

/// The last known state of the collections, and of resources in them.
pub(super) struct ResourceSnapshot {
    states: BTreeMap<String, String>,
    of_uris: BTreeMap<String, Option<String>>,
}

impl ResourceSnapshot {
    pub(super) async fn begin(access: &dyn ClientAccess, uris: &[String]) -> Self {
        let mut looked = Self { states: resources::states(access).await, of_uris: BTreeMap::new() };
        for uri in uris {
            looked.of_uris.insert(uri.clone(), resources::state_of(access, uri).await);
        }
        looked
    }

    /// If a collection has changed since, returns which of these resources have changed. A resource that is
    /// looked at for the first time counts as unchanged.
    pub(super) async fn again(
        &mut self,
        access: &dyn ClientAccess,
        uris: &[String],
    ) -> Option<Vec<String>> {
        let states = resources::states(access).await;
        let is_same = states == self.states;
        self.states = states;
        let mut changed = Vec::new();
        self.of_uris.retain(|uri, _| uris.contains(uri));
        for uri in uris {
            if is_same && self.of_uris.contains_key(uri) {
                continue;
            }
            let now = resources::state_of(access, uri).await;
            let before = self.of_uris.insert(uri.clone(), now.clone());
            if before.is_some_and(|before| before != now) {
                changed.push(uri.clone());
            }
        }
        (!is_same).then_some(changed)
    }
}
