//! Whether a project may write a collection on a server, and which documents in it are its own.
//!
//! A collection belongs to the project that created it. Another project is refused before any work,
//! unless it adds documents beside the owner's (`--share`). A collection that was created before
//! collections had owners goes to the first project that has most of its documents.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Arc;

use super::backends;
use super::changes::ChangeCommand;
use super::context::Context;
use super::engine::Engine;
use super::project::Project;
use super::sync::{SyncInputs, SyncOptions};
use crate::error::{Failure, Fault, shell_word};
use crate::settings::DEFAULT_COLLECTION;
use crate::store::{
    AdoptedVersion, Collection as _, CollectionReader, CollectionWriter, ProjectView, VectorStore,
    exclusively,
};
use crate::types::{DocumentRecord, GuestProject, Manifest, Ownership};

/// The part of a collection that the project may write.
pub(super) struct OwnedCollection {
    pub(super) writer: Arc<dyn CollectionWriter>,
    /// Documents of other projects in the collection: source and project.
    pub(super) taken: HashMap<String, String>,
}

impl Engine {
    /// The project's part of the collection, to write it.
    ///
    /// # Errors
    /// The collection is another project's, or its owner is not known.
    pub(super) async fn own(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        inputs: &SyncInputs,
        options: &SyncOptions,
    ) -> Result<OwnedCollection, Failure> {
        let Some(project) = &self.context.project else {
            if options.share {
                let message = "--share needs a collection on a Qdrant server";
                return Err(Failure::usage(message).hint("name one with --qdrant-url"));
            }
            return Ok(OwnedCollection { writer: Arc::clone(writer), taken: HashMap::new() });
        };
        let manifest = writer.manifest().await?;
        let part = self.part(project, manifest.as_ref(), &**writer, inputs, options).await?;
        project.keep()?;
        let taken = part.others().map(|(source, whose)| (source.to_owned(), whose.to_owned()));
        let taken = taken.collect();
        let claims = manifest.filter(|manifest| manifest.owner != *part.ownership());
        let writer = part.written(Arc::clone(writer));
        // Written at once: a run that finds nothing to do writes nothing else.
        if claims.is_some() {
            let said = exclusively(&*writer, async {
                match writer.manifest().await? {
                    Some(own) => writer.put_manifest(&own).await,
                    None => Ok(()),
                }
            });
            said.await?;
        }
        Ok(OwnedCollection { writer, taken })
    }

    /// The same to read it; also returns the documents of other projects.
    pub(super) async fn own_reader(
        &self,
        reader: Option<CollectionReader>,
        inputs: &SyncInputs,
        options: &SyncOptions,
    ) -> Result<(Option<CollectionReader>, HashMap<String, String>), Failure> {
        let Some(project) = &self.context.project else { return Ok((reader, HashMap::new())) };
        let Some(reader) = reader else {
            self.former_default(project, inputs).await?;
            return Ok((None, HashMap::new()));
        };
        let manifest = Some(&**reader.manifest());
        let part = self.part(project, manifest, &**reader.store(), inputs, options).await?;
        let taken = part.others().map(|(source, whose)| (source.to_owned(), whose.to_owned()));
        Ok((Some(part.clone().read(&reader)), taken.collect()))
    }

    /// The whole collection, to replace it.
    ///
    /// # Errors
    /// The collection is another project's, has documents of others, or its owner is not known.
    pub(super) async fn own_whole(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        flag: &str,
    ) -> Result<Arc<dyn CollectionWriter>, Failure> {
        let Some(project) = &self.context.project else { return Ok(Arc::clone(writer)) };
        project.check()?;
        let manifest = writer.manifest().await?;
        let owner = manifest.as_ref().map(|manifest| manifest.owner.clone());
        let owner = owner.unwrap_or_else(|| Ownership::of(&project.name));
        if !owner.is_owner(&project.name) {
            return Err(self.not_ours(&owner, project).hint(
                "name another with --collection; if it is this project's, or the other project is gone, docs/sharing.md says how to adopt it",
            ));
        }
        let part = ProjectView::of(&project.name, owner, manifest.as_ref(), &**writer).await?;
        if let Some(manifest) = &manifest {
            self.may_rebuild(project, manifest, &part, flag)?;
        }
        project.keep()?;
        Ok(part.written(Arc::clone(writer)))
    }

