//! Jupyter notebooks → Markdown by cell: prose as it is, code and the text it printed as code blocks.

use serde::Deserialize;
use serde_json::Value;

use super::blobs::without_blobs;
use super::encoding::Decoded;
use super::json::repair;
use super::{ExtractError, text};
use crate::ingest::chunk;
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax, UnitMark};
use crate::types::DocumentKind;

/// Most lines that are kept of a cell's output, from its start.
const OUTPUT_LINES: usize = 20;
const OUTPUT_CHARACTERS: usize = 1500;

#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    cells: Vec<Cell>,
    /// The cells, before version 4 of the format.
    #[serde(default)]
    worksheets: Vec<Worksheet>,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    title: Option<Value>,
    language_info: Option<Named>,
    kernelspec: Option<Kernel>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Kernel {
    language: Option<String>,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(default)]
    source: Lines,
    /// The code of a cell, before version 4.
    #[serde(default)]
    input: Lines,
    /// The level of a heading, before version 4.
    level: Option<usize>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    output_type: String,
    text: Lines,
    data: serde_json::Map<String, Value>,
    ename: String,
    evalue: String,
}

/// A text, or its lines.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Lines {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Lines {
    fn text(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::One(text) => text.clone(),
            Self::Many(lines) => lines.concat(),
        }
    }
}

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let Decoded { text: json, mut warnings } = text::read(DocumentKind::Notebook, bytes)?;
    let read = |json: &str| serde_json::from_str::<Notebook>(json);
    let notebook = read(&json).or_else(|error| {
        let mended = repair::repaired(&json).ok_or(error)?;
        let notebook = read(&mended.text)?;
        warnings.push(mended.warning());
        Ok(notebook)
    });
    let notebook = notebook.map_err(|error: serde_json::Error| {
        ExtractError::new(&format!("not readable as a notebook: {error}"))
    })?;
    let language = notebook.metadata.language();
    let cells = notebook.cells.iter().chain(notebook.worksheets.iter().flat_map(|w| &w.cells));
    let mut text = String::new();
    let mut marks = Vec::new();
    for (number, cell) in (1..).zip(cells) {
        let written = cell.markdown(&language);
        if written.trim().is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        marks.push(UnitMark { offset: text.len(), first: number, last: number });
        text.push_str(written.trim_end());
    }
    let title = notebook.metadata.title.as_ref().and_then(Value::as_str).map(str::to_owned);
    Ok(Document {
        title: title.unwrap_or_else(|| chunk::title(&text, Syntax::Markdown)),
        text,
        syntax: Syntax::Markdown,
        places: SourceMap::Marked(LocatorUnit::Cell, marks),
        warnings,
        ..Document::default()
    })
}

impl Metadata {
    /// In lower case; Python if it is not given, as in early notebooks.
    fn language(&self) -> String {
        let info = self.language_info.as_ref().and_then(|info| info.name.as_deref());
        let kernel = self.kernelspec.as_ref().and_then(|kernel| kernel.language.as_deref());
        info.or(kernel).unwrap_or("python").to_lowercase()
    }
}

impl Cell {
    fn markdown(&self, language: &str) -> String {
        let source = match &self.source {
            Lines::None => self.input.text(),
            source => source.text(),
        };
        match self.cell_type.as_str() {
            "markdown" => {
                text::tables::named(&without_blobs(&source), Syntax::Markdown).into_owned()
            }
            "raw" => without_blobs(&source).into_owned(),
            "heading" => format!("{} {source}", "#".repeat(self.level.unwrap_or(1).clamp(1, 6))),
            "code" if source.trim().is_empty() => String::new(),
            "code" => {
                let outputs = self.outputs.iter().map(Output::markdown);
                let blocks = std::iter::once(fenced(&source, language)).chain(outputs);
                blocks.filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n\n")
            }
            _ => String::new(),
        }
    }
}

