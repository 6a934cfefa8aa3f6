//! Places in a source, as cited and as stored.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::{Deserialize, Serialize};

use super::{PageArea, is_url};

/// Where a piece of text sits in its source. Numbers are 1-based and inclusive.
///
/// As JSON it is an object with a field for each unit: `{"lines": [10, 24]}`, `{"page": 3}`,
/// `{"sheet": 2, "rows": [4, 9]}`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "LocatorFields", try_from = "LocatorFields")]
pub enum Locator {
    /// First and last line of the file.
    Lines(u32, u32),
    /// Page of a paginated document.
    Page(u32),
    /// Part of a page that was read as a picture.
    Area(u32, PageArea),
    /// First and last paragraph of a document that has neither lines nor pages (DOCX).
    Paragraphs(u32, u32),
    /// Slide of a presentation.
    Slide(u32),
    /// Rows of a sheet of a workbook.
    Rows { sheet: u32, first: u32, last: u32 },
    /// First and last cell of a notebook.
    Cells(u32, u32),
    /// Record of a JSON file; 0 is what surrounds the records.
    Record(u32),
    /// Message of a mailbox.
    Message(u32),
    /// Attachment of a message of a mailbox; attachments are numbered in order.
    Attachment { message: u32, number: u32 },
    /// Section of a book, in reading order.
    Section(u32),
    /// From the first second of a recording to the one after its last.
    Seconds(u32, u32),
}

impl Locator {
    /// Whether it is a range that ends before it begins: nothing can be there.
    pub fn is_reversed(&self) -> bool {
        match *self {
            Self::Lines(first, last)
            | Self::Paragraphs(first, last)
            | Self::Cells(first, last)
            | Self::Seconds(first, last)
            | Self::Rows { first, last, .. } => first > last,
            _ => false,
        }
    }

    /// The page, if it is on one.
    pub fn page(&self) -> Option<u32> {
        match *self {
            Self::Page(page) | Self::Area(page, _) => Some(page),
            _ => None,
        }
    }

    /// `source` with this place: `path:L10-L24`, `path#page=3`, `path#sheet=2&rows=4-9`.
    pub fn cite(&self, source: &str) -> String {
        let range = |a: u32, b: u32| if a == b { a.to_string() } else { format!("{a}-{b}") };
        let lines = if is_url(source) { "#" } else { ":" };
        match *self {
            Self::Lines(a, b) if a == b => format!("{source}{lines}L{a}"),
            Self::Lines(a, b) => format!("{source}{lines}L{a}-L{b}"),
            Self::Page(number) => format!("{source}#page={number}"),
            // The parameter of RFC 8118, with which PDF viewers open there.
            Self::Area(page, PageArea { left, top, width, height }) => {
                format!("{source}#page={page}&viewrect={left},{top},{width},{height}")
            }
            Self::Paragraphs(a, b) => format!("{source}#para={}", range(a, b)),
            Self::Slide(number) => format!("{source}#slide={number}"),
            Self::Rows { sheet, first, last } => {
                format!("{source}#sheet={sheet}&rows={}", range(first, last))
            }
            Self::Cells(a, b) => format!("{source}#cell={}", range(a, b)),
            Self::Record(number) => format!("{source}#record={number}"),
            Self::Message(number) => format!("{source}#message={number}"),
            Self::Attachment { message, number } => {
                format!("{source}#message={message}&attachment={number}")
            }
            Self::Section(number) => format!("{source}#section={number}"),
            // Media Fragments URI 1.0, 4.2.1: players begin there.
            Self::Seconds(first, end) => format!("{source}#t={first},{end}"),
        }
    }

    /// Undoes [`Locator::cite`]: source and place. `None` for a text that names no place.
    pub fn from_citation(citation: &str) -> Option<(&str, Self)> {
        let after = |mark| citation.rsplit_once(mark);
        let cited = |(source, place)| Some((source, Self::from_cited(place)?));
        after('#').and_then(cited).or_else(|| after(':').and_then(cited))
    }

