//! `docent doctor`: calls everything that is configured, and looks for what could be configured.

mod sizing;

use std::time::Duration;

use super::{Context, open};
use crate::cli::{DoctorArgs, Format};
use crate::embed::TextRole;
use crate::error::{Exit, ExternalService, Failure};
use crate::hub::{MissingModel, Purpose};
use crate::openai;
use crate::output as json;
use crate::output::humanize::{bytes, counted};
use crate::retry::RetryPolicy;
use crate::service::backends::{self, VerifierModel};
use crate::service::deployment::{Concern, advice, concerns};
use crate::service::retrieval::reranking;
use crate::settings::parse::without_credentials;
use crate::settings::{
    EmbeddingModel, Endpoint, QdrantSettings, RerankModel, RerankSettings, VerifyModel,
    VerifySettings,
};
use crate::store::ForeignPoints;
use crate::types::{Deployment, Manifest, RerankerId};
use crate::ui::Ui;
use crate::ui::deployment::deployment_line;
use crate::ui::sanitize::sanitize_line;

/// Longest wait for a server that need not be there.
const GLANCE: Duration = Duration::from_millis(700);

/// The result of one check.
struct Check {
    name: &'static str,
    ok: bool,
    message: String,
    /// It works, but could go wrong.
    warning: bool,
    hint: Option<String>,
    exit: Exit,
}

impl Check {
    fn fine(name: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { name, ok: true, message, warning: false, hint: None, exit: Exit::Done }
    }

    fn failed(name: &'static str, failure: Failure) -> Self {
        let message = match failure.causes.first() {
            Some(cause) => format!("{}: {cause}", failure.message),
            None => failure.message,
        };
        // The user has just run `docent doctor`.
        let hint = failure.hint.filter(|hint| !hint.starts_with("`docent doctor`"));
        Self { name, ok: false, message, warning: false, hint, exit: failure.exit }
    }

    fn about(name: &'static str, concern: &Concern) -> Self {
        Self {
            name,
            ok: !concern.fatal,
            message: concern.message.clone(),
            warning: !concern.fatal,
            hint: Some(concern.hint.clone()),
            exit: if concern.fatal { Exit::Backend } else { Exit::Done },
        }
    }

    fn of(name: &'static str, result: Result<Self, Failure>) -> Self {
        result.unwrap_or_else(|failure| Self::failed(name, failure))
    }
}

pub(super) async fn run(ui: &mut Ui, context: Context, args: DoctorArgs) -> Result<Exit, Failure> {
    let context = &context;
    if let Some(chunks) = args.size {
        return sizing::run(ui, context, chunks).await;
    }
    let mut checks = vec![Check::of("store", check_store(ui, context).await)];
    let server = if checks[0].ok { look_at_server(ui, context).await } else { Ok(None) };
    let server = match server {
        Ok(Some((deployment, concerns))) => {
            checks.push(Check::fine("server", deployment_line(&deployment)));
            checks.extend(concerns.iter().map(|concern| Check::about("server", concern)));
            Some(json::ServerJson::of(deployment, &concerns))
        }
        Ok(None) => None,
        Err(failure) => {
            checks.push(Check::failed("server", failure));
            None
        }
    };
    checks.push(Check::of("embedder", check_embedder(context).await));
    if let Some(rerank) = &context.settings.rerank {
        checks.push(Check::of("reranker", check_reranker(context, rerank).await));
    }
    checks.push(Check::of("chat", check_chat(context).await));
    if let Some(verify) = &context.settings.verify {
        checks.push(Check::of("verify", check_verifier(context, verify).await));
    }
    checks.extend(look_for_ollama(context).await);
    checks.extend(look_for_qdrant(context).await);
    print(ui, &checks, server)?;
    Ok(checks.iter().map(|check| check.exit).find(|exit| *exit != Exit::Done).unwrap_or(Exit::Done))
}

fn print(ui: &mut Ui, checks: &[Check], server: Option<json::ServerJson>) -> Result<(), Failure> {
    if ui.format != Format::Text {
        let shown = checks.iter().map(|check| json::DoctorCheck {
            name: check.name.to_owned(),
            ok: check.ok,
            message: check.message.clone(),
            warning: check.warning,
            hint: check.hint.clone(),
        });
        let ok = checks.iter().all(|check| check.ok);
        return ui.json(json::Doctor { ok, checks: shown.collect(), server });
    }
    for check in checks {
        let style = ui.out_style;
        let mark = match check {
            Check { ok: false, .. } => style.error("failed"),
            Check { warning: true, .. } => style.strong("beware"),
            Check { .. } => style.strong("ok    "),
        };
        let mut text = format!("{mark}  {:8}  {}\n", check.name, sanitize_line(&check.message));
        if let Some(hint) = &check.hint {
            text += &format!("                  {}\n", sanitize_line(hint));
        }
        ui.data(&text)?;
    }
    Ok(())
}

