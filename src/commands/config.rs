//! `docent config`: what is set, and where; whom to trust.

use super::context::{self, PROJECT_FILE, Place};
use crate::cli::{ConfigArgs, ConfigCommand, Format};
use crate::error::{Exit, Failure};
use crate::output::{Setting, ShownSettings};
use crate::settings::{self, Layer};
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) fn run(ui: &mut Ui, flags: Layer, args: ConfigArgs) -> Result<Exit, Failure> {
    match args.command {
        ConfigCommand::Show => show(ui, flags),
        ConfigCommand::Trust => trust(ui),
    }
}

fn show(ui: &mut Ui, flags: Layer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let (layers, trusted) = context::read_layers(&place, flags)?;
    let settings = settings::resolve(&layers, trusted).map_err(context::setting_failure)?;
    for notice in &settings.notices {
        ui.warn(notice);
    }
    if ui.format != Format::Text {
        let rows = settings.resolved.iter().map(|row| {
            let setting = Setting { value: row.value.clone(), origin: row.origin.label() };
            (row.key.name.to_owned(), setting)
        });
        ui.json(ShownSettings { settings: rows.collect() })?;
        return Ok(Exit::Done);
    }
    let width = settings.resolved.iter().map(|row| row.key.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &settings.resolved {
        let value = sanitize_line(row.value.as_deref().unwrap_or("-"));
        let origin = match &row.value {
            Some(_) => row.origin.label(),
            None => row.key.absence(),
        };
        let origin = ui.out_style.dim(&format!("({origin})"));
        text += &format!("{:width$}  {value}  {origin}\n", row.key.name);
    }
    ui.data(&text)?;
    Ok(Exit::Done)
}

fn trust(ui: &mut Ui) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let Some(path) = place.project_file else {
        return Err(Failure::config(format!(
            "there is no {PROJECT_FILE} in {}",
            place.root.display()
        )));
    };
    context::trust(&path)?;
    ui.status(&format!("{} is trusted as it is now", path.display()));
    Ok(Exit::Done)
}
