//! Prints records of answers, for a person.

use super::Ui;
use super::sanitize::sanitize_line;
use crate::error::Failure;
use crate::output::humanize::{counted, seconds};
use crate::query::assessment::Warning;
use crate::trace::{Trace, TracedChunk, TracedVerification};
use crate::types::{LegScore, RerankerId};

impl Ui {
    /// Prints one record: what the answer was made from, and what became of each chunk.
    pub fn trace(&mut self, trace: &Trace) -> Result<(), Failure> {
        let mut text = String::new();
        for (label, value) in facts(trace) {
            text += &format!(
                "{}{}\n",
                self.out_style.strong(&format!("{label:<12}")),
                sanitize_line(&value)
            );
        }
        text += &retrieved(&trace.retrieved);
        if let Some(content) = &trace.content {
            for message in &content.messages {
                let speaker = format!("{:?}", message.speaker).to_lowercase();
                text +=
                    &format!("\n{}\n{}\n", self.out_style.strong(&speaker), shown(&message.text));
            }
            text += &format!("\n{}\n{}\n", self.out_style.strong("answer"), shown(&content.answer));
            for finding in &content.findings {
                let warning = Warning::UnverifiedCitation(finding.clone()).to_string();
                text += &format!("{}\n", sanitize_line(&warning));
            }
        }
        self.data(&text)
    }

    /// Prints a line for each record.
    pub fn traces(&mut self, traces: &[Trace]) -> Result<(), Failure> {
        let line = |trace: &Trace| {
            let (id, exit) = (trace.id, trace.outcome.exit_code);
            let time = sanitize_line(&trace.started_at);
            format!("{id}  {time}  exit {exit:<3}  {}\n", sanitize_line(&trace.question))
        };
        let text: String = traces.iter().map(line).collect();
        self.data(&text)
    }
}

/// Text of several lines, sanitized for a terminal.
fn shown(text: &str) -> String {
    text.lines().map(sanitize_line).collect::<Vec<_>>().join("\n")
}

fn facts(trace: &Trace) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("answer", trace.id.to_string()),
        ("asked", format!("{}, docent {}", trace.started_at, trace.docent)),
        ("question", trace.question.clone()),
        ("outcome", outcome(trace)),
        ("collection", collection(trace)),
    ];
    let embedder = &trace.models.embedder;
    facts.push((
        "embedder",
        format!("{} ({}), {} dimensions", embedder.name, embedder.revision, embedder.dimensions),
    ));
    if let Some(reranker) = &trace.models.reranker {
        let RerankerId { name, revision, endpoint } = reranker;
        let place = revision.as_ref().or(endpoint.as_ref()).filter(|place| *place != name);
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        facts.push(("reranker", format!("{name}{place}")));
    }
    facts.push(("model", model(trace)));
    if let Some(hash) = &trace.prompt_hash {
        facts.push(("prompt", format!("sha256 {hash}")));
    }
    let retrieval = &trace.retrieval;
    let weight = retrieval.sparse_weight;
    facts.push((
        "retrieval",
        format!("{}, {} wanted, sparse weight {weight:.2}", retrieval.mode, retrieval.k),
    ));
    facts.push(("times", times(trace)));
    if let Some(context) = &trace.context {
        facts.push(("trace", context.trace_id.clone()));
    }
    for said in &trace.feedback {
        let comment = said.comment.as_ref().map(|comment| format!(": {comment}"));
        let comment = comment.unwrap_or_default();
        facts.push(("feedback", format!("{} at {}{comment}", said.score, said.at)));
    }
    for citation in &trace.citations {
        let held = if citation.verified { "verified" } else { "unsupported" };
        let by: Vec<&str> = if citation.verified {
            citation.checks.iter().map(|check| check.name()).collect()
        } else {
            citation.failed.iter().map(|check| check.name()).collect()
        };
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        facts.push(("cites", format!("[{}] {}, {held}{by}", citation.passage, citation.citation)));
    }
    if let Some(asked) = &trace.verification {
        facts.push(("checked by", checked_by(asked)));
    }
    for number in &trace.invalid_citations {
        facts.push(("cites", format!("[{number}], which is not a passage")));
    }
    facts
}

