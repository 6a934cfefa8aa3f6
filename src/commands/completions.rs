//! `docent completions`: shell completions and man pages.

mod dynamic;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, Shell};
use crate::error::{Exit, Failure};
use crate::ui::Ui;

pub(super) use dynamic::answered;

pub(super) fn run(ui: &mut Ui, args: CompletionsArgs) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    let mut out = Vec::new();
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Man => {
            man(command, &mut out)
                .map_err(|error| Failure::new(Exit::Backend, format!("cannot render: {error}")))?;
            ui.data(&String::from_utf8_lossy(&out))?;
            return Ok(Exit::Done);
        }
    };
    clap_complete::generate(shell, &mut command, "docent", &mut out);
    ui.data(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Done)
}

/// docent(1), then docent-COMMAND(1) of each subcommand.
fn man(mut command: clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        clap_mangen::Man::new(sub.clone()).render(out)?;
    }
    Ok(())
}
