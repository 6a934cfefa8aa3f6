//! `docent audit`: shows and verifies the log of changes, or the audit log of a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::context::load;
use crate::audit::{Broken, LossNotice, VerifiedAudit, had_lines, list, verify};
use crate::cli::{AuditArgs, AuditCommand, Format};
use crate::error::{Exit, Failure, shell_word};
use crate::output::humanize::counted;
use crate::settings::Layer;
use crate::types::tenant_of;
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

/// Result of a successful verification: all lines are as they were written.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verified")]
pub(super) struct AuditReport<'a> {
    /// No notice of lost lines is unknown. A changed line is an error, not a result.
    ok: bool,
    /// Oldest first.
    files: Vec<String>,
    /// Number of lines.
    lines: u64,
    /// Number of the first line in the files.
    first: u64,
    /// Number of the last line.
    last: Option<u64>,
    /// Hash of the last line, as written in it.
    hash: Option<&'a str>,
    /// Whether it is certain that no line is missing after the last one.
    end_is_known: bool,
    /// Notices of the server that lines were lost.
    notices: Vec<NoticeRow<'a>>,
}

/// A notice that lines were lost before it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LossNotice")]
struct NoticeRow<'a> {
    /// The file that contains the line.
    file: String,
    /// Number of the line.
    number: u64,
    /// RFC 3339, UTC.
    time: &'a str,
    notice: &'a str,
    /// Whether somebody looked into it, as `--known-until` says.
    known: bool,
}

/// The lines of a log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditList")]
pub(super) struct AuditLines {
    /// Each as `docent schema audit-jsonl` has it.
    lines: Vec<Value>,
}

pub(super) fn run(ui: &mut Ui, flags: Layer, args: &AuditArgs) -> Result<Exit, Failure> {
    let (AuditCommand::Verify { file, .. } | AuditCommand::List { file, .. }) = &args.command;
    let (file, tenant) = match file {
        Some(file) => (file.clone(), None),
        None => changes(ui, flags)?,
    };
    match args.command {
        AuditCommand::Verify { known_until, .. } => check(ui, &file, known_until),
        AuditCommand::List { last, notices, .. } => {
            show(ui, &file, last, notices, tenant.as_deref())
        }
    }
}

/// Path of the log of changes, relative to the working directory if it is below it, and the tenant
/// whose lines are shown, if there is one.
fn changes(ui: &mut Ui, flags: Layer) -> Result<(PathBuf, Option<String>), Failure> {
    let context = load(ui, flags)?;
    let log = context.changes();
    if !log.exists() && had_lines(&log) {
        let message =
            format!("{} is missing, but files beside it say that it had lines", log.display());
        return Err(Failure::new(Exit::Negative, message)
            .hint("restore it from a copy; otherwise the next change begins another log, and notes in it that lines were lost"));
    }
    if !log.exists() {
        let message = format!("there is no {}: no change was made yet", log.display());
        return Err(Failure::usage(message)
            .hint("name the file of docent serve --audit, or another --data-dir"));
    }
    let log = log.strip_prefix(&context.cwd).map(Path::to_owned).unwrap_or(log);
    Ok((log, context.settings.tenant))
}

fn check(ui: &mut Ui, file: &Path, known_until: u64) -> Result<Exit, Failure> {
    let name = file.display();
    let verified = verify(file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let verified = verified.map_err(|Broken { file, line, problem }| {
        let name = file.display();
        Failure::new(Exit::Negative, format!("{name}: line {line}: {problem}"))
            .hint("compare the file with a copy; no line before this one was changed")
    })?;
    let mut unknown = verified.notices.iter().filter(|notice| notice.number > known_until);
    let (count, last) = (unknown.clone().count(), unknown.next_back().map(|it| it.number));
    if ui.format == Format::Text {
        ui.data(&words(&name.to_string(), &verified))?;
    } else {
        ui.json(AuditReport {
            ok: count == 0,
            files: verified.files.iter().map(|file| file.display().to_string()).collect(),
            lines: verified.lines,
            first: verified.first,
            last: verified.last.as_ref().map(|last| last.number),
            hash: verified.last.as_ref().map(|last| &*last.hash),
            end_is_known: verified.end_is_known,
            notices: verified.notices.iter().map(|notice| row(notice, known_until)).collect(),
        })?;
    }
    if !verified.end_is_known {
        ui.warn(&format!("{name}.head is missing, so lines may have been cut off at the end"));
    }
    let Some(last) = last else { return Ok(Exit::Done) };
    let message = format!("{name}: {} that lines were lost", counted(count, "notice"));
    let file = shell_word(&name.to_string());
    Err(Failure::new(Exit::Negative, message).hint(format!(
        "find out what happened to them; then accept these notices with docent audit verify --known-until {last} {file}"
    )))
}

fn row(notice: &LossNotice, known_until: u64) -> NoticeRow<'_> {
    let LossNotice { file, number, time, notice } = notice;
    let (file, known) = (file.display().to_string(), *number <= known_until);
    NoticeRow { file, number: *number, time, notice, known }
}