    async fn part(
        &self,
        project: &Project,
        manifest: Option<&Manifest>,
        store: &dyn VectorStore,
        inputs: &SyncInputs,
        options: &SyncOptions,
    ) -> Result<ProjectView, Failure> {
        project.check()?;
        let Some(manifest) = manifest else {
            self.former_default(project, inputs).await?;
            let owner = Ownership::of(&project.name);
            return Ok(ProjectView::of(&project.name, owner, None, store).await?);
        };
        let mut owner = manifest.owner.clone();
        if owner.project.is_none() && !owner.is_guest(&project.name) && !options.share {
            let found = Found::of(&self.context, inputs, &store.documents().await?);
            if !found.is_most() {
                return Err(self.unowned(&found));
            }
            owner.take_over(&project.name);
        }
        if !owner.is_owner(&project.name) {
            self.join(&mut owner, project, options)?;
        }
        let part = ProjectView::of(&project.name, owner, Some(manifest), store).await?;
        self.check_sole_owner(&part, options)?;
        if let Some(flag) = options.builds_by() {
            self.may_rebuild(project, manifest, &part, flag)?;
        }
        Ok(part)
    }

    /// Makes the project one of those that add documents beside the owner's.
    fn join(
        &self,
        owner: &mut Ownership,
        project: &Project,
        options: &SyncOptions,
    ) -> Result<(), Failure> {
        let name = &project.name;
        if owner.is_guest(name) {
            return Ok(());
        }
        if owner.formerly.contains(name) {
            return Err(self.not_ours(owner, project).hint(
                "the documents that this project ingested belong to that project now; use another --collection, or take it back: docent index adopt --from PROJECT",
            ));
        }
        if !options.share {
            return Err(self.not_ours(owner, project));
        }
        owner.guests.push(GuestProject { project: name.clone(), ..GuestProject::default() });
        Ok(())
    }

    fn not_ours(&self, owner: &Ownership, project: &Project) -> Failure {
        let (collection, name) = (&self.context.settings.collection, &project.name);
        let whose = owner.project.as_deref().unwrap_or("another one");
        Failure::config(format!(
            "collection `{collection}` belongs to the project `{whose}`, and this is the project `{name}`"
        ))
        .hint(format!(
            "name another with --collection; or add documents beside theirs with --share, where each project deletes only its own; or, if this is the same project, set `project = \"{whose}\"` in docent.toml, or DOCENT_PROJECT"
        ))
    }

    fn unowned(&self, found: &Found) -> Failure {
        let collection = &self.context.settings.collection;
        Failure::config(format!(
            "collection `{collection}` was created before collections had owners, and of its {} documents {} are unchanged in this project: it may belong to another",
            found.documents, found.here
        ))
        .hint(format!(
            "if it is this project's: docent index adopt --collection {}; otherwise name another with --collection, or add documents beside theirs with --share",
            shell_word(collection)
        ))
    }

    /// Refuses a rebuild of a shared collection, which would only have the documents of this project.
    fn may_rebuild(
        &self,
        project: &Project,
        manifest: &Manifest,
        part: &ProjectView,
        flag: &str,
    ) -> Result<(), Failure> {
        let others = part.others().count();
        if others == 0 && manifest.owner.project.as_ref().is_none_or(|it| *it == project.name) {
            return Ok(());
        }
        let collection = &self.context.settings.collection;
        let documents = if others == 1 { "document" } else { "documents" };
        Err(Failure::config(format!(
            "collection `{collection}` is shared with other projects, and {flag} would leave out their {others} {documents}"
        ))
        .hint("build another one with --collection, and let each project ingest its documents"))
    }

