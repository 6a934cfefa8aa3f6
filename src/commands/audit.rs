//! `docent audit`: whether the lines that a server kept are those that it wrote.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::{AuditArgs, AuditCommand, Format};
use crate::error::{Exit, Failure};
use crate::output::words::counted;
use crate::serve::audit::{Broken, verify};
use crate::ui::Ui;

/// All lines are as they were written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Verified {
    /// True: what was changed is an error.
    ok: bool,
    /// How many there are.
    lines: u64,
}

pub(super) fn run(ui: &mut Ui, args: &AuditArgs) -> Result<Exit, Failure> {
    let AuditCommand::Verify { file } = &args.command;
    let name = file.display();
    match verify(file).map_err(|error| Failure::usage(format!("{name}: {error}")))? {
        Ok(lines) if ui.format == Format::Text => {
            ui.data(&format!(
                "{name}: {}, as they were written\n",
                counted(lines as usize, "line")
            ))?;
        }
        Ok(lines) => ui.json(Verified { ok: true, lines })?,
        Err(Broken { line, problem }) => {
            return Err(Failure::new(Exit::Negative, format!("{name}: line {line}: {problem}"))
                .hint("compare it with a copy: no line before this one was changed"));
        }
    }
    Ok(Exit::Done)
}
