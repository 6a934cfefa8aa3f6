//! `docent config`: shows the settings and where they come from, and trusts project files.

use super::context;
use super::locations::{CommandLocations, PROJECT_FILE};
use super::trust;
use crate::cli::{ConfigArgs, ConfigCommand, Format};
use crate::error::{Exit, Failure};
use crate::output::{Setting, ShownSettings};
use crate::settings::layers::nearest;
use crate::settings::{self, KEYS, Layer, Resolved, SettingOrigin};
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) fn run(ui: &mut Ui, flags: Layer, args: ConfigArgs) -> Result<Exit, Failure> {
    match args.command {
        ConfigCommand::Show { settings } => show(ui, flags, &settings),
        ConfigCommand::Trust => trust_nearest(ui),
    }
}

fn show(ui: &mut Ui, flags: Layer, names: &[String]) -> Result<Exit, Failure> {
    known(names)?;
    let place = CommandLocations::find()?;
    let (layers, trusted) = context::read_layers(&place, flags)?;
    place.say_foreign(ui);
    let settings = settings::resolve(&layers, trusted).map_err(context::setting_failure)?;
    if let Some(SettingOrigin::Project(path)) = settings.unheard.first().map(|row| &row.origin) {
        let path = path.display();
        ui.warn(&format!(
            "some settings in {path} are ignored, since it is not trusted; to trust it: docent config trust"
        ));
    }
    let unheard = |row: &Resolved| {
        let said = settings.unheard.iter().find(|unheard| unheard.key == row.key)?;
        Some(said.value.clone().unwrap_or_default())
    };
    let shown: Vec<&Resolved> =
        settings.resolved.iter().filter(|row| is_named(row.key.name, names)).collect();
    if ui.format != Format::Text {
        let rows = shown.iter().map(|row| {
            let (value, origin) = (row.value.clone(), row.origin.label());
            let setting = Setting { value, origin, once_trusted: unheard(row) };
            (row.key.name.to_owned(), setting)
        });
        ui.json(ShownSettings { settings: rows.collect() })?;
        return Ok(Exit::Done);
    }
    let width = shown.iter().map(|row| row.key.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in shown {
        let value = sanitize_line(row.value.as_deref().unwrap_or("-"));
        let origin = match &row.value {
            Some(_) => row.origin.label(),
            None => row.key.absence(),
        };
        let origin = match unheard(row) {
            Some(said) => format!("{origin}; {} if docent.toml were trusted", sanitize_line(&said)),
            None => origin,
        };
        let origin = ui.out_style.dim(&format!("({})", sanitize_line(&origin)));
        text += &format!("{:width$}  {value}  {origin}\n", row.key.name);
    }
    ui.data(&text)?;
    Ok(Exit::Done)
}

/// Whether a setting was named, by its name or the name of a table that it is in. All are if no name is
/// given.
fn is_named(setting: &str, names: &[String]) -> bool {
    let is_within = |name: &String| {
        setting
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    names.is_empty() || names.iter().any(is_within)
}

fn known(names: &[String]) -> Result<(), Failure> {
    let is_unknown = |name: &&String| {
        let name = std::slice::from_ref(*name);
        !KEYS.iter().any(|key| is_named(key.name, name))
    };
    let Some(unknown) = names.iter().find(is_unknown) else { return Ok(()) };
    let near = nearest(unknown, KEYS.iter().map(|key| key.name));
    Err(Failure::usage(format!("there is no setting `{}`", sanitize_line(unknown))).hint(
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "docent config show lists the settings".to_owned(),
        },
    ))
}

fn trust_nearest(ui: &mut Ui) -> Result<Exit, Failure> {
    let place = CommandLocations::find()?;
    let Some(path) = place.nearest_file() else {
        return Err(Failure::config(format!(
            "there is no {PROJECT_FILE} in {}",
            place.root.display()
        )));
    };
    let text = context::read(path)?;
    // A file that no command could read has to be corrected first, and then it is another one.
    context::project_layer(path, &text)?;
    trust::trust(path, &text)?;
    ui.status(&format!("{} is trusted, as it is now", path.display()));
    Ok(Exit::Done)
}
