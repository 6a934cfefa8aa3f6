#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::super::log::RequestNotes;
use super::*;

/// The text that is served when every metric has a value.
fn text_of_all() -> String {
    let metrics = Metrics::new(Some(Arc::new(RetrievalCache::new(1 << 20))));
    let notes = RequestNotes {
        answers: 1,
        prompt_tokens: Some(1),
        completion_tokens: Some(1),
        cost: Some(0.5),
        no_answer: Some(false),
        error: Some("invalid_value".to_owned()),
        ..RequestNotes::default()
    };
    metrics.count(&LogEntry { key: Some("ci".to_owned()), notes, ..LogEntry::default() });
    metrics.count_job(&LogEntry { method: "INGEST".to_owned(), ..LogEntry::default() });
    metrics.rate("docs", 1.0);
    let gauge = DriftGauge { collection: "docs".to_owned(), signal: "top_score" };
    metrics.drift.get_or_create(&gauge).set(0.5);
    metrics.drifted.get_or_create(&gauge).set(1);
    metrics.text((0, 0), 1, &DriftMonitor::open(None, std::iter::empty()).unwrap())
}

/// Each metric: its name, its labels, and its description.
pub(in crate::serve) fn rows() -> Vec<(String, String, String)> {
    let text = text_of_all();
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    let row = |(name, about): (&str, &str)| {
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '));
        let suffix = match kind {
            Some("counter") => "_total",
            Some("info") => "_info",
            Some("histogram") => "_sum",
            _ => "",
        };
        let full = format!("{name}{suffix}");
        let sample = text.lines().find_map(|line| line.strip_prefix(&*full)?.strip_prefix('{'));
        let labels = sample.and_then(|rest| rest.split_once('}')).map_or("", |(it, _)| it);
        let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(it, _)| it);
        let shown = match kind {
            Some("histogram") => format!("`{name}`, a histogram"),
            _ => format!("`{full}`"),
        };
        (shown, names.collect::<Vec<_>>().join(", "), about.trim_end_matches('.').to_owned())
    };
    helps.map(row).collect()
}

#[test]
fn what_is_counted_has_its_labels() {
    let rows = rows();
    assert!(rows.len() >= 13, "{rows:?}");
    let requests = rows.iter().find(|(name, ..)| name == "`docent_requests_total`");
    assert_eq!(requests.map(|(_, labels, _)| &**labels), Some("route, status, key"));
}

/// Names of metrics in a text, without the suffixes of histograms.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !word(c)).filter(|it| it.starts_with("docent_"));
    let bare = |name: &str| {
        let ends = ["_bucket", "_count", "_sum"];
        ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    words.map(bare).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = text_of_all();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let served = names(&samples.collect::<Vec<_>>().join("\n"));
    assert!(served.contains("docent_build_info") && served.contains("docent_drift"));
    let dashboard = include_str!("../../../deploy/grafana-dashboard.json");
    let shown: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let panels = shown["panels"].as_array().unwrap().iter();
    let expressions = panels
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default())
        .map(|target| target["expr"].as_str().unwrap().to_owned());
    assert_eq!(names(&expressions.collect::<Vec<_>>().join("\n")), served);
    let page = include_str!("../../../docs/serve-governance.md");
    for name in &served {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in the documentation");
    }
}