    /// The part of a citation after the source.
    fn from_cited(place: &str) -> Option<Self> {
        let range = |text: &str, prefix: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let number = |text: &str| text.strip_prefix(prefix)?.parse::<u32>().ok();
            Some((number(first)?, number(last)?))
        };
        if place.starts_with('L') {
            return range(place, "L").map(|(first, last)| Self::Lines(first, last));
        }
        let (unit, value) = place.split_once('=')?;
        let number = || value.parse().ok();
        match unit {
            "page" => match value.split_once("&viewrect=") {
                None => number().map(Self::Page),
                Some((page, area)) => {
                    let numbers: Option<Vec<u32>> =
                        area.split(',').map(|number| number.parse().ok()).collect();
                    let [left, top, width, height] = *numbers?.as_slice() else { return None };
                    let area = PageArea { left, top, width, height };
                    Some(Self::Area(page.parse().ok()?, area))
                }
            },
            "para" => range(value, "").map(|(first, last)| Self::Paragraphs(first, last)),
            "slide" => number().map(Self::Slide),
            "sheet" => {
                let (sheet, rows) = value.split_once("&rows=")?;
                let (first, last) = range(rows, "")?;
                Some(Self::Rows { sheet: sheet.parse().ok()?, first, last })
            }
            "cell" => range(value, "").map(|(first, last)| Self::Cells(first, last)),
            "record" => number().map(Self::Record),
            "message" => match value.split_once("&attachment=") {
                None => number().map(Self::Message),
                Some((message, number)) => {
                    let (message, number) = (message.parse().ok()?, number.parse().ok()?);
                    Some(Self::Attachment { message, number })
                }
            },
            "section" => number().map(Self::Section),
            "t" => {
                let (first, end) = value.split_once(',')?;
                Some(Self::Seconds(first.parse().ok()?, end.parse().ok()?))
            }
            _ => None,
        }
    }

    /// The smallest locator that covers both, if they have the same unit and are no further apart than that
    /// unit allows: lines, paragraphs, cells and seconds of a document, rows of a sheet, the same page,
    /// slide, record, message or section.
    pub fn merge(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Lines(a, b), Self::Lines(c, d)) => Some(Self::Lines(a.min(c), b.max(d))),
            (Self::Paragraphs(a, b), Self::Paragraphs(c, d)) => {
                Some(Self::Paragraphs(a.min(c), b.max(d)))
            }
            (Self::Cells(a, b), Self::Cells(c, d)) => Some(Self::Cells(a.min(c), b.max(d))),
            (Self::Seconds(a, b), Self::Seconds(c, d)) => Some(Self::Seconds(a.min(c), b.max(d))),
            (
                Self::Rows { sheet, first: a, last: b },
                Self::Rows { sheet: other, first: c, last: d },
            ) if sheet == other => Some(Self::Rows { sheet, first: a.min(c), last: b.max(d) }),
            (Self::Area(page, a), Self::Area(other, b)) if page == other => {
                Some(Self::Area(page, a.union(b)))
            }
            (Self::Area(page, _), Self::Page(other)) | (Self::Page(other), Self::Area(page, _))
                if page == other =>
            {
                Some(Self::Page(page))
            }
            _ => (self == other).then_some(self),
        }
    }

    /// Whether both have something in common: units of the same kind, at least one of them in both.
    pub fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Lines(a, b), Self::Lines(c, d))
            | (Self::Paragraphs(a, b), Self::Paragraphs(c, d))
            | (Self::Cells(a, b), Self::Cells(c, d)) => a <= d && c <= b,
            (
                Self::Rows { sheet, first: a, last: b },
                Self::Rows { sheet: other, first: c, last: d },
            ) => sheet == other && a <= d && c <= b,
            (Self::Seconds(a, b), Self::Seconds(c, d)) => a < d && c < b,
            (Self::Area(page, a), Self::Area(other, b)) => page == other && a.overlaps(b),
            (Self::Area(page, _), Self::Page(other)) | (Self::Page(other), Self::Area(page, _)) => {
                page == other
            }
            _ => self == other,
        }
    }
}

/// A [`Locator`] in its JSON form: the fields of its unit, and no others.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LocatorFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// Rectangle on the page: left, top, width and height, in points of a PDF, in pixels of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<(u32, u32, u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paragraphs: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slide: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<u32>,
    /// The attachment of the message, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<(u32, u32)>,
}

/// The schema of its JSON form.
impl JsonSchema for Locator {
    fn schema_name() -> String {
        "Locator".to_owned()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        LocatorFields::json_schema(generator)
    }
}

