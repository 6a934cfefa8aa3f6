//! What an engine is opened with.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::changes::make_private;
use super::project::Project;
use crate::error::{Exit, Failure};
use crate::hub::Hub;
use crate::record::Recording;
use crate::settings::{OcrModelChoice, RerankModel, SettingOrigin, Settings, VerifyModel};
use crate::types::{ContentHash, Site, UPLOADS, is_upload_id};

/// Name of the socket in a data directory.
pub const SOCKET: &str = "serve.sock";

/// The project and its settings.
#[derive(Clone)]
pub struct Context {
    pub settings: Settings,
    pub cwd: PathBuf,
    /// Sources are relative to it: the nearest ancestor with a `docent.toml` or a `.docent`, or
    /// the working directory.
    pub root: PathBuf,
    /// Directory of the embedded store.
    pub data_dir: PathBuf,
    /// Absolute paths and globs outside of the root that the user has named in this project.
    pub outside: Vec<PathBuf>,
    /// Pages of the web that the user has named in this project; `None`: whatever the collection
    /// names, since the project is trusted.
    pub sites: Option<Vec<Site>>,
    /// Name that the system has for the user who runs this.
    pub user: Option<String>,
    /// Name of the project on a Qdrant server; `None` where collections are embedded.
    pub project: Option<Project>,
    /// The exchanges with models, where they are recorded or replayed.
    pub tape: Arc<Recording>,
    /// The hub from which models are fetched by name.
    pub hub: Hub,
}

impl Context {
    /// Directory of the files that were uploaded to a server of this data directory.
    pub fn uploads(&self) -> PathBuf {
        self.data_dir.join(UPLOADS)
    }

    /// Path of the file of an upload, whether it exists or not; `None` if `id` is not an id of an
    /// upload.
    pub fn upload(&self, id: &str) -> Option<PathBuf> {
        is_upload_id(id).then(|| self.uploads().join(id))
    }

    /// The socket on which a server of this project listens for other processes of its owner.
    pub fn socket(&self) -> PathBuf {
        self.data_dir.join(SOCKET)
    }

    /// Creates the data directory if there is none.
    ///
    /// # Errors
    /// It can't be created.
    pub fn make_data_dir(&self) -> io::Result<()> {
        make_private(&self.data_dir)
    }

    /// A digest of the release, the project and every setting that concerns questions: processes with
    /// the same digest retrieve and answer alike.
    pub fn reading_digest(&self) -> String {
        const OF_OTHER_WORK: &[&str] = &[
            "serve.",
            "index.",
            "ingest.",
            "web.",
            "ocr.",
            "trace.",
            "collection",
            "wait",
            "hub.token",
            "hub.no_download",
        ];
        let rows = self.settings.resolved.iter();
        let rows = rows.filter(|row| !OF_OTHER_WORK.iter().any(|it| row.key.name.starts_with(it)));
        let rows: Vec<_> = rows.map(|row| (row.key.name, &row.value)).collect();
        let (release, root) = (env!("CARGO_PKG_VERSION"), self.root.to_string_lossy());
        let parts = json!([release, root, self.settings.serve.collections, rows]);
        ContentHash::of(parts.to_string().as_bytes()).0
    }

    /// Whether answers are quoted in this process, since no chat model is configured.
    pub fn quotes(&self) -> bool {
        self.settings.chat.model.is_none()
    }

    /// A nonce for the prompts of a question, which no document can know: twelve random letters. With
    /// digits, the number of tokens would differ from run to run. A replay uses the nonce of its
    /// recording.
    pub fn nonce(&self, question: &str) -> Result<String, Failure> {
        let random = uuid::Uuid::now_v7().as_u128();
        let letter = |at: u32| char::from(b'a' + (random >> (4 * at) & 0xf) as u8);
        let nonce: String = (0..12).map(letter).collect();
        Ok(self.tape.value("nonce", question, nonce)?)
    }

    /// Every configured key. None of them is ever written anywhere.
    pub fn secrets(&self) -> Vec<String> {
        let settings = &self.settings;
        let keys = [
            &settings.embedding.endpoint.api_key,
            &settings.chat.endpoint.api_key,
            &settings.qdrant.api_key,
            &settings.hub.token,
        ];
        let reranker = match settings.rerank.as_ref().map(|rerank| &rerank.model) {
            Some(RerankModel::Endpoint { endpoint, .. }) => endpoint.api_key.as_ref(),
            _ => None,
        };
        let verifier = match settings.verify.as_ref().map(|verify| &verify.model) {
            Some(VerifyModel::Chat { endpoint, .. }) => endpoint.api_key.as_ref(),
            _ => None,
        };
        let ocr = match &settings.ocr.model {
            OcrModelChoice::OpenAi { endpoint, .. } => endpoint.api_key.as_ref(),
            _ => None,
        };
        let keys = keys.into_iter().flatten().chain(reranker).chain(verifier).chain(ocr);
        keys.cloned().collect()
    }

    /// Sets the default collection for a command that ingests: on a server it is the project's own,
    /// even if the name of the project is not kept yet. Before that, a command that only reads could
    /// find nothing there.
    pub fn name_collection(&mut self) {
        if let Some(project) = &self.project {
            self.settings.take_default_collection(&project.name);
        }
    }

    /// Whether the setting has its default value.
    pub fn is_default(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| *origin == SettingOrigin::Default)
    }

    /// The exit code for a value that cannot be used: a value that was typed is wrong usage.
    pub fn exit_for(&self, name: &str) -> Exit {
        if self.is_typed(name) { Exit::Usage } else { Exit::Config }
    }

    /// Whether the setting was given as a flag.
    pub fn is_typed(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| *origin == SettingOrigin::Flag)
    }

    /// Whether the setting was given as a flag or by a variable: docent, started elsewhere, would have
    /// neither.
    pub fn is_of_this_run(&self, name: &str) -> bool {
        self.origin(name)
            .is_some_and(|origin| matches!(origin, SettingOrigin::Flag | SettingOrigin::Env(_)))
    }

    fn origin(&self, name: &str) -> Option<&SettingOrigin> {
        let row = self.settings.resolved.iter().find(|row| row.key.name == name);
        row.map(|row| &row.origin)
    }
}
