//! `docent trace`: the records of answers.

use serde_json::{Value, json};

use super::Context;
use crate::cli::{Format, TraceArgs, TraceCommand};
use crate::error::{Exit, Failure};
use crate::output::TraceList;
use crate::trace::Trace;
use crate::trace::file::TraceLocation;
use crate::types::tenant_of;
use crate::ui::Ui;

pub(super) fn run(ui: &mut Ui, context: &Context, args: TraceArgs) -> Result<Exit, Failure> {
    let path = context.settings.trace.path.as_ref().ok_or_else(|| {
        Failure::usage("no file of records is named, and none are kept without --trace")
            .hint("use docent trace show --trace FILE|DIR, or set DOCENT_TRACE for all commands")
    })?;
    let place = TraceLocation::of(&context.cwd.join(path));
    let mut traces = place.read().map_err(|error| {
        Failure::config(format!("{}: {error}", place.path().display()))
            .hint("make records with docent query --trace FILE|DIR QUESTION")
    })?;
    traces.retain(|trace| tenant_of(&trace.collection.name) == context.settings.tenant.as_deref());
    match args.command {
        TraceCommand::Show { id } => {
            let trace = find(&traces, id.as_deref(), &place)?;
            if ui.format == Format::Text {
                ui.trace(trace)?;
            } else {
                ui.json(fields(trace))?;
            }
        }
        TraceCommand::List if ui.format == Format::Text => ui.traces(&traces)?,
        TraceCommand::List => ui.json(TraceList::of(&traces))?,
    }
    Ok(Exit::Done)
}

/// The fields of a record without its version, which is the first field of all output.
fn fields(trace: &Trace) -> Value {
    let mut record = json!(trace);
    if let Value::Object(fields) = &mut record {
        fields.remove("schema_version");
    }
    record
}

/// The record whose id begins with `id`; the last one if no id is given.
fn find<'a>(
    traces: &'a [Trace],
    id: Option<&str>,
    place: &TraceLocation,
) -> Result<&'a Trace, Failure> {
    let path = place.path().display();
    let nothing = |message: String| {
        Failure::new(Exit::Negative, message).hint("docent trace list shows the records")
    };
    let Some(id) = id else {
        return traces.last().ok_or_else(|| nothing(format!("{path} has no record")));
    };
    let prefix = id.to_lowercase();
    let mut found = traces.iter().filter(|trace| trace.id.to_string().starts_with(&prefix));
    // A replayed question has the id of its recording: the last record counts.
    let last = found.next_back();
    let last = last.ok_or_else(|| nothing(format!("{path} has no record of an answer {id}")))?;
    match found.find(|trace| trace.id != last.id) {
        None => Ok(last),
        Some(other) => Err(nothing(format!(
            "several answers begin with {id}: {} and {}, among others",
            other.id, last.id
        ))),
    }
}
