//! `POST /v1/responses`, stateless: the question, its search and its answer, as in the interfaces of
//! `OpenAI` and Open Responses.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`request`] | from a request to messages, and what is refused |
//! | [`events`] | from an answer to items and events |
//! | [`items`] | the items and the events |
//! | [`calls`] | functions, in the shapes of `/v1/chat/completions` and back |
//! | [`mod@object`] | the response around them |

mod calls;
mod events;
mod items;
mod object;
mod request;

use axum::response::Response;
use futures::StreamExt as _;
use serde_json::json;

use self::events::Output;
use self::items::ResponseEvent;
use self::object::{ResponseHead, ResponseObject};
use self::request::ResponsesRequest;
use super::request_parts::RequestParts;
use super::{details, model_id, named_ignored, unix_now};
use crate::serve::answering;
use crate::serve::call::{AdmittedRequest, made_id};
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::progress_stream::ProgressStream;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::object;
use crate::serve::sse;

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createResponse", "An answer with citations, as OpenAI's responses, stateless")
        .says("With `stream` it comes as events; an error in mid-answer is `response.failed`.")
        .takes::<ResponsesRequest>()
        .answers::<ResponseObject>()
        .streams::<ResponseEvent>()
        .names_ignored()
}

pub(in crate::serve) async fn respond(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let (request, mut ignored) = ResponsesRequest::read(object(&call.body)?)?;
    let (is_streamed, wants_results) = (request.is_streamed(), request.wants_results());
    let tools = request.tools.clone().unwrap_or_default();
    let messages = request.messages(&mut ignored)?;
    let has_functions = tools.iter().any(|tool| tool["type"] == "function");
    let asked = RequestParts {
        model: &request.model,
        tools: &tools,
        function: calls::function,
        messages: &messages,
        messages_in: "input",
        tool_choice: request.tool_choice.as_ref().filter(|_| has_functions).map(calls::choice),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| has_functions),
        temperature: request.temperature,
        max_tokens: ("max_output_tokens", request.max_output_tokens),
    };
    let (scoped, question) = asked.read(&call.caller, &mut ignored)?;
    let head = ResponseHead {
        sampling: question.sampling,
        id: made_id("resp_"),
        created: unix_now(),
        model: model_id(&scoped.name),
        instructions: request.instructions,
        metadata: request.metadata.unwrap_or_default(),
        tools,
        tool_choice: request.tool_choice.unwrap_or_else(|| json!("auto")),
    };
    let links = Links::new(&call.server, &call.caller, &call.headers);
    let named = ignored.clone();
    let AdmittedRequest { caller, notes, server, id, .. } = call;
    let response = if is_streamed {
        let events = ProgressStream::of(|teller| async move {
            let tell = |frame| teller.tell(frame);
            let mut output = Output::new(tell, &question.text, &scoped.name, wants_results, links);
            output.begin(&head);
            let mut emit = |event| output.on(event);
            let answered =
                answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
            match answered {
                Ok(answered) => {
                    output.end(&answered);
                    let details = details(&answered, output.links(), ignored);
                    let response = head.ended(&answered, output.items(), details);
                    output.response(&format!("response.{}", response.status), response);
                }
                Err(mut refusal) => {
                    notes.refused(&mut refusal, server.access.needs_keys());
                    let response = head.failed(&refusal, &id, output.items());
                    output.response("response.failed", response);
                }
            }
        });
        sse::response(events.boxed())
    } else {
        let mut output =
            Output::new(drop, &question.text, &scoped.name, wants_results, links).whole();
        let mut emit = |event| output.on(event);
        let answered =
            answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await?;
        output.end(&answered);
        let details = details(&answered, output.links(), ignored);
        native::json(&head.ended(&answered, output.items(), details))
    };
    Ok(named_ignored(response, &named))
}
