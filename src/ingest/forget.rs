//! Inputs of earlier runs that are to be forgotten.

use std::collections::HashSet;

use super::discover::{DiscoverError, DiscoverOptions, Root, former_source};
use super::web::CrawlSeed;
use crate::error::shell_word;
use crate::types::{CrawlReach, DocumentRecord, FailureRecord, Manifest};

/// Paths of earlier runs that later runs are not to look at.
#[derive(Default, Debug)]
pub(super) struct ForgottenInputs {
    /// Roots and sites, as the manifest names them.
    pub(super) roots: HashSet<String>,
    /// Documents that were ingested from these roots, and from no root that stays.
    pub(super) documents: Vec<String>,
    pub(super) failures: Vec<String>,
}

impl ForgottenInputs {
    /// `typed`: paths relative to the working directory, globs and URLs, as they were once typed.
    pub(super) fn of(
        typed: &[String],
        options: &DiscoverOptions,
        manifest: Option<&Manifest>,
        records: &[DocumentRecord],
        failures: &[FailureRecord],
    ) -> Result<Self, DiscoverError> {
        let known: Vec<&str> = manifest.into_iter().flat_map(names).collect();
        let mut roots = HashSet::new();
        for input in typed {
            let name = meant(input, options, &known).ok_or_else(|| {
                let known = known.iter().map(|name| (*name).to_owned()).collect();
                DiscoverError::NotRemembered { input: input.clone(), known }
            })?;
            roots.insert(name);
        }
        let stays = |name: &&&str| !roots.contains(**name);
        let root = |name: &str| Root::named(name, &options.root);
        let kept: Vec<Root> = known.iter().filter(stays).filter_map(|name| root(name)).collect();
        let gone: Vec<Root> = roots.iter().filter_map(|name| root(name)).collect();
        let goes = |source: &str| {
            gone.iter().any(|root| root.holds(source))
                && !kept.iter().any(|root| root.holds(source))
        };
        let documents = records.iter().filter(|record| match &record.web {
            Some(web) => {
                roots.contains(&web.root) && !kept.iter().any(|it| it.holds(&record.source))
            }
            None => record.is_file() && goes(&record.source),
        });
        let documents = documents.map(|record| record.source.clone()).collect();
        let failures = failures.iter().filter(|failure| goes(&failure.source));
        let failures = failures.map(|failure| failure.source.clone()).collect();
        Ok(Self { roots, documents, failures })
    }
}

fn names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let sites = manifest.sites.iter().map(|site| site.url.as_str());
    manifest.roots.iter().map(String::as_str).chain(sites)
}

/// The root that an input was recorded as when it was named.
fn meant(input: &str, options: &DiscoverOptions, known: &[&str]) -> Option<String> {
    let source = former_source(input, &options.root, options);
    let source = source.map(|source| if source.is_empty() { ".".to_owned() } else { source });
    let there = std::fs::canonicalize(options.cwd.join(input)).ok();
    let there = there.and_then(|path| former_source(path.to_str()?, &options.root, options));
    let url =
        CrawlSeed::parse(input, CrawlReach::default()).ok().map(|start| start.source().to_owned());
    let meant = [Some(input.to_owned()), source, there, url].into_iter().flatten();
    meant.into_iter().find(|name| known.contains(&name.as_str()))
}

/// Sources that were named, are not files, and never were ingested as files.
pub(super) fn refused(no_files: &[String], records: &[DocumentRecord]) -> HashSet<String> {
    let known: HashSet<&str> = records.iter().map(|record| record.source.as_str()).collect();
    no_files.iter().filter(|source| !known.contains(source.as_str())).cloned().collect()
}

/// Hint on the report's row of an input that fails in every run.
pub(super) fn advice(source: &str) -> String {
    format!("; or forget it: docent ingest --forget {}", shell_word(source))
}