/// `audit.jsonl: 12 lines in 2 files, as they were written; the last is 12, abc…`.
fn words(name: &str, verified: &VerifiedAudit) -> String {
    let VerifiedAudit { files, lines, first, last, notices, .. } = verified;
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
    for LossNotice { number, time, notice, .. } in notices {
        text += &format!("\n{}", sanitize_line(&format!("{number}  {time}  NOTICE  {notice}")));
    }
    text + "\n"
}

fn show(
    ui: &mut Ui,
    file: &Path,
    last: Option<usize>,
    notices: bool,
    tenant: Option<&str>,
) -> Result<Exit, Failure> {
    let format = ui.format;
    let mut all = Vec::new();
    // Changes without an end so far: the number of the line that each began with.
    let mut open = BTreeMap::new();
    let is_shown = |value: &Value| {
        let is_notice = value["notice"].is_string();
        let whose = value["collection"].as_str().and_then(tenant_of);
        (is_notice || !notices) && (is_notice || tenant.is_none() || whose == tenant)
    };
    list(file, last, &is_shown, &mut |line, value| {
        if let Some(change) = value["change_id"].as_str() {
            match value["phase"].as_str() {
                Some("begun") => drop(open.insert(change.to_owned(), value["number"].clone())),
                _ => drop(open.remove(change)),
            }
        }
        match format {
            Format::Json => {
                all.push(value.clone());
                Ok(())
            }
            Format::Jsonl => ui.data(&format!("{line}\n")),
            _ => ui.data(&format!("{}\n", sanitize_line(&told(value)))),
        }
    })?;
    if format == Format::Json {
        ui.json(AuditLines { lines: all })?;
    }
    if !open.is_empty() {
        let numbers: Vec<String> = open.values().map(ToString::to_string).collect();
        ui.note(&format!(
            "no end is logged for the change that began with line {}: it is under way, or was cut off",
            numbers.join(", ")
        ));
    }
    Ok(Exit::Done)
}

/// `7  2030-01-31T12:00:00.000Z  answered  200  ci  POST /v1/chat/completions  docs: a.md, b.md`.
fn told(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let head = format!("{}  {}", line["number"], text("time"));
    if let Some(notice) = line["notice"].as_str() {
        return format!("{head}  NOTICE  {notice}");
    }
    if line["command"].is_string() {
        return change(&head, line);
    }
    let key = line["key"].as_str().unwrap_or("-");
    let mut told = format!(
        "{head}  {}  {}  {key}  {} {}",
        text("decision"),
        line["status"],
        text("method"),
        text("path")
    );
    let documents = line["documents"].as_array().into_iter().flatten();
    let documents: Vec<&str> = documents.filter_map(Value::as_str).collect();
    if let Some(collection) = line["collection"].as_str() {
        told += &format!("  {collection}");
        if !documents.is_empty() {
            told += &format!(": {}", documents.join(", "));
        }
    }
    told
}

/// `7  2030-01-31T12:00:00.000Z  ingest  done  ada@alpha  docs@v7  added 3, changed 1`.
fn change(head: &str, line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or("-");
    let end = line["outcome"].as_str().unwrap_or("begins");
    let (command, user, host) = (text("command"), text("user"), text("host"));
    let mut told = format!("{head}  {command}  {end}  {user}@{host}  {}", text("collection"));
    let keys: Vec<&str> =
        line["keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !keys.is_empty() {
        told += &format!("  key {}", keys.join(", "));
    }
    let version = |name: &str| line[name].as_u64().map_or("-".to_owned(), |it| format!("v{it}"));
    told += &match (version("live_before"), version("live_after")) {
        (before, _) if line["phase"] == "begun" => format!("  {before}"),
        (before, after) if before == after => format!("  {before}"),
        (before, after) => format!("  {before} -> {after}"),
    };
    for part in [&line["documents"], &line["purge"]] {
        let counts = part.as_object().into_iter().flatten();
        let counts: Vec<String> = counts
            .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
            .map(|(name, count)| format!("{} {count}", name.replace('_', " ")))
            .collect();
        if !counts.is_empty() {
            told += &format!("  {}", counts.join(", "));
        }
    }
    told
}
