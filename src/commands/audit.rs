//! `docent audit`: whether the lines that a server kept are those that it wrote.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::{AuditArgs, AuditCommand, Format};
use crate::error::{Exit, Failure};
use crate::output::words::counted;
use crate::serve::audit::{Broken, Verified, verify};
use crate::ui::Ui;

/// All lines are as they were written.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verified")]
pub(super) struct Report<'a> {
    /// True: what was changed is an error.
    ok: bool,
    /// Oldest first.
    files: Vec<String>,
    /// How many there are.
    lines: u64,
    /// Number of the first line that is here.
    first: u64,
    /// Number of the last one.
    last: Option<u64>,
    /// As it stands in the last line.
    hash: Option<&'a str>,
    /// It is known that no line is missing after the last one.
    end_is_known: bool,
}

pub(super) fn run(ui: &mut Ui, args: &AuditArgs) -> Result<Exit, Failure> {
    let AuditCommand::Verify { file } = &args.command;
    let name = file.display();
    let verified = verify(file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let verified = verified.map_err(|Broken { file, line, problem }| {
        let name = file.display();
        Failure::new(Exit::Negative, format!("{name}: line {line}: {problem}"))
            .hint("compare it with a copy: no line before this one was changed")
    })?;
    if ui.format == Format::Text {
        ui.data(&words(&name.to_string(), &verified))?;
    } else {
        ui.json(Report {
            ok: true,
            files: verified.files.iter().map(|file| file.display().to_string()).collect(),
            lines: verified.lines,
            first: verified.first,
            last: verified.last.as_ref().map(|last| last.number),
            hash: verified.last.as_ref().map(|last| &*last.hash),
            end_is_known: verified.end_is_known,
        })?;
    }
    if !verified.end_is_known {
        ui.warn(&format!(
            "{name}.head is not there: whether lines were cut off at the end is not known"
        ));
    }
    Ok(Exit::Done)
}

/// `audit.jsonl: 12 lines in 2 files, as they were written; the last is 12, abc…`.
fn words(name: &str, verified: &Verified) -> String {
    let Verified { files, lines, first, last, .. } = verified;
    let mut text = format!("{name}: {}", counted(*lines as usize, "line"));
    if files.len() > 1 {
        text += &format!(" in {} files", files.len());
    }
    text += ", as they were written";
    if *first > 1 {
        text += &format!("; those before {first} are not here");
    }
    if let Some(last) = last {
        text += &format!("\nthe last is {}, {}", last.number, last.hash);
    }
    text + "\n"
}