impl Output {
    /// The text of an output: no pictures, no widgets, no addresses of objects.
    fn markdown(&self) -> String {
        let data = |kind: &str| {
            let lines: Option<Lines> =
                self.data.get(kind).and_then(|value| Lines::deserialize(value).ok());
            lines.map(|lines| lines.text()).filter(|text| !text.trim().is_empty())
        };
        if self.output_type == "error" || self.output_type == "pyerr" {
            return fenced(&format!("{}: {}", self.ename, self.evalue), "");
        }
        if let Some(markdown) = data("text/markdown") {
            return shortened(&without_blobs(&markdown));
        }
        let plain = data("text/plain").unwrap_or_else(|| self.text.text());
        let plain = without_escapes(&plain);
        let line = plain.trim();
        let nameless = line.starts_with('<') && line.ends_with('>') && !line.contains('\n');
        if line.is_empty() || nameless {
            return String::new();
        }
        fenced(&shortened(&without_blobs(&plain)), "")
    }
}

/// A code block, in a fence with more backticks than the code contains.
pub(super) fn fenced(code: &str, language: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{}\n{fence}", code.trim_matches('\n').trim_end())
}

fn shortened(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    let mut kept = lines[..lines.len().min(OUTPUT_LINES)].join("\n");
    let long = kept.char_indices().nth(OUTPUT_CHARACTERS).map(|(at, _)| at);
    if let Some(at) = long {
        kept.truncate(at);
    }
    if long.is_some() || lines.len() > OUTPUT_LINES {
        kept.push_str("\n...");
    }
    kept
}

/// Removes the colour codes of terminals.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;
    use crate::ingest::extract::parts::tests::units;

    fn read(notebook: &Value) -> Document {
        document(notebook.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn prose_code_and_what_it_printed() {
        let notebook = json!({
            "nbformat": 4,
            "metadata": {"kernelspec": {"language": "R"}, "language_info": {"name": "julia"}},
            "cells": [
                {"cell_type": "markdown", "source": ["# Load\n", "the data"]},
                {"cell_type": "code", "source": "", "outputs": []},
                {"cell_type": "code", "source": "x = \"```\"\n", "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": ["\u{1b}[1mread\u{1b}[0m 3\n"]},
                    {"output_type": "display_data", "data": {
                        "image/png": "iVBORw0KGgo", "text/plain": "<Figure size 640x480 with 1 Axes>"}},
                    {"output_type": "execute_result", "data": {
                        "text/html": "<table>", "text/plain": ["   a\n", "0  1"]}},
                    {"output_type": "error", "ename": "KeyError", "evalue": "'b'", "traceback": ["x"]},
                ]},
            ],
        });
        let document = read(&notebook);
        assert_eq!(document.title, "Load");
        let code = "````julia\nx = \"```\"\n````\n\n```\nread 3\n```\n\n```\n   a\n0  1\n```\n\n```\nKeyError: 'b'\n```";
        assert_eq!(units(&document), [(1, 1, "# Load\nthe data"), (3, 3, code)]);
    }

    #[test]
    fn the_format_before() {
        let notebook = json!({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Old"]},
            {"cell_type": "code", "input": ["print 1"], "outputs": [
                {"output_type": "stream", "text": "1"}]},
        ]}]});
        let document = read(&notebook);
        let code = "```python\nprint 1\n```\n\n```\n1\n```";
        assert_eq!(units(&document), [(1, 1, "## Old"), (2, 2, code)]);
    }

    #[test]
    fn long_output_is_cut() {
        let many = (0..100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        assert!(shortened(&many).ends_with("line 19\n..."));
        assert_eq!(shortened(&"x".repeat(9000)).len(), OUTPUT_CHARACTERS + 4);
    }

    #[test]
    fn nan_is_read() {
        let notebook = r##"{"cells": [{"cell_type": "markdown", "source": "# Tides", "x": NaN}]}"##;
        let document = document(notebook.as_bytes()).unwrap();
        assert_eq!((document.text.as_str(), document.warnings.len()), ("# Tides", 1));
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        let reason = |bytes: &[u8]| document(bytes).unwrap_err().to_string();
        assert!(reason(b"{\"cells\": [{").starts_with("not readable as a notebook: EOF"));
        assert!(reason(b"[1]").starts_with("not readable as a notebook: invalid"));
        assert!(reason(b"\x89PNG..").contains("it is a PNG file"));
    }
}
