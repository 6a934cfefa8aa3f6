//! What `purge` takes.

use clap::{Arg, Args};

use super::flags::flag_as;

/// Forget documents: take them out of every version of the collection, and prove it
///
/// Their chunks, records and failures go from the live version, former ones and those that were built, on either
/// store, and what docent itself keeps of their text elsewhere: recordings and records of answers that settings or
/// flags name, and uploads. All conditions that are given must hold. Afterwards what is left is
/// counted, and the files of an embedded collection are searched for the text. It is noted, without any text, in
/// changes.jsonl of the data directory, as every change (`docent audit`). One that was killed is completed by the same
/// command. In a pipeline, --yes says that it is meant.
#[derive(Args, Debug)]
#[command(args = places())]
pub struct PurgeArgs {
    /// Only documents at this path, in this directory, or that match this glob (repeatable: one of them has to
    /// match)
    #[arg(long = "source", value_name = "PATH|GLOB", id = "purged_source")]
    pub sources: Vec<String>,
    /// Only documents that have this tag, in any version (repeatable: all of them)
    #[arg(long = "tag", value_name = "TAG", id = "purged_tag")]
    pub tags: Vec<String>,
    /// Only documents that were brought in, or changed, longer ago than this: 90d, 12h, 6w, 1y; or before a
    /// date or a time
    #[arg(long, value_name = "AGE|TIME", allow_hyphen_values = true)]
    pub older_than: Option<String>,
    /// Print what would go, and do nothing
    #[arg(long, id = "purge_dry_run")]
    pub dry_run: bool,
    /// Do not ask: it is meant
    #[arg(long, short)]
    pub yes: bool,
}

/// Of what docent keeps beside the collections.
fn places() -> [Arg; 2] {
    [
        flag_as("record", "Recording of exchanges with models to take it out of, too"),
        flag_as("trace.path", "File or directory with records of answers to take it out of, too"),
    ]
}
