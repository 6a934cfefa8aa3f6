//! Calls that a person has to agree to before they are done.
//!
//! Since revision 2026-07-28 the result of a call says that it needs an answer, and the client repeats the
//! call with it. Before that revision the client is asked in the middle of the call.

use std::collections::BTreeMap;

use rmcp::model::{
    BooleanSchema, CallToolRequestParams, ClientResult, ElicitRequest, ElicitRequestParams,
    ElicitResult, ElicitationAction, ElicitationSchema, InputRequest, InputRequiredResult,
    ProtocolVersion, ServerRequest,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::{Handler, cut_off};
use crate::mcp::tools::{CallEnd, Confirmation, Consent, ToolOutcome, ToolRow};

/// The key of the only question that a call asks, and its only field.
const KEY: &str = "deletion";
const FIELD: &str = "delete";

/// How a call was settled.
pub(super) enum SettledCall {
    Done(ToolOutcome),
    /// The client has to repeat the call.
    Asks(InputRequiredResult),
}

impl Handler {
    /// Calls a tool, and repeats the call for as long as it asks for consent and the client can be asked in
    /// between.
    pub(super) async fn settle(
        &self,
        tool: &ToolRow,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<SettledCall, ErrorData> {
        let mut consent = said(&request, context);
        loop {
            let arguments = request.arguments.clone().unwrap_or_default();
            let asked = match self.call(tool, arguments, consent, context).await {
                CallEnd::Done(outcome) => return Ok(SettledCall::Done(outcome)),
                CallEnd::Asks(confirmation) => confirmation,
            };
            if is_stateless(context) {
                return Ok(SettledCall::Asks(input_required(asked)));
            }
            let state = asked.state.clone();
            let request = ServerRequest::ElicitRequest(ElicitRequest::new(question(asked)));
            let answer = context.peer.send_request(request).await.map_err(|_| cut_off())?;
            consent = match answer {
                ClientResult::ElicitResult(answer) if agrees(&answer) => Consent::Agreed(state),
                _ => Consent::Declined,
            };
        }
    }
}

/// The consent that a request carries.
fn said(request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Consent {
    let answer = request.input_responses.as_ref().and_then(|answers| answers.get(KEY));
    match (answer, &request.request_state) {
        (Some(answer), Some(state)) => match serde_json::from_value(answer.clone()) {
            Ok(answer) if agrees(&answer) => Consent::Agreed(state.clone()),
            _ => Consent::Declined,
        },
        _ if can_ask(context) => Consent::Askable,
        _ => Consent::Unaskable,
    }
}

/// Whether the client can show a form.
fn can_ask(context: &RequestContext<RoleServer>) -> bool {
    let capabilities = context.client_capabilities();
    let elicits = capabilities.and_then(|capabilities| capabilities.elicitation);
    elicits.is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    let version = context.protocol_version();
    version.is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

fn agrees(answer: &ElicitResult) -> bool {
    let field = answer.content.as_ref().and_then(|content| content.get(FIELD));
    answer.action == ElicitationAction::Accept && field.and_then(Value::as_bool) == Some(true)
}

fn input_required(asked: Confirmation) -> InputRequiredResult {
    let state = asked.state.clone();
    let request = InputRequest::Elicitation(ElicitRequest::new(question(asked)));
    InputRequiredResult::new(Some(BTreeMap::from([(KEY.to_owned(), request)])), Some(state))
}

fn question(asked: Confirmation) -> ElicitRequestParams {
    // The default is `false`, so a form that is sent back unchanged agrees to nothing.
    let field = |field: BooleanSchema| field.title(asked.consent).with_default(false);
    let form = ElicitationSchema::builder().required_bool_with(FIELD, field).build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: asked.message,
        requested_schema: form,
    }
}
