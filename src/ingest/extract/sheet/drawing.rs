//! What is drawn over the cells of an XLSX: text boxes, charts, and the alternative text of pictures.

use crate::ingest::document::single_spaced;
use crate::ingest::extract::alt;
use crate::ingest::extract::chart::Drawings;
use crate::ingest::extract::package::ZipPackage;
use crate::ingest::extract::relations::relations;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute, prefixed_attribute};

/// A text and the rows that it is over, from 1.
#[derive(Debug, PartialEq)]
pub(super) struct DrawnText {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) text: String,
}

/// The texts in a drawing part, in the order of their rows, as far as it can be read.
pub(super) fn read(package: &mut ZipPackage<'_>, part: &str) -> Vec<DrawnText> {
    let mut charts = Drawings::default();
    for relation in relations(package, part).unwrap_or_default() {
        let _ = charts.add(package, &relation);
    }
    let text = package.part(part).ok().flatten().unwrap_or_default();
    let mut reading = Reading::new(&charts);
    let _ = xml::read(&text, &mut reading);
    let mut drawn = reading.drawn;
    drawn.sort_by_key(|drawn| drawn.first);
    drawn
}

struct Reading<'a> {
    charts: &'a Drawings,
    drawn: Vec<DrawnText>,
    /// The rows of the open anchor, from 0; a chart sheet has none.
    rows: Vec<u32>,
    in_row: bool,
    in_text: bool,
    lines: Vec<String>,
    line: String,
    alt: Option<String>,
    /// Depth of open elements that repeat what is already there.
    skipped: usize,
}

impl<'a> Reading<'a> {
    fn new(charts: &'a Drawings) -> Self {
        let (drawn, rows, lines, line) = (Vec::new(), Vec::new(), Vec::new(), String::new());
        let (in_row, in_text, alt, skipped) = (false, false, None, 0);
        Self { charts, drawn, rows, in_row, in_text, lines, line, alt, skipped }
    }

    fn end_line(&mut self) {
        let line = single_spaced(&std::mem::take(&mut self.line));
        if !line.is_empty() && self.skipped == 0 {
            self.lines.push(line);
        }
    }

    fn end_anchor(&mut self) {
        self.end_line();
        let first = self.rows.first().map_or(1, |row| row.saturating_add(1));
        let last = self.rows.last().map_or(first, |row| row.saturating_add(1)).max(first);
        let alt = self.alt.take();
        if self.lines.is_empty() {
            self.lines.extend(alt);
        }
        let lines = std::mem::take(&mut self.lines);
        self.drawn.extend(lines.into_iter().map(|text| DrawnText { first, last, text }));
        self.rows.clear();
    }
}

fn is_anchor(name: &str) -> bool {
    matches!(name, "twoCellAnchor" | "oneCellAnchor" | "absoluteAnchor")
}

impl XmlHandler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "Fallback" => self.skipped += 1,
            "row" => {
                self.in_row = true;
                self.rows.push(0);
            }
            "t" => self.in_text = true,
            "br" => self.line.push(' '),
            "cNvPr" if self.skipped == 0 => {
                self.alt = attribute(element, "descr").and_then(|text| alt::line(&text));
            }
            "chart" => {
                let text = prefixed_attribute(element, "id").and_then(|id| self.charts.get(&id));
                let lines = text.into_iter().flat_map(|text| text.lines());
                self.lines.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "Fallback" => self.skipped = self.skipped.saturating_sub(1),
            "row" => self.in_row = false,
            "t" => self.in_text = false,
            "p" => self.end_line(),
            name if is_anchor(name) => self.end_anchor(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_row {
            if let Some((row, number)) = self.rows.last_mut().zip(text.trim().parse().ok()) {
                *row = number;
            }
        } else if self.in_text {
            self.line.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::package::tests::package;

    #[test]
    fn boxes_charts_and_pictures_with_their_rows() {
        let anchor = |from: u32, to: u32, what: &str| {
            format!(
                "<xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:row>{from}</xdr:row></xdr:from>\
                 <xdr:to><xdr:col>2</xdr:col><xdr:row>{to}</xdr:row></xdr:to>{what}</xdr:twoCellAnchor>"
            )
        };
        let shape = "<xdr:sp><xdr:nvSpPr><xdr:cNvPr id=\"2\" name=\"TextBox 1\" descr=\"A box\"/></xdr:nvSpPr><xdr:txBody>\
            <a:p><a:r><a:t>Ask </a:t></a:r><a:r><a:t>Ann</a:t></a:r></a:p><a:p/><a:p><a:r><a:t>first</a:t></a:r></a:p></xdr:txBody></xdr:sp>";
        let frame =
            "<xdr:graphicFrame><a:graphic><c:chart r:id=\"r1\"/></a:graphic></xdr:graphicFrame>";
        let pictures = "<xdr:pic><xdr:cNvPr descr=\"Map of the quays\"/></xdr:pic>";
        let fallback = format!("<mc:Fallback>{shape}</mc:Fallback>");
        let drawing = [
            anchor(7, 9, frame),
            anchor(2, 2, shape),
            anchor(4, 4, pictures),
            anchor(5, 5, &fallback),
        ];
        let drawing = format!("<xdr:wsDr>{}</xdr:wsDr>", drawing.concat());
        let chart = "<c:chartSpace><c:ser><c:tx><c:v>Ships</c:v></c:tx><c:cat><c:strLit><c:pt idx=\"0\"><c:v>May</c:v></c:pt></c:strLit></c:cat>\
            <c:val><c:numLit><c:pt idx=\"0\"><c:v>4</c:v></c:pt></c:numLit></c:val></c:ser></c:chartSpace>";
        let related = "<Relationships><Relationship Id=\"r1\" Type=\"x/chart\" Target=\"../charts/c.xml\"/></Relationships>";
        let bytes = package(&[
            ("xl/drawings/d.xml", &drawing),
            ("xl/drawings/_rels/d.xml.rels", related),
            ("xl/charts/c.xml", chart),
        ]);
        let Some(mut file) = ZipPackage::of(&bytes) else { panic!("a package") };
        let found = read(&mut file, "xl/drawings/d.xml");
        let found: Vec<(u32, u32, &str)> =
            found.iter().map(|it| (it.first, it.last, it.text.as_str())).collect();
        assert_eq!(
            found,
            [
                (3, 3, "Ask Ann"),
                (3, 3, "first"),
                (5, 5, "Picture: Map of the quays"),
                (8, 10, "May | Ships: 4"),
            ]
        );
    }
}