impl From<Locator> for LocatorFields {
    fn from(locator: Locator) -> Self {
        let mut fields = Self::default();
        match locator {
            Locator::Lines(first, last) => fields.lines = Some((first, last)),
            Locator::Page(number) => fields.page = Some(number),
            Locator::Area(page, PageArea { left, top, width, height }) => {
                fields.page = Some(page);
                fields.area = Some((left, top, width, height));
            }
            Locator::Paragraphs(first, last) => fields.paragraphs = Some((first, last)),
            Locator::Slide(number) => fields.slide = Some(number),
            Locator::Rows { sheet, first, last } => {
                (fields.sheet, fields.rows) = (Some(sheet), Some((first, last)));
            }
            Locator::Cells(first, last) => fields.cells = Some((first, last)),
            Locator::Record(number) => fields.record_number = Some(number),
            Locator::Message(number) => fields.message = Some(number),
            Locator::Attachment { message, number } => {
                (fields.message, fields.attachment) = (Some(message), Some(number));
            }
            Locator::Section(number) => fields.section = Some(number),
            Locator::Seconds(first, end) => fields.seconds = Some((first, end)),
        }
        fields
    }
}

impl TryFrom<LocatorFields> for Locator {
    type Error = &'static str;

    fn try_from(fields: LocatorFields) -> Result<Self, Self::Error> {
        let rows = match (fields.sheet, fields.rows) {
            (Some(sheet), Some((first, last))) => Some(Self::Rows { sheet, first, last }),
            (None, None) => None,
            _ => return Err("a place has one of sheet and rows without the other"),
        };
        let page = match (fields.page, fields.area) {
            (Some(page), Some((left, top, width, height))) => {
                Some(Self::Area(page, PageArea { left, top, width, height }))
            }
            (page, None) => page.map(Self::Page),
            (None, Some(_)) => return Err("a place has an area without a page"),
        };
        let message = match (fields.message, fields.attachment) {
            (Some(message), Some(number)) => Some(Self::Attachment { message, number }),
            (message, None) => message.map(Self::Message),
            (None, Some(_)) => return Err("a place has an attachment without a message"),
        };
        let mut found = [
            fields.lines.map(|(first, last)| Self::Lines(first, last)),
            page,
            fields.paragraphs.map(|(first, last)| Self::Paragraphs(first, last)),
            fields.slide.map(Self::Slide),
            rows,
            fields.cells.map(|(first, last)| Self::Cells(first, last)),
            fields.record_number.map(Self::Record),
            message,
            fields.section.map(Self::Section),
            fields.seconds.map(|(first, end)| Self::Seconds(first, end)),
        ]
        .into_iter()
        .flatten();
        match (found.next(), found.next()) {
            (Some(locator), None) => Ok(locator),
            _ => Err("a place needs exactly one of lines, page, paragraphs and the like"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const AREA: PageArea = PageArea { left: 72, top: 100, width: 300, height: 40 };

    const ALL: [(Locator, &str, &str); 14] = [
        (Locator::Lines(4, 4), "a:L4", r#"{"lines":[4,4]}"#),
        (Locator::Lines(4, 9), "a:L4-L9", r#"{"lines":[4,9]}"#),
        (Locator::Page(3), "a#page=3", r#"{"page":3}"#),
        (
            Locator::Area(3, AREA),
            "a#page=3&viewrect=72,100,300,40",
            r#"{"page":3,"area":[72,100,300,40]}"#,
        ),
        (Locator::Paragraphs(4, 6), "a#para=4-6", r#"{"paragraphs":[4,6]}"#),
        (Locator::Slide(3), "a#slide=3", r#"{"slide":3}"#),
        (
            Locator::Rows { sheet: 2, first: 4, last: 9 },
            "a#sheet=2&rows=4-9",
            r#"{"sheet":2,"rows":[4,9]}"#,
        ),
        (Locator::Cells(4, 4), "a#cell=4", r#"{"cells":[4,4]}"#),
        (Locator::Cells(4, 5), "a#cell=4-5", r#"{"cells":[4,5]}"#),
        (Locator::Record(17), "a#record=17", r#"{"record_number":17}"#),
        (Locator::Message(5), "a#message=5", r#"{"message":5}"#),
        (
            Locator::Attachment { message: 5, number: 2 },
            "a#message=5&attachment=2",
            r#"{"message":5,"attachment":2}"#,
        ),
        (Locator::Section(3), "a#section=3", r#"{"section":3}"#),
        (Locator::Seconds(83, 91), "a#t=83,91", r#"{"seconds":[83,91]}"#),
    ];

    #[test]
    fn every_unit_is_cited_and_written_down() {
        for (locator, citation, json) in ALL {
            assert_eq!(locator.cite("a"), citation);
            for source in ["a", "a b/c#d:e.md", "https://example.org/a?b"] {
                let cited = locator.cite(source);
                assert_eq!(Locator::from_citation(&cited), Some((source, locator)));
            }
            assert_eq!(serde_json::to_string(&locator).unwrap(), json);
            assert_eq!(serde_json::from_str::<Locator>(json).unwrap(), locator);
        }
    }

    #[test]
    fn not_every_name_is_a_citation() {
        for name in ["a", "a:9", "a:Lx", "a#L", "a#page=x", "C#/a", "a#sheet=2", "a#b=3"] {
            assert_eq!(Locator::from_citation(name), None, "{name}");
        }
    }

    #[test]
    fn a_place_is_one_place() {
        for json in [
            "{}",
            r#"{"page":1,"slide":1}"#,
            r#"{"rows":[1,2]}"#,
            r#"{"sheet":1}"#,
            r#"{"attachment":1}"#,
            r#"{"area":[1,2,3,4]}"#,
        ] {
            assert!(serde_json::from_str::<Locator>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn places_overlap_where_they_share_a_unit() {
        let rows = |sheet, first, last| Locator::Rows { sheet, first, last };
        for (a, b, overlap) in [
            (Locator::Lines(1, 4), Locator::Lines(4, 9), true),
            (Locator::Lines(1, 9), Locator::Lines(3, 4), true),
            (Locator::Lines(1, 4), Locator::Lines(5, 9), false),
            (Locator::Lines(1, 4), Locator::Paragraphs(1, 4), false),
            (Locator::Page(3), Locator::Page(3), true),
            (Locator::Page(3), Locator::Page(4), false),
            (Locator::Page(3), Locator::Area(3, AREA), true),
            (Locator::Page(4), Locator::Area(3, AREA), false),
            (Locator::Area(3, AREA), Locator::Area(3, PageArea { left: 0, ..AREA }), true),
            (Locator::Area(3, AREA), Locator::Area(3, PageArea { top: 140, ..AREA }), false),
            (rows(1, 2, 5), rows(1, 5, 8), true),
            (Locator::Seconds(1, 5), Locator::Seconds(4, 8), true),
            (Locator::Seconds(1, 5), Locator::Seconds(5, 8), false),
            (rows(1, 2, 5), rows(2, 2, 5), false),
        ] {
            assert_eq!((a.overlaps(b), b.overlaps(a)), (overlap, overlap), "{a:?} {b:?}");
        }
    }

    #[test]
    fn only_places_of_one_unit_merge() {
        let rows = |sheet, first, last| Locator::Rows { sheet, first, last };
        assert_eq!(Locator::Cells(1, 2).merge(Locator::Cells(4, 4)), Some(Locator::Cells(1, 4)));
        assert_eq!(rows(1, 2, 3).merge(rows(1, 4, 5)), Some(rows(1, 2, 5)));
        assert_eq!(rows(1, 2, 3).merge(rows(2, 4, 5)), None);
        assert_eq!(Locator::Slide(1).merge(Locator::Slide(1)), Some(Locator::Slide(1)));
        assert_eq!(Locator::Slide(1).merge(Locator::Slide(2)), None);
        assert_eq!(Locator::Record(1).merge(Locator::Page(1)), None);
        assert_eq!(Locator::Area(3, AREA).merge(Locator::Page(3)), Some(Locator::Page(3)));
        let below = PageArea { top: 140, ..AREA };
        let both = PageArea { height: 80, ..AREA };
        let merged = Locator::Area(3, AREA).merge(Locator::Area(3, below));
        assert_eq!(merged, Some(Locator::Area(3, both)));
        assert_eq!(Locator::Area(3, AREA).merge(Locator::Area(4, AREA)), None);
    }
}
