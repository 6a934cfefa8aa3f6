//! Documents made of numbered parts: pages, slides, records, messages.

use crate::ingest::document::{Document, LocatorUnit, Section, SourceMap, Syntax, UnitMark};

/// A document being built. Every part is one of its [`Section`]s.
pub(super) struct PartsBuilder {
    unit: LocatorUnit,
    text: String,
    marks: Vec<UnitMark>,
    sections: Vec<Section>,
}

impl PartsBuilder {
    pub(super) fn new(unit: LocatorUnit) -> Self {
        Self { unit, text: String::new(), marks: Vec::new(), sections: Vec::new() }
    }

    /// Adds a part: unit `number` of the source, under `headings` that are not in its text. A part without text
    /// is ignored. Returns where its text starts.
    pub(super) fn push(&mut self, number: u32, headings: Vec<String>, text: &str) -> Option<usize> {
        self.push_units((number, number), headings, text)
    }

    /// The same for a part that spans several units, or has two numbers ([`LocatorUnit`]).
    pub(super) fn push_units(
        &mut self,
        (first, last): (u32, u32),
        headings: Vec<String>,
        text: &str,
    ) -> Option<usize> {
        let text = text.trim_end();
        if text.trim_start().is_empty() {
            return None;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let offset = self.text.len();
        self.sections.push(Section { offset, headings, syntax: None });
        self.marks.push(UnitMark { offset, first, last });
        self.text.push_str(text);
        Some(offset)
    }

    /// Adds a document that is part of this one; all of it belongs to the same units. It keeps its sections and
    /// its syntax.
    pub(super) fn append(&mut self, units: (u32, u32), headings: &[String], document: &Document) {
        let (first, last) = units;
        let Some(base) = self.push_units(units, headings.to_vec(), &document.text) else { return };
        let syntax = Some(document.syntax);
        if let Some(own) = self.sections.last_mut() {
            own.syntax = syntax;
        }
        let marks: Vec<UnitMark> = match &document.places {
            SourceMap::Verbatim => Vec::new(),
            SourceMap::Marked(_, marks) => marks.clone(),
            SourceMap::Sheets(sheets) => sheets.iter().flat_map(|(_, rows)| rows.clone()).collect(),
        };
        let numbered = match &document.places {
            SourceMap::Marked(LocatorUnit::Page, _) => Some("page"),
            SourceMap::Marked(LocatorUnit::Slide, _) => Some("slide"),
            _ => None,
        };
        for section in &document.sections {
            let mut headings = headings.to_vec();
            let at = marks.partition_point(|mark| mark.offset <= section.offset).checked_sub(1);
            let place = numbered.zip(at).map(|(unit, at)| format!("{unit} {}", marks[at].first));
            headings.extend(place.into_iter().chain(section.headings.iter().cloned()));
            let offset = base + section.offset;
            if offset < self.text.len() {
                // The section that was just added is replaced by the document's first section.
                self.sections.pop_if(|before| before.offset == offset);
                self.sections.push(Section { offset, headings, syntax: section.syntax.or(syntax) });
            }
        }
        // Rows are told apart by their marks.
        if document.syntax == Syntax::Rows {
            let rows = marks.iter().map(|mark| base + mark.offset);
            let rows = rows.filter(|offset| *offset > base && *offset < self.text.len());
            self.marks.extend(rows.map(|offset| UnitMark { offset, first, last }));
        }
    }

    /// Bytes of text so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    pub(super) fn finish(self, title: String, syntax: Syntax) -> Document {
        let places = SourceMap::Marked(self.unit, self.marks);
        let (text, sections) = (self.text, self.sections);
        Document { title, text, syntax, places, sections, ..Document::default() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The text between marks, with the units that it comes from.
    pub(in crate::ingest::extract) fn units(document: &Document) -> Vec<(u32, u32, &str)> {
        let marks: Vec<UnitMark> = match &document.places {
            SourceMap::Marked(_, marks) => marks.clone(),
            SourceMap::Sheets(sheets) => sheets.iter().flat_map(|(_, rows)| rows.clone()).collect(),
            SourceMap::Verbatim => panic!("the text is the file"),
        };
        let ends = marks.iter().skip(1).map(|mark| mark.offset).chain([document.text.len()]);
        let units = marks.iter().zip(ends);
        units
            .map(|(mark, end)| (mark.first, mark.last, document.text[mark.offset..end].trim_end()))
            .collect()
    }

    #[test]
    fn parts_without_text_are_ignored() {
        let mut parts = PartsBuilder::new(LocatorUnit::Slide);
        parts.push(1, Vec::new(), "  one\n");
        parts.push(2, Vec::new(), " \n");
        parts.push(3, vec!["Three".to_owned()], "three");
        let document = parts.finish("Title".to_owned(), Syntax::Plain);
        assert_eq!(units(&document), [(1, 1, "  one"), (3, 3, "three")]);
        let offsets: Vec<usize> = document.sections.iter().map(|part| part.offset).collect();
        assert_eq!(offsets, [0, 7]);
    }
}
