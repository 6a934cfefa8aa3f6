//! `--sweep chunk-tokens=128,256,512`: measures the same sources with several sizes of chunks.

use super::super::ingest::ShownSync;
use super::super::{Context, open};
use super::corpus::{self, FailedDocuments};
use super::rankings::RankingRequest;
use crate::cli::EvalArgs;
use crate::error::Failure;
use crate::eval::report::Rankings;
use crate::query::Retriever;
use crate::service::Engine;
use crate::service::sync::SyncInputs;
use crate::settings::keys::key;
use crate::types::{CrawlReach, Manifest, sibling_collection};
use crate::ui::Ui;

/// The setting that is varied, and its values.
pub(super) struct Sweep {
    swept: Swept,
    values: Vec<usize>,
}

/// A setting that a collection is built with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Swept {
    ChunkTokens,
    ChunkOverlap,
}

impl Swept {
    const ALL: [Self; 2] = [Self::ChunkTokens, Self::ChunkOverlap];

    /// Name of the setting, like its flag.
    fn name(self) -> &'static str {
        match self {
            Self::ChunkTokens => "chunk-tokens",
            Self::ChunkOverlap => "chunk-overlap",
        }
    }

    /// Reads a value like that of the setting.
    fn read(self, value: &str) -> Result<usize, String> {
        let range = key(&self.name().replace('-', ".")).range;
        range.map_or_else(|| Err("has no range".to_owned()), |range| range.read_whole(value))
    }
}

/// Whether the last run over a collection is complete.
fn is_complete(manifest: &Manifest) -> bool {
    manifest.unfinished.is_none() && !manifest.runs.is_empty()
}

impl Sweep {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::usage(format!("--sweep {text}: {why}"))
                .hint("such as --sweep chunk-tokens=128,256,512")
        };
        let (name, values) =
            text.split_once('=').ok_or_else(|| wrong("not NAME=VALUE,VALUE".to_owned()))?;
        let swept = Swept::ALL.into_iter().find(|swept| swept.name() == name.trim());
        let swept = swept.ok_or_else(|| {
            wrong(format!("`{}` is neither chunk-tokens nor chunk-overlap", name.trim()))
        })?;
        let number = |value: &str| {
            let value = value.trim();
            swept.read(value).map_err(|why| wrong(format!("`{value}` {why}")))
        };
        let mut distinct = Vec::new();
        for value in values.split(',').map(number) {
            let value = value?;
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        Ok(Self { swept, values: distinct })
    }

    /// The rankings with each value. If the collection was built with one of the values, it is used
    /// itself; for the others, a collection is built beside it, and dropped after it was measured.
    pub(super) async fn rankings(
        &self,
        ui: &mut Ui,
        context: &Context,
        args: &EvalArgs,
        retriever: &Retriever,
        asking: &RankingRequest<'_>,
    ) -> Result<Vec<Rankings>, Failure> {
        let settings: Vec<Context> =
            self.values.iter().map(|value| self.with(context, *value)).collect::<Result<_, _>>()?;
        let built = &retriever.reader.manifest().chunker;
        let mut runs = Vec::new();
        for (value, context) in self.values.iter().zip(settings) {
            let name = format!("{}={value}", self.swept.name());
            let is_built = built.max_tokens == context.settings.chunk_tokens
                && built.overlap_tokens == context.settings.chunk_overlap;
            if is_built {
                runs.push(asking.rankings(ui, retriever, &name, asking.way()).await?);
                continue;
            }
            let engine = open(ui, context)?;
            // A collection that an earlier run kept is kept, whatever the result of this one.
            let earlier = engine.collection().read().await?;
            let kept = earlier.is_some_and(|reader| is_complete(reader.manifest()));
            let variant = Variant { engine: &engine, model: retriever, name: &name };
            let run = variant.rankings(ui, args, asking).await;
            if kept || (args.runs.keep && run.is_ok()) {
                ui.note(&format!("kept: --collection {}", engine.context.settings.collection));
            } else {
                engine.drop_collection().await?;
            }
            runs.push(run?);
        }
        Ok(runs)
    }

    /// A context with one of the values, and a collection for it.
    fn with(&self, context: &Context, value: usize) -> Result<Context, Failure> {
        let mut context = context.clone();
        let settings = &mut context.settings;
        match self.swept {
            Swept::ChunkTokens => settings.chunk_tokens = value,
            Swept::ChunkOverlap => settings.chunk_overlap = value,
        }
        if settings.chunk_overlap * 2 > settings.chunk_tokens {
            return Err(Failure::usage(format!(
                "--sweep: an overlap of {} is more than half of a chunk of {} tokens",
                settings.chunk_overlap, settings.chunk_tokens
            ))
            .hint("lower --chunk-overlap to at most half of the smallest chunk"));
        }
        let variant = format!(".{}-{value}", self.swept.name());
        settings.collection = sibling_collection(&settings.collection, &variant);
        Ok(context)
    }
}

/// A collection that is built with one of the values.
struct Variant<'a> {
    engine: &'a Engine,
    /// The collection whose sources are used.
    model: &'a Retriever,
    name: &'a str,
}

impl Variant<'_> {
    async fn rankings(
        &self,
        ui: &mut Ui,
        args: &EvalArgs,
        asking: &RankingRequest<'_>,
    ) -> Result<Rankings, Failure> {
        let engine = self.engine;
        let inputs = match &args.beir {
            Some(dir) => SyncInputs::inline(corpus::corpus(&engine.context, dir)?),
            None => SyncInputs::parse(Vec::new(), CrawlReach::default())?,
        };
        let (model, cancel) = (self.model.reader.clone(), asking.cancel);
        let mut shown = ShownSync { ui, engine, cancel, progress: None };
        let copied = engine.copy(inputs, model, cancel, &mut |event| shown.on(event)).await?;
        let failed_documents = match &args.beir {
            Some(_) => FailedDocuments::Refuse,
            None => FailedDocuments::LeaveOut,
        };
        corpus::complete(ui, self.name, copied, failed_documents)?;
        let retriever = engine.retriever().await?;
        asking.rankings(ui, &retriever, self.name, asking.way()).await
    }
}