    /// The default name of a collection on a server was once the same for all projects. If that
    /// collection is this project's, no other one is begun without a word.
    async fn former_default(&self, project: &Project, inputs: &SyncInputs) -> Result<(), Failure> {
        let (context, name) = (&self.context, &project.name);
        let is_own = context.settings.collection == *name && context.is_default("collection");
        if !is_own || name == DEFAULT_COLLECTION {
            return Ok(());
        }
        let mut settings = context.settings.clone();
        settings.take_collection(DEFAULT_COLLECTION);
        let former = backends::server(&settings, backends::retry_policy(&settings))?;
        let former = match former.read().await {
            // A collection of that name that is not docent's does not matter here.
            Err(error) if error.fault == Fault::Taken => return Ok(()),
            former => former?,
        };
        let Some(former) = former else { return Ok(()) };
        let owner = &former.manifest().owner;
        if !owner.is_nobodys() && !owner.is_owner(name) {
            return Ok(());
        }
        let found = Found::of(context, inputs, &former.documents().await?);
        if found.documents == 0 || !found.is_most() {
            return Ok(());
        }
        Err(Failure::config(format!(
            "the default collection on a server is the project's own now (`{name}`), and the documents of this project are in `{DEFAULT_COLLECTION}`, which was the default before"
        ))
        .hint(format!(
            "to keep it: --collection {DEFAULT_COLLECTION}, or `collection = \"{DEFAULT_COLLECTION}\"` in docent.toml; to start over: --collection {name}"
        )))
    }

    /// Makes the project the owner of the collection: of one without an owner, one of the project
    /// `from`, or one that has lost its name.
    ///
    /// # Errors
    /// There is no collection, it is another project's, or the server fails.
    pub async fn adopt(&self, from: Option<&str>) -> Result<AdoptedVersion, Failure> {
        let (context, settings) = (&self.context, &self.context.settings);
        let Some(project) = &context.project else {
            let message = "a collection in a data directory is the project's own already";
            return Err(Failure::usage(message).hint("name a server with --qdrant-url"));
        };
        project.check()?;
        let server = backends::server(settings, backends::retry_policy(settings))?;
        let server = server.wait(settings.wait);
        let adopting = Box::pin(server.adopt(|manifest| {
            let owner = &mut manifest.owner;
            let whose = owner.project.clone().filter(|whose| *whose != project.name);
            match whose {
                Some(whose) if from != Some(whose.as_str()) => {
                    let failure = self.not_ours(owner, project);
                    Err(failure.hint(format!(
                        "if that project is gone, or is this one: docent index adopt --collection {} --from {}; otherwise name another with --collection",
                        shell_word(&settings.collection),
                        shell_word(&whose)
                    )))
                }
                _ => {
                    project.keep()?;
                    owner.take_over(&project.name);
                    Ok(())
                }
            }
        }));
        self.noted(ChangeCommand::Adopt, async || adopting.await).await
    }
}

/// How many documents of a collection are found in the project.
struct Found {
    documents: usize,
    here: usize,
}

impl Found {
    /// Counts a file if one of its name and size is here, and a page or an inline document if it is
    /// named now.
    fn of(context: &Context, inputs: &SyncInputs, documents: &[DocumentRecord]) -> Self {
        let named: HashSet<&str> =
            inputs.starts.iter().map(crate::ingest::web::CrawlSeed::source).collect();
        let inline = inputs.inline.iter().flat_map(|inline| &inline.documents);
        let inline: HashSet<&str> = inline.map(|document| document.source.as_str()).collect();
        let is_here = |record: &&DocumentRecord| match &record.web {
            Some(web) => named.contains(web.root.as_str()),
            None if record.is_file() => fs::metadata(context.root.join(&record.source))
                .is_ok_and(|file| file.is_file() && file.len() == record.size),
            None => inline.contains(record.source.as_str()),
        };
        Self { documents: documents.len(), here: documents.iter().filter(is_here).count() }
    }

    /// Also true if there are no documents.
    fn is_most(&self) -> bool {
        self.documents == 0 || self.here * 2 > self.documents
    }
}