async fn check_store(ui: &Ui, context: &Context) -> Result<Check, Failure> {
    let collection = &context.settings.collection;
    let mut place = "embedded Qdrant".to_owned();
    if context.settings.qdrant.url.is_some() {
        let version = backends::server(&context.settings, once(context))?.health().await?;
        place = format!("Qdrant {version}");
    }
    let engine = open(ui, context.clone())?;
    let mut hint = None;
    let held = match engine.collection().read().await? {
        Some(reader) => {
            let foreign = reader.foreign_points().await?;
            hint = (foreign.count > 0).then(|| strange(&foreign));
            let chunks = counted(reader.count_chunks().await? as usize, "chunk");
            let Manifest { embedder, owner, .. } = &**reader.manifest();
            let whose = owner.project.as_ref().map(|it| format!(" of the project `{it}`"));
            format!(
                "collection `{collection}`{} has {chunks}, embedded with {}",
                whose.unwrap_or_default(),
                embedder.name
            )
        }
        None => format!("no collection `{collection}` yet"),
    };
    let endpoint = engine.collection().endpoint();
    Ok(Check { hint, ..Check::fine("store", format!("{place} at {endpoint}: {held}")) })
}

/// Checks how the collection is kept on its server.
async fn look_at_server(
    ui: &Ui,
    context: &Context,
) -> Result<Option<(Deployment, Vec<Concern>)>, Failure> {
    let deployment = open(ui, context.clone())?.deployment().await?;
    Ok(deployment.map(|deployment| {
        let concerns = [concerns(&deployment), advice(&deployment)].concat();
        (deployment, concerns)
    }))
}

/// A warning about points that another program has written into the collection.
fn strange(foreign: &ForeignPoints) -> String {
    let ids = foreign.ids.join(", ");
    let more = if foreign.count > foreign.ids.len() as u64 { ", ..." } else { "" };
    format!(
        "{} in the collection {} not docent's, and no search returns {}: {ids}{more}; another program writes into this collection",
        counted(foreign.count as usize, "point"),
        if foreign.count == 1 { "is" } else { "are" },
        if foreign.count == 1 { "it" } else { "them" },
    )
}

/// The doctor does not retry, since the user wants to know the state now.
fn once(context: &Context) -> RetryPolicy {
    RetryPolicy { attempts: 1, ..backends::retry_policy(&context.settings) }
}

/// Checks whether a model of a hub is here, or would be fetched when it is first needed.
async fn not_here(
    name: &'static str,
    context: &Context,
    purpose: Purpose,
) -> Result<Option<Check>, Failure> {
    let missing = backends::missing_model(context, purpose).await?;
    Ok(missing.map(|(model, MissingModel { commit, bytes: size, endpoint })| {
        let message = format!(
            "{model} is not in the cache yet: {} are fetched from {endpoint} (commit {commit}) when it is first needed",
            bytes(size)
        );
        let hint = Some(format!("fetch it now: docent models fetch {model}"));
        Check { warning: true, hint, ..Check::fine(name, message) }
    }))
}

async fn check_embedder(context: &Context) -> Result<Check, Failure> {
    if let Some(check) = not_here("embedder", context, Purpose::Embed).await? {
        return Ok(check);
    }
    let embedder = backends::embedder(context, None).await?;
    embedder.embed(&["docent".to_owned()], TextRole::Query).await?;
    let id = embedder.id();
    let place = match &context.settings.embedding.model {
        EmbeddingModel::Builtin => String::new(),
        EmbeddingModel::Onnx(dir) => {
            format!(" ({}) in {}", id.revision, dir.display())
        }
        EmbeddingModel::Hub(_) => format!(" ({})", id.revision),
        EmbeddingModel::OpenAi(_) => {
            format!(" at {}", without_credentials(&context.settings.embedding.endpoint.base_url))
        }
    };
    Ok(Check::fine("embedder", format!("{}{place}, {} dimensions", id.name, id.dimensions)))
}

async fn check_reranker(context: &Context, rerank: &RerankSettings) -> Result<Check, Failure> {
    if let Some(check) = not_here("reranker", context, Purpose::Rerank).await? {
        return Ok(check);
    }
    let reranker = backends::reranker(context, rerank, once(context)).await?;
    reranker.score("docent", &["docent".to_owned()]).await?;
    let asked = reranking(rerank, reranker.kind());
    let RerankerId { name, revision, endpoint } = reranker.id();
    let place = match (&rerank.model, endpoint) {
        (RerankModel::Onnx(dir), _) => {
            format!(" ({}) in {}", revision.as_deref().unwrap_or_default(), dir.display())
        }
        (RerankModel::Hub(_), _) => format!(" ({})", revision.as_deref().unwrap_or_default()),
        (RerankModel::Endpoint { .. }, Some(url)) if url != name => format!(" at {url}"),
        (RerankModel::Endpoint { .. }, _) => String::new(),
    };
    Ok(Check::fine(
        "reranker",
        format!("{name}{place}, for the first {}", counted(asked.candidates, "hit")),
    ))
}

