//! What an engine is opened with.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::changes::make_private;
use super::project::Project;
use crate::error::{Exit, Failure};
use crate::hub::Hub;
use crate::record::Tape;
use crate::settings::{OcrModelChoice, Origin, RerankModel, Settings, VerifyModel};
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
    /// Of the embedded store.
    pub data_dir: PathBuf,
    /// Absolute paths and globs outside of the root that the user has named in this project.
    pub outside: Vec<PathBuf>,
    /// Pages of the web that the user has named in this project; `None`: whatever the collection
    /// names, since the project is trusted.
    pub sites: Option<Vec<Site>>,
    /// What the system calls whoever runs this.
    pub user: Option<String>,
    /// What the project is called on a Qdrant server; `None` where collections are embedded.
    pub project: Option<Project>,
    /// The exchanges with models, where they are recorded or replayed.
    pub tape: Arc<Tape>,
    /// Where models come from that have only a name.
    pub hub: Hub,
}

impl Context {
    /// Where files are kept that were uploaded to a server of this data directory.
    pub fn uploads(&self) -> PathBuf {
        self.data_dir.join(UPLOADS)
    }

    /// The file of an upload, whether it is there or not; `None` where `id` is not one.
    pub fn upload(&self, id: &str) -> Option<PathBuf> {
        is_upload_id(id).then(|| self.uploads().join(id))
    }

    /// Where a server of this project listens for other processes of its owner.
    pub fn socket(&self) -> PathBuf {
        self.data_dir.join(SOCKET)
    }

    /// Makes the data directory where there is none.
    ///
    /// # Errors
    /// It can't be made.
    pub fn make_data_dir(&self) -> io::Result<()> {
        make_private(&self.data_dir)
    }

    /// Two processes that find and answer alike have the same: a digest of the release, of the project and
    /// of every setting but those of other work.
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

    /// Answers are quoted, in this process: no chat model is configured.
    pub fn quotes(&self) -> bool {
        self.settings.chat.model.is_none()
    }

    /// Something no document can know, for the prompts of a question: twelve random letters. Digits
    /// among them would make a prompt longer in one run than in the next. A replay has that of its
    /// recording.
    pub fn nonce(&self, question: &str) -> Result<String, Failure> {
        let random = uuid::Uuid::now_v7().as_u128();
        let letter = |at: u32| char::from(b'a' + (random >> (4 * at) & 0xf) as u8);
        let nonce: String = (0..12).map(letter).collect();
        Ok(self.tape.value("nonce", question, nonce)?)
    }

    /// Every key that is configured: none of them is ever written anywhere.
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

    /// For a command that brings documents in: the default collection on a server is the project's own,
    /// also where its name is not kept yet. One that only asks can find nothing there before.
    pub fn name_collection(&mut self) {
        if let Some(project) = &self.project {
            self.settings.take_default_collection(&project.name);
        }
    }

    /// Nobody chose a value for the setting.
    pub fn is_default(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| *origin == Origin::Default)
    }

    /// Whose fault a value that cannot be used is: one that was typed is wrong usage.
    pub fn fault_of(&self, name: &str) -> Exit {
        if self.is_typed(name) { Exit::Usage } else { Exit::Config }
    }

    /// It was given as a flag.
    pub fn is_typed(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| *origin == Origin::Flag)
    }

    /// It was given as a flag, or by a variable: whoever starts docent elsewhere has neither.
    pub fn is_of_this_run(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| matches!(origin, Origin::Flag | Origin::Env(_)))
    }

    fn origin(&self, name: &str) -> Option<&Origin> {
        let row = self.settings.resolved.iter().find(|row| row.key.name == name);
        row.map(|row| &row.origin)
    }
}
