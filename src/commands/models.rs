//! `docent models`: the models that are fetched by name.

use std::io;

use super::Context;
use crate::cli::{Format, ModelsArgs, ModelsCommand};
use crate::error::{Exit, Failure};
use crate::hub::{Cached, Forbidden, Hub, LocalModel, Purpose};
use crate::output::humanize;
use crate::output::{
    CachedCommit, CachedModel, FetchedModel, FetchedModels, ModelList, RemovedModel, RemovedModels,
};
use crate::types::HubModel;
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: ModelsArgs) -> Result<Exit, Failure> {
    match args.command {
        ModelsCommand::List => list(ui, &context.hub),
        ModelsCommand::Fetch { models } => fetch(ui, &context.hub, models).await,
        ModelsCommand::Remove { models } => remove(ui, &context.hub, &models),
    }
}

fn list(ui: &mut Ui, hub: &Hub) -> Result<Exit, Failure> {
    let cache = hub.cache()?;
    let dir = cache.dir().display().to_string();
    let contents = cache.list().map_err(|error| unreadable(&dir, &error))?;
    for (model, error) in contents.unreadable {
        ui.warn(&format!("{}: {error}; this model is not listed", model.display()));
    }
    let models: Vec<CachedModel> =
        contents.models.into_iter().filter_map(|it| described(hub, it)).collect();
    if ui.format != Format::Text {
        ui.json(ModelList { cache: dir, models })?;
        return Ok(Exit::Done);
    }
    if models.is_empty() {
        ui.status(&format!(
            "there are no models in {dir}; fetch one with docent models fetch hf:ORG/NAME"
        ));
    }
    for model in models {
        let (name, size) = (sanitize_line(&model.name), humanize::bytes(model.bytes));
        let mut text = format!("{name}  {size}\n");
        for CachedCommit { commit, refs, whole } in model.snapshots {
            let refs =
                if refs.is_empty() { String::new() } else { format!("  {}", refs.join(", ")) };
            let whole = if whole { "" } else { "  (not all that docent needs)" };
            text += &format!("  {}{}{whole}\n", sanitize_line(&commit), sanitize_line(&refs));
        }
        ui.data(&text)?;
    }
    Ok(Exit::Done)
}

/// Describes a model of the cache; `None` for a directory whose name is not that of a model.
fn described(hub: &Hub, cached: Cached) -> Option<CachedModel> {
    let model: HubModel = cached.repository.parse().ok()?;
    let whole = |commit: &str| {
        let model = HubModel { revision: Some(commit.to_owned()), ..model.clone() };
        matches!(hub.cached(&model, Purpose::Any), Ok(Some(_)))
    };
    let snapshots = cached.snapshots.into_iter().map(|snapshot| CachedCommit {
        whole: whole(&snapshot.commit),
        commit: snapshot.commit,
        refs: snapshot.refs,
    });
    Some(CachedModel {
        snapshots: snapshots.collect(),
        name: model.to_string(),
        bytes: cached.bytes,
    })
}

async fn fetch(ui: &mut Ui, hub: &Hub, models: Vec<HubModel>) -> Result<Exit, Failure> {
    if let Some(Forbidden::Setting(name)) = hub.forbidden() {
        ui.note(&format!(
            "the hub is not asked because of {name}: models are used as they are in the cache"
        ));
    }
    let mut fetched = Vec::new();
    for model in models {
        let LocalModel { dir, graph, commit } = hub.fetch(&model, Purpose::Any).await?;
        let directory = dir.display().to_string();
        if ui.format == Format::Text {
            let (commit, place) = (sanitize_line(&commit), sanitize_line(&directory));
            ui.data(&format!("{model}  {commit}\n  {place}/{}\n", sanitize_line(&graph)))?;
        }
        fetched.push(FetchedModel { name: model.to_string(), commit, directory, graph });
    }
    if ui.format != Format::Text {
        ui.json(FetchedModels { fetched })?;
    }
    Ok(Exit::Done)
}

fn remove(ui: &mut Ui, hub: &Hub, models: &[HubModel]) -> Result<Exit, Failure> {
    if let Some(part) = models.iter().find(|it| it.revision.is_some() || it.file.is_some()) {
        let whole = HubModel { file: None, ..part.without_revision() };
        return Err(Failure::usage(format!("{part}: only whole models can be removed"))
            .hint(format!("docent models remove {whole}")));
    }
    let cache = hub.cache()?;
    let mut removed = Vec::new();
    for model in models {
        let bytes = cache.remove(&model.repository);
        let bytes =
            bytes.map_err(|error| unreadable(&cache.dir().display().to_string(), &error))?;
        let Some(bytes) = bytes else {
            return Err(Failure::new(Exit::Negative, format!("{model} is not in the cache"))
                .hint("docent models list shows the models in the cache"));
        };
        if ui.format == Format::Text {
            ui.data(&format!("removed {model}  {}\n", humanize::bytes(bytes)))?;
        }
        removed.push(RemovedModel { name: model.to_string(), bytes });
    }
    if ui.format != Format::Text {
        ui.json(RemovedModels { removed })?;
    }
    Ok(Exit::Done)
}

fn unreadable(place: &str, error: &io::Error) -> Failure {
    Failure::config(format!("{place}: {error}")).hint(
        "Hugging Face tools keep models there; HF_HUB_CACHE or HF_HOME sets another directory",
    )
}
