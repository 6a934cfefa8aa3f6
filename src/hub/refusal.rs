//! Why there is no model, and what to type next. Pure.

use std::path::{Path, PathBuf};

use super::Forbidden;
use crate::error::{BackendError, Exit, ExternalService, Failure, Fault};
use crate::types::HubModel;

/// What is in the cache of a model that is not there as a whole.
pub(super) struct PartialModel {
    pub(super) dir: PathBuf,
    /// Whether it can be tried as it is.
    pub(super) has_graph: bool,
}

/// The model is not in the cache, and the hub may not be asked.
pub(super) fn forbidden(
    typed: &HubModel,
    wanted: &HubModel,
    why: &Forbidden,
    part: Option<&PartialModel>,
) -> Failure {
    let (why, fetch) = match why {
        Forbidden::Setting(name) => (
            format!("{name} forbids fetching it"),
            format!(
                "fetch it where that is allowed: docent models fetch {wanted}; the cache (HF_HOME) can be copied to another machine"
            ),
        ),
        Forbidden::Looking(who) => {
            (format!("{who} fetches nothing"), format!("fetch it: docent models fetch {wanted}"))
        }
    };
    let (not_here, as_it_is) = match part {
        None => ("is not in the cache", String::new()),
        Some(PartialModel { dir, has_graph: true }) => (
            "seems to be only partly in the cache",
            format!("; to use what is there, name its directory: onnx:{}", dir.display()),
        ),
        Some(_) => ("is only partly in the cache", String::new()),
    };
    Failure::config(format!("the model {typed} {not_here}, and {why}"))
        .hint(format!("{fetch}{as_it_is}"))
}

/// The disk has no room for the files.
pub(super) fn no_room(model: &HubModel, dir: &Path, needed: u64, free: u64) -> Failure {
    let message = format!(
        "the disk is too full for {model}: {} are still to be fetched, and {} are free at {}",
        megabytes(needed),
        megabytes(free),
        dir.display()
    );
    let failure = Failure::new(Exit::Backend, message)
        .hint("free some space, or set HF_HOME to a directory on another disk");
    Failure { backend: Some((ExternalService::Hub, Fault::Full)), ..failure }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub(super) fn no_tokenizer(model: &HubModel) -> Failure {
    Failure::config(format!("{model} has no tokenizer.json, the fast tokenizer"))
        .hint("docs/models.md lists models that run; or save the tokenizer beside the model yourself, and use onnx:DIR")
}

/// `graphs` are the ONNX files of the repository.
pub(super) fn no_graph(model: &HubModel, graphs: &[&str]) -> Failure {
    const SHOWN: usize = 6;
    let named = match &model.file {
        Some(file) => format!("{model} has no file {file}"),
        None => format!("{model} has no model.onnx"),
    };
    let failure = Failure::config(named);
    let Some(first) = graphs.first() else {
        return failure.hint(
            "its authors have not exported it to ONNX: docs/models.md lists models that run, and says how to export one",
        );
    };
    let more = if graphs.len() > SHOWN { ", ..." } else { "" };
    let shown = graphs.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    let named = HubModel { file: Some((*first).to_owned()), ..model.clone() };
    failure.hint(format!("it has {shown}{more}: name one, as in '{named}'"))
}

/// What a failure of the hub means for a user who wants the model. `has_token`: one was sent.
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
            format!("{model} arrived different from the files on the hub"),
            format!(
                "fetch it again: docent models fetch {model}; if that fails, too, something between this machine and {endpoint} changes files"
            ),
        ),
        Fault::Full => (
            Exit::Backend,
            "the disk is full".to_owned(),
            format!(
                "free some space, or set HF_HOME to a directory on another disk; then docent models fetch {model} continues where it stopped"
            ),
        ),
        Fault::Denied => (
            Exit::Backend,
            "the model cache can't be written".to_owned(),
            "set HF_HOME to a directory that you can write to".to_owned(),
        ),
        _ if error.status == Some(429) => (
            Exit::Backend,
            format!("the hub was asked too often for {model}"),
            format!(
                "wait some minutes, then: docent models fetch {model}; a token in HF_TOKEN raises the limit"
            ),
        ),
        _ => (
            Exit::Backend,
            format!("{model} could not be fetched"),
            format!(
                "check the network, its proxy and HF_ENDPOINT, then: docent models fetch {model}"
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
            format!("{model} is only for accounts that have accepted its terms"),
            format!("accept them at {page}, then set HF_TOKEN to a token of that account"),
        )
    } else if has_token {
        (
            format!("the hub refused {model} to the token that was sent"),
            format!(
                "check the name at {page}, and HF_TOKEN (or the file that `hf auth login` wrote): the token needs read access to this model"
            ),
        )
    } else {
        // The hub gives the same response for a name that does not exist.
        (
            format!("the hub has no public model {model}"),
            format!(
                "check the name at {page}; for a private model, set HF_TOKEN to a token with read access"
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
            format!("{page}/commits lists them; without @REVISION the main branch is used"),
        )
    } else {
        (format!("the hub has no model {model}"), format!("check the name at {page}"))
    };
    (Exit::Config, message, hint)
}
