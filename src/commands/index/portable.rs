//! `docent index export` and `docent index import`.

use std::io;
use std::path::Path;

use crate::cli::Format;
use crate::commands::{Context, on_interrupt, open};
use crate::error::{Exit, Failure};
use crate::output::IndexFile;
use crate::output::humanize::counted;
use crate::service::compatibility;
use crate::service::portable::{ImportPackage, PortableReport};
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;
use crate::ui::sanitize::sanitize_line;

/// Standard input, or standard output.
const STREAM: &str = "-";

pub(super) async fn export(ui: &mut Ui, context: Context, file: &Path) -> Result<Exit, Failure> {
    let out = if file == Path::new(STREAM) { Some(ui.binary()?) } else { None };
    let engine = open(ui, context)?;
    let cancel = on_interrupt();
    let mut progress = Progress::new(ui, "exported");
    let mut on = |done, all| progress.on(done, all);
    let ported = match out {
        None => engine.export_file(file, &cancel, &mut on).await?,
        Some(out) => engine.export(out, &cancel, &mut on).await?.1,
    };
    drop(progress);
    let collection = &engine.context.settings.collection;
    if file == Path::new(STREAM) {
        // Standard output is the file.
        ui.note(&said(&ported, "exported", collection));
        return Ok(Exit::Done);
    }
    report(ui, &ported, "exported", collection, file)
}

pub(super) async fn import(
    ui: &mut Ui,
    mut context: Context,
    file: &Path,
    replace: bool,
) -> Result<Exit, Failure> {
    context.name_collection();
    let package = if file == Path::new(STREAM) {
        ImportPackage::Stream(Box::new(io::stdin()))
    } else {
        ImportPackage::File(file.to_owned())
    };
    let engine = open(ui, context)?;
    let cancel = on_interrupt();
    let mut progress = Progress::new(ui, "imported");
    let ported =
        engine.import(package, replace, &cancel, &mut |done, all| progress.on(done, all)).await?;
    drop(progress);
    let settings = &engine.context.settings;
    report(ui, &ported, "imported", &settings.collection, file)?;
    if ported.resumed > 0 {
        let chunks = counted(ported.resumed as usize, "chunk");
        ui.note(&format!(
            "an earlier import, which was cut off, had stored {chunks} of it: they were compared and kept"
        ));
    }
    for note in &ported.notes {
        ui.note(note);
    }
    if !compatibility::embeds_with(settings, &ported.embedder) {
        let name = &ported.embedder.name;
        ui.note(&format!("to search it, use the embedder that built it: --embedder {name}"));
    }
    Ok(Exit::Done)
}

/// Progress of an export or import.
struct Progress {
    waiting: WaitSpinner,
    done: &'static str,
}

impl Progress {
    fn new(ui: &Ui, done: &'static str) -> Self {
        Self { waiting: WaitSpinner::new(ui, "reading"), done }
    }

    fn on(&mut self, done: u64, all: u64) {
        let all = counted(all as usize, "chunk");
        self.waiting.say(&format!("{} {done} of {all}", self.done));
    }
}

fn said(ported: &PortableReport, done: &str, collection: &str) -> String {
    let documents = counted(ported.documents as usize, "document");
    let chunks = counted(ported.chunks as usize, "chunk");
    let bytes = counted(ported.bytes as usize, "byte");
    format!("{done} {collection}: {documents}, {chunks}, {bytes}, sha256 {}", ported.digest)
}

fn report(
    ui: &mut Ui,
    ported: &PortableReport,
    done: &str,
    collection: &str,
    file: &Path,
) -> Result<Exit, Failure> {
    if ui.format == Format::Text {
        ui.data(&format!("{}\n", sanitize_line(&said(ported, done, collection))))?;
        return Ok(Exit::Done);
    }
    let PortableReport { documents, failures, chunks, resumed, bytes, digest, embedder, .. } =
        ported.clone();
    ui.json(IndexFile {
        collection: collection.to_owned(),
        file: (file != Path::new(STREAM)).then(|| file.display().to_string()),
        documents,
        failures,
        chunks,
        resumed: (resumed > 0).then_some(resumed),
        bytes,
        digest: digest.to_string(),
        embedder,
    })?;
    Ok(Exit::Done)
}