fn outcome(trace: &Trace) -> String {
    let outcome = &trace.outcome;
    let word = match &outcome.error {
        Some(error) => error.clone(),
        None if outcome.interrupted => "interrupted".to_owned(),
        None if outcome.no_answer => "no answer".to_owned(),
        None => "answered".to_owned(),
    };
    let uncited = match trace.uncited_sentences {
        0 => String::new(),
        count => format!(", {} without a citation", counted(count, "sentence")),
    };
    format!("{word} (exit {}){uncited}", outcome.exit_code)
}

fn collection(trace: &Trace) -> String {
    let collection = &trace.collection;
    let run = match &collection.last_run {
        Some(run) => format!(", last changed by run {} at {}", run.run_id, run.started_at),
        None => String::new(),
    };
    let unfinished = if collection.unfinished { ", with a run unfinished" } else { "" };
    let version = collection.version.map(|number| format!("@v{number}")).unwrap_or_default();
    format!(
        "{}{version} in {}, created {}{run}{unfinished}",
        collection.name, collection.store, collection.created_at
    )
}

fn model(trace: &Trace) -> String {
    let chat = &trace.models.chat;
    let mut text = chat.name.clone();
    if let Some(revision) = chat.revision.as_ref().filter(|revision| **revision != chat.name) {
        text += &format!(", answered as {revision}");
    }
    if let Some(endpoint) = &chat.endpoint {
        text += &format!(", at {endpoint}");
    }
    if let Some(reason) = &trace.finish_reason {
        text += &format!(", finished with {reason}");
    }
    if let (Some(prompt), Some(completion)) =
        (trace.usage.prompt_tokens, trace.usage.completion_tokens)
    {
        text += &format!(", {prompt} tokens in, {completion} out");
    }
    text
}

/// What the model of `--verify` checked.
fn checked_by(asked: &TracedVerification) -> String {
    let TracedVerification { model, claims, unsupported, unchecked, .. } = asked;
    let revision = asked.revision.as_ref().filter(|revision| *revision != model);
    let revision = revision.map(|revision| format!(" ({revision})")).unwrap_or_default();
    let mut text = format!(
        "{model}{revision}, {}, {unsupported} unsupported, in {}",
        counted(*claims, "claim"),
        seconds(asked.elapsed_ms)
    );
    if *unchecked > 0 {
        text += &format!(", {unchecked} without a verdict");
    }
    if let (Some(prompt), Some(completion)) =
        (asked.usage.prompt_tokens, asked.usage.completion_tokens)
    {
        text += &format!(", {prompt} tokens in, {completion} out");
    }
    text
}

fn times(trace: &Trace) -> String {
    let times = &trace.timings_ms;
    let time = |milliseconds: f64| seconds(milliseconds as u64);
    let mut text = format!("retrieved in {}", time(times.retrieved));
    if let Some(first) = times.first_token {
        text += &format!(", first token after {}", time(first));
    }
    text + &format!(", {} in all", time(times.total))
}

fn retrieved(rows: &[TracedChunk]) -> String {
    if rows.is_empty() {
        return "\nnothing was retrieved\n".to_owned();
    }
    let leg = |leg: Option<LegScore>| match leg {
        Some(LegScore { rank, score }) => format!("{rank} ({score:.3})"),
        None => "-".to_owned(),
    };
    let reranked = rows.iter().any(|row| row.rerank.is_some());
    let rerank = |row: &TracedChunk| {
        if reranked { format!("{:<12}  ", leg(row.rerank)) } else { String::new() }
    };
    let title = if reranked { "reranked      " } else { "" };
    let mut text =
        format!("\nrank  score  dense         sparse        {title}became          chunk\n");
    let indent = 57 + title.len();
    for row in rows {
        let became = match (row.passage, &row.dropped) {
            (Some(number), _) => format!("[{number}]"),
            (None, Some(reason)) => sanitize_line(reason),
            (None, None) => "-".to_owned(),
        };
        text += &format!(
            "{:>4}  {:.3}  {:<12}  {:<12}  {}{became:<14}  {}\n",
            row.rank,
            row.score,
            leg(row.dense),
            leg(row.sparse),
            rerank(row),
            sanitize_line(&row.citation),
        );
        text += &format!(
            "{:indent$}document {:.12}, chunk {}\n",
            "",
            sanitize_line(&row.document_hash.0),
            row.chunk_id
        );
    }
    text
}
