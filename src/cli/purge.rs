//! What `purge` takes.

use clap::{Arg, Args};

use super::flags::flag_as;

/// Delete documents from every version of the collection, and prove that they are gone
///
/// Their chunks, records and failures are deleted from the live version, former versions and
/// candidates, in either store. So is what docent keeps of their text elsewhere: uploads, and the
/// recordings and records of answers that settings or flags name. A document has to meet all conditions
/// that are given. Afterwards, what is left is counted, and the files of an embedded collection are
/// searched for the text. The purge is noted, without any text, in changes.jsonl of the data directory,
/// like every change (`docent audit`). A purge that was killed is completed by the same command. In a
/// pipeline, confirm it with --yes.
#[derive(Args, Debug)]
#[command(args = places())]
pub struct PurgeArgs {
    /// Only documents at this path, in this directory, or that match this glob (repeatable: one of
    /// them must match)
    #[arg(long = "source", value_name = "PATH|GLOB", id = "purged_source")]
    pub sources: Vec<String>,
    /// Only documents that have this tag in any version (repeatable: documents must have all of
    /// them)
    #[arg(long = "tag", value_name = "TAG", id = "purged_tag")]
    pub tags: Vec<String>,
    /// Only documents that were ingested, or changed, longer ago than this: 90d, 12h, 6w, 1y; or
    /// before a date or a time
    #[arg(long, value_name = "AGE|TIME", allow_hyphen_values = true)]
    pub older_than: Option<String>,
    /// Print what would be deleted, and delete nothing
    #[arg(long, id = "purge_dry_run")]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
}

/// Flags that name files which docent keeps beside the collections.
fn places() -> [Arg; 2] {
    [
        flag_as("record", "Also delete them from this recording of exchanges with models"),
        flag_as(
            "trace.path",
            "Also delete them from this file or directory with records of answers",
        ),
    ]
}
