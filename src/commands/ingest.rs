//! `docent ingest`: updates a collection from its sources.

mod promote;

use std::io::Read;

use super::eval::PromotionGate;
use super::{Context, describe_embedder, on_interrupt, open, trust, watch};
use crate::cancel::Cancel;
use crate::cli::{IngestArgs, IngestFlags};
use crate::error::{Exit, Failure};
use crate::http::ThrottleStats;
use crate::ingest::IngestReport;
use crate::ingest::discover;
use crate::ingest::inline::InlineDocuments;
use crate::service::Engine;
pub(super) use crate::service::sync::exit;
use crate::service::sync::{SyncEvent, SyncInputs, SyncOptions};
use crate::ui::Ui;
use crate::ui::progress::IngestProgress;

pub(super) async fn run(
    ui: &mut Ui,
    mut context: Context,
    args: IngestArgs,
) -> Result<Exit, Failure> {
    context.name_collection();
    if args.watch {
        return Box::pin(watch::run(ui, context, args)).await;
    }
    let cases = args.promotion_cases.as_ref();
    let gate = cases.map(|cases| PromotionGate::load(&context, cases, &args.promote_if));
    let gate = gate.transpose()?;
    let mut options = SyncOptions {
        new_version: args.new_version,
        candidate: gate.is_some(),
        partition: args.partition,
        ..SyncOptions::from(&args.ingest)
    };
    let mut typed = args.paths;
    if args.forget {
        options.forget = std::mem::take(&mut typed);
    }
    let (stdin, paths): (Vec<String>, Vec<String>) =
        typed.into_iter().partition(|path| path == "-");
    let mut inputs = SyncInputs::parse(paths, args.web.reach())?;
    if !stdin.is_empty() && options.partition.is_some() {
        let failure = Failure::usage(
            "standard input is a single document, so --partition can't be used with it",
        );
        return Err(failure.hint("docent ingest - --source NAME"));
    }
    if !stdin.is_empty() {
        inputs.inline = Some(InlineDocuments::bytes(args.source, read_stdin(&context)?));
    }
    let engine = open(ui, context)?;
    let cancel = on_interrupt();
    if args.dry_run || args.check {
        let preview = engine.preview(inputs, &options, args.dry_run, &cancel).await?;
        ui.preview(&preview)?;
        return Ok(if args.check && !preview.is_empty() { Exit::Negative } else { Exit::Done });
    }
    if let Some(gate) = gate {
        return Box::pin(promote::run(ui, &engine, gate, inputs, &options, &cancel)).await;
    }
    let report = sync(ui, &engine, inputs, &options, &cancel).await?;
    ui.ingest_report(&report, None)?;
    exit(report)
}

impl From<&IngestFlags> for SyncOptions {
    fn from(flags: &IngestFlags) -> Self {
        Self {
            forget: Vec::new(),
            include: flags.include.clone(),
            exclude: flags.exclude.clone(),
            hidden: flags.hidden,
            tags: flags.tags.clone(),
            only_these_tags: false,
            text_fields: flags.text_fields.clone(),
            checksum: flags.checksum,
            retry_failed: flags.retry_failed,
            fail_fast: flags.fail_fast,
            rebuild: flags.rebuild,
            new_version: false,
            candidate: false,
            allow_prune: flags.allow_prune,
            agreed: None,
            share: flags.share,
            asked_with: None,
            keys: Vec::new(),
            partition: None,
        }
    }
}

/// Updates the collection from `inputs`, and shows the progress.
pub(super) async fn sync(
    ui: &mut Ui,
    engine: &Engine,
    inputs: SyncInputs,
    options: &SyncOptions,
    cancel: &Cancel,
) -> Result<IngestReport, Failure> {
    let typed = if inputs.remembered { Vec::new() } else { inputs.paths.clone() };
    let starts = inputs.starts.clone();
    let mut shown = ShownSync { ui, engine, cancel, progress: None };
    let report = engine.sync(inputs, options, cancel, &mut |event| shown.on(event)).await?;
    let Context { root, cwd, .. } = &engine.context;
    for path in typed.iter().filter_map(|input| discover::outside(input, root, cwd)) {
        if let Err(error) = trust::allow_reading(root, &path) {
            let path = path.display();
            ui.warn(&format!("{path} can't be remembered for later runs: {error}"));
        }
    }
    for start in &starts {
        if let Err(error) = trust::allow_fetching(root, start.site()) {
            let url = start.source();
            ui.warn(&format!("{url} can't be remembered for later runs: {error}"));
        }
    }
    Ok(report)
}

/// Shows a sync to a person.
pub(super) struct ShownSync<'a> {
    pub(super) ui: &'a mut Ui,
    pub(super) engine: &'a Engine,
    pub(super) cancel: &'a Cancel,
    pub(super) progress: Option<IngestProgress>,
}

impl ShownSync<'_> {
    pub(super) fn on(&mut self, event: SyncEvent) {
        match event {
            SyncEvent::Connected(embedder) => {
                describe_embedder(self.ui, self.engine.collection().endpoint(), &embedder);
                self.progress = Some(IngestProgress::new(self.ui, self.cancel));
            }
            SyncEvent::Ingest(event) => {
                if let Some(progress) = &mut self.progress {
                    progress.on(self.ui, &event);
                }
            }
            SyncEvent::Note(note) => self.ui.note(&note),
            SyncEvent::Throttled(throttled) => {
                self.progress = None;
                describe_throttling(self.ui, throttled);
            }
        }
    }
}

/// Prints how the embedding endpoint limited the rate of this run, for `--verbose`.
fn describe_throttling(ui: &mut Ui, ThrottleStats { times, fewest }: ThrottleStats) {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    ui.detail(&format!(
        "rate-limited {times} by the embedding endpoint; concurrency fell to {fewest}"
    ));
}

fn read_stdin(context: &Context) -> Result<Vec<u8>, Failure> {
    let limit = context.settings.ingest.max_file_size;
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage("standard input is over the size limit")
            .hint("raise it with --max-file-size"));
    }
    Ok(bytes)
}
