//! `docent schema`: the JSON Schema of what the other commands print.

use super::audit::{AuditLines, AuditReport};
use super::keys::{KeyList, NewKey};
use super::serve::Listening;
use crate::cli::{SchemaArgs, SchemaName};
use crate::error::{Exit, Failure};
use crate::eval::report::EvalReport;
use crate::ingest::preview::IngestPreview;
use crate::output::{
    Adoption, AnswerJson, BatchRow, Doctor, Event, ExplainEvent, ExplainJson, FetchedModels,
    HitJson, Index, IndexCopy, IndexFile, IngestOutcome, ModelList, OutputMessage, OutputTurn,
    RemovedModels, RemovedVersions, RequestJson, SearchJson, ShowEvent, ShowJson, ShownSettings,
    SizingJson, Status, SwitchedVersion, TraceList, VersionDiffed, VersionList, VersionLog,
    VersionShown, schema_of,
};
use crate::serve::{self, LogEntry, UsageResponse};
use crate::service::cache_key::IndexKey;
use crate::service::changes;
use crate::service::purge::PurgeReport;
use crate::trace::Trace;
use crate::ui::Ui;

pub(super) fn run(ui: &mut Ui, args: &SchemaArgs) -> Result<Exit, Failure> {
    ui.data(&format!("{}\n", schema(args.output)))?;
    Ok(Exit::Done)
}

fn schema(name: SchemaName) -> String {
    let schema = match name {
        SchemaName::QueryJson => schema_of::<AnswerJson>("query --format json"),
        SchemaName::QueryJsonl => schema_of::<Event>("query --format jsonl"),
        SchemaName::QueryBatch => schema_of::<BatchRow>("query --batch"),
        SchemaName::ChatJson => schema_of::<OutputTurn<AnswerJson>>("chat --format json"),
        SchemaName::ChatJsonl => schema_of::<OutputTurn<Event>>("chat --format jsonl"),
        SchemaName::QueryPlanJson => schema_of::<RequestJson>("query --dry-run"),
        SchemaName::SearchJson => schema_of::<SearchJson>("search --format json"),
        SchemaName::SearchJsonl => schema_of::<HitJson>("search --format jsonl"),
        SchemaName::ExplainJson => schema_of::<ExplainJson>("explain --format json"),
        SchemaName::ExplainJsonl => schema_of::<ExplainEvent>("explain --format jsonl"),
        SchemaName::EvalJson => schema_of::<EvalReport>("eval --format json"),
        SchemaName::IngestJson => schema_of::<IngestOutcome<'_>>("ingest"),
        SchemaName::IngestPlanJson => schema_of::<IngestPreview>("ingest --dry-run"),
        SchemaName::TraceJson => schema_of::<Trace>("trace show"),
        SchemaName::TraceListJson => schema_of::<TraceList>("trace list"),
        SchemaName::ShowJson => schema_of::<ShowJson>("show --format json"),
        SchemaName::ShowJsonl => schema_of::<ShowEvent>("show --format jsonl"),
        SchemaName::StatusJson => schema_of::<Status>("status"),
        SchemaName::DoctorJson => schema_of::<Doctor>("doctor"),
        SchemaName::DoctorSizeJson => schema_of::<SizingJson>("doctor --size"),
        SchemaName::IndexJson => schema_of::<Index>("index verify and index repair"),
        SchemaName::IndexAdoptJson => schema_of::<Adoption>("index adopt"),
        SchemaName::IndexCopyJson => schema_of::<IndexCopy>("index push and index pull"),
        SchemaName::ModelsJson => schema_of::<ModelList>("models list"),
        SchemaName::ModelsFetchJson => schema_of::<FetchedModels>("models fetch"),
        SchemaName::ModelsRemoveJson => schema_of::<RemovedModels>("models remove"),
        SchemaName::IndexFileJson => schema_of::<IndexFile>("index export and index import"),
        SchemaName::IndexKeyJson => schema_of::<IndexKey>("index key"),
        SchemaName::IndexListJson => schema_of::<VersionList>("index list"),
        SchemaName::IndexShowJson => schema_of::<VersionShown>("index show"),
        SchemaName::IndexLogJson => schema_of::<VersionLog>("index log"),
        SchemaName::IndexDiffJson => schema_of::<VersionDiffed>("index diff"),
        SchemaName::IndexUseJson => schema_of::<SwitchedVersion>("index use and index rollback"),
        SchemaName::IndexDropJson => schema_of::<RemovedVersions>("index drop and index prune"),
        SchemaName::PurgeJson => schema_of::<PurgeReport>("purge"),
        SchemaName::ChangesJsonl => changes::schema(),
        SchemaName::ConfigJson => schema_of::<ShownSettings>("config show"),
        SchemaName::ServeJson => schema_of::<Listening<'_>>("serve"),
        SchemaName::ServeLogJsonl => schema_of::<LogEntry>("serve, of a request"),
        SchemaName::AuditJsonl => serve::audit::schema(),
        SchemaName::AuditJson => schema_of::<AuditReport<'_>>("audit verify"),
        SchemaName::AuditListJson => schema_of::<AuditLines>("audit list"),
        SchemaName::KeysJson => schema_of::<KeyList<'_>>("keys list"),
        SchemaName::KeysNewJson => schema_of::<NewKey<'_>>("keys create and keys rotate"),
        SchemaName::UsageJson => schema_of::<UsageResponse>("serve, GET /v1/docent/usage"),
        SchemaName::Openapi => {
            return serde_json::to_string_pretty(&serve::openapi(true)).unwrap_or_default();
        }
        SchemaName::StderrJsonl => schema_of::<OutputMessage>("on stderr"),
    };
    // A schema has only string keys, so it can always be written as JSON.
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}
