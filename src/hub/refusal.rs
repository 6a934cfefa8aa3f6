//! Why there is no model, and what to type next. Pure.

use std::path::Path;

use super::Forbidden;
use crate::error::{BackendError, Exit, Failure, Fault, Service};
use crate::types::HubModel;

/// It is not here, and nobody may be asked for it. `part` is what is here of it.
pub(super) fn forbidden(
    typed: &HubModel,
    wanted: &HubModel,
    why: &Forbidden,
    part: Option<&Path>,
) -> Failure {
    let (why, fetch) = match why {
        Forbidden::Setting(name) => (
            format!("{name} forbids to fetch it"),
            format!(
                "fetch it where that is allowed: docent models fetch {wanted}; the directory it goes to (HF_HOME) can be copied to another machine"
            ),
        ),
        Forbidden::Looking(who) => {
            (format!("{who} fetches nothing"), format!("fetch it: docent models fetch {wanted}"))
        }
    };
    let (not_here, as_it_is) = match part {
        None => ("is not here", String::new()),
        Some(dir) => (
            "is here only in part, as far as can be told",
            format!("; to use what is here as it is, name its directory: onnx:{}", dir.display()),
        ),
    };
    Failure::config(format!("the model {typed} {not_here}, and {why}"))
        .hint(format!("{fetch}{as_it_is}"))
}

/// There is no room for so many bytes.
pub(super) fn no_room(model: &HubModel, dir: &Path, needed: u64, free: u64) -> Failure {
    let message = format!(
        "the disk is too full for {model}: {} are still to be fetched, and {} are free at {}",
        megabytes(needed),
        megabytes(free),
        dir.display()
    );
    let failure = Failure::new(Exit::Backend, message)
        .hint("free some space, or set HF_HOME to a directory on another disk");
    Failure { backend: Some((Service::Hub, Fault::Full)), ..failure }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub(super) fn no_tokenizer(model: &HubModel) -> Failure {
    Failure::config(format!("{model} has no tokenizer.json, the fast tokenizer"))
        .hint("docs/models.md has models that run; or save the tokenizer beside the model yourself, and use onnx:DIR")
}

/// `graphs` are the ONNX files that there are.
pub(super) fn no_graph(model: &HubModel, graphs: &[&str]) -> Failure {
    const SHOWN: usize = 6;
    let named = match &model.file {
        Some(file) => format!("{model} has no file {file}"),
        None => format!("{model} has no model.onnx"),
    };
    let failure = Failure::config(named);
    let Some(first) = graphs.first() else {
        return failure.hint(
            "its authors have not exported it to ONNX: docs/models.md has models that run, and says how to export one",
        );
    };
    let more = if graphs.len() > SHOWN { ", ..." } else { "" };
    let shown = graphs.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    let named = HubModel { file: Some((*first).to_owned()), ..model.clone() };
    failure.hint(format!("it has {shown}{more}: name one, as in '{named}'"))
}

/// What a failure of the hub means for whoever wants the model. `has_token`: one was sent.
pub(super) fn failure(
    error: &BackendError,
    model: &HubModel,
    endpoint: &str,
    has_token: bool,
) -> Failure {
    let (exit, message, hint) = match error.fault {
        Fault::Unauthorized => unauthorized(error, model, endpoint, has_token),
        Fault::NotFound => not_found(error, model, endpoint),
        Fault::Changed => (
            Exit::Backend,
            format!("{model} did not come as the hub has it"),
            format!(
                "fetch it again: docent models fetch {model}; if that ends so, too, something between here and {endpoint} changes files"
            ),
        ),
        Fault::Full => (
            Exit::Backend,
            "the disk is full".to_owned(),
            format!(
                "free some space, or set HF_HOME to a directory on another disk; docent models fetch {model} goes on then"
            ),
        ),
        Fault::Denied => (
            Exit::Backend,
            "the cache of models can't be written".to_owned(),
            "set HF_HOME to a directory that is yours".to_owned(),
        ),
        _ if error.status == Some(429) => (
            Exit::Backend,
            format!("the hub was asked too often for {model}"),
            format!(
                "wait some minutes, then: docent models fetch {model}; with a token in HF_TOKEN it may be asked more often"
            ),
        ),
        _ => (
            Exit::Backend,
            format!("{model} could not be fetched"),
            format!(
                "check the network, its proxy and HF_ENDPOINT; docent models fetch {model} goes on where this ended"
            ),
        ),
    };
    let failure = Failure::new(exit, message).caused_by(error.to_string()).hint(hint);
    Failure { backend: Some((error.service, error.fault)), ..failure }
}

fn unauthorized(
    error: &BackendError,
    model: &HubModel,
    endpoint: &str,
    has_token: bool,
) -> (Exit, String, String) {
    let page = format!("{endpoint}/{}", model.repository);
    let (message, hint) = if error.message.contains(" GatedRepo") {
        (
            format!("{model} is for those who have accepted its terms"),
            format!("accept them at {page}, then set HF_TOKEN to a token of that account"),
        )
    } else if has_token {
        (
            format!("the hub does not give {model} to the token that it was sent"),
            format!(
                "check the name at {page}, and HF_TOKEN (or the file that `hf auth login` wrote): it wants the right to read this model"
            ),
        )
    } else {
        // It is the answer to a name that is not there, too.
        (
            format!("the hub has no model {model} that everybody may read"),
            format!(
                "check the name at {page}; for one that is private set HF_TOKEN to a token that may read it"
            ),
        )
    };
    (Exit::Config, message, hint)
}

fn not_found(error: &BackendError, model: &HubModel, endpoint: &str) -> (Exit, String, String) {
    let page = format!("{endpoint}/{}", model.repository);
    let (message, hint) = if error.message.contains(" RevisionNotFound") {
        (
            format!("{} has no revision {}", model.without_revision(), model.revision()),
            format!("{page}/commits has them; without @REVISION it is that of the main branch"),
        )
    } else {
        (format!("the hub has no model {model}"), format!("check the name at {page}"))
    };
    (Exit::Config, message, hint)
}