async fn check_chat(context: &Context) -> Result<Check, Failure> {
    let chat = &context.settings.chat;
    let Some(model) = &chat.model else {
        let mut check = Check::fine("chat", "extractive: answers are quoted from the passages");
        check.hint = Some(
            "for generated answers: docent query --model MODEL --base-url URL (or DOCENT_MODEL, OPENAI_BASE_URL, OPENAI_API_KEY)".to_owned(),
        );
        return Ok(check);
    };
    check_model("chat", model, &chat.endpoint, chat.timeout).await
}

async fn check_verifier(context: &Context, verify: &VerifySettings) -> Result<Check, Failure> {
    if let Some(check) = not_here("verify", context, Purpose::Verify).await? {
        return Ok(check);
    }
    match (&verify.model, backends::verifier(context, verify).await?) {
        (VerifyModel::Chat { model, endpoint }, _) => {
            check_model("verify", model, endpoint, verify.timeout).await
        }
        (VerifyModel::Onnx(dir), VerifierModel::Entailment(model)) => {
            let (name, revision) = (model.name(), model.revision());
            Ok(Check::fine("verify", format!("{name} ({revision}) in {}", dir.display())))
        }
        (VerifyModel::Hub(_), VerifierModel::Entailment(model)) => {
            Ok(Check::fine("verify", format!("{} ({})", model.name(), model.revision())))
        }
        (VerifyModel::Onnx(_) | VerifyModel::Hub(_), VerifierModel::Chat(model)) => {
            Ok(Check::fine("verify", model.name()))
        }
    }
}

/// Checks whether an endpoint has a chat model.
async fn check_model(
    name: &'static str,
    model: &str,
    endpoint: &Endpoint,
    timeout: Duration,
) -> Result<Check, Failure> {
    let place = without_credentials(&endpoint.base_url);
    let models = openai::models(
        ExternalService::Chat,
        &endpoint.base_url,
        endpoint.api_key.as_deref(),
        endpoint.key_header.as_deref(),
        timeout,
    )
    .await?;
    let mut check = Check::fine(name, format!("{model} at {place}"));
    if !models.is_empty() && !models.iter().any(|listed| listed == model) {
        check.message = format!("{place} answers, but does not list `{model}`");
        check.hint = Some(format!(
            "it lists {}",
            models.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(check)
}

/// Looks for an Ollama that runs here and is not configured.
async fn look_for_ollama(context: &Context) -> Option<Check> {
    let host = std::env::var("OLLAMA_HOST").ok().filter(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| "127.0.0.1:11434".to_owned());
    let host =
        host.trim_start_matches("http://").trim_end_matches('/').replace("0.0.0.0", "127.0.0.1");
    let base_url = format!("http://{host}/v1");
    if context.settings.chat.model.is_some() && context.settings.chat.endpoint.base_url == base_url
    {
        return None;
    }
    let models = openai::models(ExternalService::Chat, &base_url, None, None, GLANCE).await.ok()?;
    let count = counted(models.len(), "model");
    let mut check = Check::fine("ollama", format!("an Ollama runs at {base_url} with {count}"));
    check.hint = Some(match models.first() {
        Some(model) => {
            format!("use it: docent query --model {model} --base-url {base_url} QUESTION")
        }
        None => "download a model first: ollama pull llama3.2".to_owned(),
    });
    Some(check)
}

/// Looks for a Qdrant that runs here and is not configured.
async fn look_for_qdrant(context: &Context) -> Option<Check> {
    if context.settings.qdrant.url.is_some() {
        return None;
    }
    let url = "http://127.0.0.1:6334".to_owned();
    let mut settings = context.settings.clone();
    settings.qdrant = QdrantSettings {
        url: Some(url.clone()),
        api_key: None,
        timeout: GLANCE,
        ..settings.qdrant
    };
    let server = backends::server(&settings, once(context)).ok()?;
    let version = tokio::time::timeout(GLANCE, server.health()).await.ok()?.ok()?;
    let mut check = Check::fine("qdrant", format!("a Qdrant {version} runs at {url}"));
    check.hint = Some(format!("use it: docent ingest --qdrant-url {url} PATH"));
    Some(check)
}
