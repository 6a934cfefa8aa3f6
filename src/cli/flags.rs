//! Flags that set settings: from the rows of [`KEYS`] to clap, and from what was typed to a layer.
//! The id of such a flag is the name of its setting: two commands may have one flag for two settings.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use crate::settings::keys::{self, FlagValue, KEYS, SettingKey};
use crate::settings::{Layer, layers};

/// The flags of the settings `names`.
pub(super) fn flags(names: &[&str]) -> impl Iterator<Item = Arg> {
    names.iter().map(|name| flag(name))
}

/// The flags of the settings `names` under `heading`, even among flags that have another heading.
pub(super) fn flags_under(heading: &'static str, names: &[&str]) -> impl Iterator<Item = Arg> {
    flags(names).map(move |flag| flag.help_heading(heading))
}

/// The flag of a setting.
pub(super) fn flag(name: &str) -> Arg {
    flag_as(name, &keys::key(name).help())
}

/// The flag of a setting with a help text of its own, for a command in which it does less than
/// elsewhere.
///
/// # Panics
/// Where the setting has no flag.
#[expect(
    clippy::expect_used,
    reason = "a wrong name is a mistake in this crate, found by any test"
)]
pub(super) fn flag_as(name: &str, help: &str) -> Arg {
    let key = keys::key(name);
    let flag = key.flag.expect("a setting with a flag");
    let arg = Arg::new(key.name).long(flag.long.trim_start_matches('-')).short(flag.short);
    match flag.takes {
        // So that `-1` is refused as too small, not as an unknown flag.
        FlagValue::Value(value) => {
            arg.allow_negative_numbers(true).value_name(value).value_hint(hint(value)).help(
                match key.default.or(key.unless_set) {
                    Some(default) => format!("{help} [default: {default}]"),
                    None => help.to_owned(),
                },
            )
        }
        FlagValue::Nothing(_) => arg.action(ArgAction::SetTrue).help(help.to_owned()),
    }
}

/// What a shell completes for a value of this name.
fn hint(value: &str) -> ValueHint {
    match value {
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        "FILE|DIR" => ValueHint::AnyPath,
        _ => ValueHint::Unknown,
    }
}

/// The settings that were typed as flags of the chosen subcommand.
pub fn typed_settings(matches: &ArgMatches) -> Layer {
    if let Some((_, chosen)) = matches.subcommand() {
        return typed_settings(chosen);
    }
    let of = |id: &str| KEYS.iter().find(|key| key.name == id);
    let typed =
        |key: &&SettingKey| matches.value_source(key.name) == Some(ValueSource::CommandLine);
    let keys = matches.ids().filter_map(|id| of(id.as_str())).filter(typed);
    layers::flags(keys.filter_map(|key| Some((key.name, text(matches, key)?))))
}

fn text(matches: &ArgMatches, key: &SettingKey) -> Option<String> {
    match key.flag?.takes {
        FlagValue::Value(_) => matches.get_one::<String>(key.name).cloned(),
        FlagValue::Nothing(value) => Some(value.to_owned()),
    }
}
