//! Formatting of letters and paragraphs: pages of 512 bytes, which list where runs start, and how each run
//! differs from its style.

use super::{numbers, u16_at, u32_at};
use crate::ingest::extract::formatting::{Formatting, Script};

/// Formatting of letters.
#[derive(Clone, Default, Debug)]
pub(super) struct CharacterFormat {
    pub(super) hidden: bool,
    pub(super) formatting: Formatting,
    pub(super) font: u16,
    /// A symbol as the number of its font and its code.
    pub(super) symbol: Option<(u16, u16)>,
}

/// Formatting of a paragraph.
#[derive(Clone, Default, Debug)]
pub(super) struct ParagraphLayout {
    pub(super) style: u16,
    /// Outline level, from 0.
    pub(super) outline: Option<u8>,
    pub(super) level: usize,
    pub(super) in_list: bool,
    pub(super) in_table: bool,
    /// Whether this is the end of a row, and not text.
    pub(super) ends_row: bool,
    /// The cells of that row, in the words of RTF.
    pub(super) row: Vec<(&'static str, Option<i32>)>,
}

/// Runs with their start and end in the file.
pub(super) struct Runs<T>(Vec<(u32, u32, T)>);

impl<T> Runs<T> {
    pub(super) fn at(&self, place: u32) -> Option<&T> {
        let behind = self.0.partition_point(|(start, ..)| *start <= place);
        let (_, end, run) = self.0.get(behind.checked_sub(1)?)?;
        (place < *end).then_some(run)
    }
}

pub(super) fn looks(main: &[u8], pages: &[u8]) -> Runs<CharacterFormat> {
    runs(main, pages, 1, |page, at| {
        let length = usize::from(*page.get(at)?);
        let mut look = CharacterFormat::default();
        let mut deleted = false;
        for (code, value) in Changes(page.get(at + 1..at + 1 + length)?) {
            let first = value.first().copied().unwrap_or(0);
            // As the style has it, or the opposite.
            let is_on = matches!(first, 1 | 0x81);
            match code {
                0x083C => look.hidden = is_on,
                0x0800 => deleted = is_on,
                0x0837 | 0x2A53 => look.formatting.struck |= is_on,
                0x2A48 => {
                    look.formatting.script = match first {
                        1 => Some(Script::Super),
                        2 => Some(Script::Sub),
                        _ => None,
                    }
                }
                0x4A4F => look.font = u16_at(value, 0).unwrap_or(0),
                0x6A09 => look.symbol = u16_at(value, 0).zip(u16_at(value, 2)),
                _ => {}
            }
        }
        look.hidden |= deleted;
        Some(look)
    })
}

pub(super) fn layouts(main: &[u8], pages: &[u8]) -> Runs<ParagraphLayout> {
    runs(main, pages, 13, |page, at| {
        // The length in words, one byte less; or, if the first byte is zero, the words follow in the second.
        let (start, length) = match usize::from(*page.get(at)?) {
            0 => (at + 2, 2 * usize::from(*page.get(at + 1)?)),
            words => (at + 1, 2 * words - 1),
        };
        let all = page.get(start..start + length)?;
        let mut layout = ParagraphLayout { style: u16_at(all, 0)?, ..ParagraphLayout::default() };
        for (code, value) in Changes(&all[2..]) {
            let first = value.first().copied().unwrap_or(0);
            match code {
                0x2416 => layout.in_table = first != 0,
                0x6649 => layout.in_table |= first != 0,
                0x2417 => layout.ends_row = first != 0,
                0x2640 => layout.outline = Some(first),
                0x260A => layout.level = first.into(),
                // 2047 and above are not lists.
                0x460B => layout.in_list = matches!(u16_at(value, 0), Some(1..=0x7FE)),
                0x3404 if first != 0 => layout.row.push(("trhdr", None)),
                0xD608 => {
                    // The definition goes before other properties of the row.
                    let header = std::mem::take(&mut layout.row);
                    layout.row = cells(value).unwrap_or_default();
                    layout.row.extend(header);
                }
                _ => {}
            }
        }
        Some(layout)
    })
}

/// Parses the definition of a row: the number of cells, their edges, and twenty bytes for each.
fn cells(value: &[u8]) -> Option<Vec<(&'static str, Option<i32>)>> {
    let count = usize::from(*value.first()?);
    let edge = |at: usize| u16_at(value, 1 + 2 * at).map(|edge| i32::from(edge.cast_signed()));
    let mut row = vec![("trowd", None), ("trleft", Some(edge(0)?))];
    for cell in 0..count {
        let flags = u16_at(value, 1 + 2 * (count + 1) + 20 * cell).unwrap_or(0);
        // 2: merged with the cell before it; 1: merged with the cell above it, and not the first of them.
        if flags & 3 == 2 {
            row.push(("clmrg", None));
        }
        if (flags >> 5) & 3 == 1 {
            row.push(("clvmrg", None));
        }
        row.push(("cellx", Some(edge(cell + 1)?)));
    }
    Some(row)
}

/// The runs on the pages that a table lists. `each`: how many bytes a page has for each run, the first of which
/// is the offset of its formatting in the page, in words.
fn runs<T: Default>(
    main: &[u8],
    table: &[u8],
    each: usize,
    read: impl Fn(&[u8], usize) -> Option<T>,
) -> Runs<T> {
    const PAGE: usize = 512;
    let count = table.len().saturating_sub(4) / 8;
    let mut pages = numbers(table.get((count + 1) * 4..).unwrap_or_default());
    // Each page is read once.
    pages.sort_unstable();
    pages.dedup();
    let mut runs = Vec::new();
    for number in pages {
        let start = (number & 0x003F_FFFF) as usize * PAGE;
        let Some(page) = main.get(start..start + PAGE) else { continue };
        let count = usize::from(page[PAGE - 1]);
        for run in 0..count {
            let (Some(from), Some(to)) = (u32_at(page, run * 4), u32_at(page, run * 4 + 4)) else {
                break;
            };
            let Some(word) = page.get((count + 1) * 4 + run * each) else { break };
            let told = if *word == 0 { None } else { read(page, usize::from(*word) * 2) };
            runs.push((from, to, told.unwrap_or_default()));
        }
    }
    runs.sort_by_key(|(from, ..)| *from);
    Runs(runs)
}

/// Changes to a style, each a code and a value ([MS-DOC] 2.6).
struct Changes<'a>(&'a [u8]);

impl<'a> Iterator for Changes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let code = u16_at(self.0, 0)?;
        let rest = &self.0[2..];
        let (from, length) = match code >> 13 {
            0 | 1 => (0, 1),
            2 | 4 | 5 => (0, 2),
            3 => (0, 4),
            7 => (0, 3),
            // The length has two bytes, and is one more than what follows.
            _ if code == 0xD608 => (2, usize::from(u16_at(rest, 0)?).saturating_sub(1)),
            // A list of tab stops with this length is longer than the length field can express.
            _ if code == 0xC615 && rest.first() == Some(&255) => return None,
            _ => (1, usize::from(*rest.first()?)),
        };
        let value = rest.get(from..from + length)?;
        self.0 = &rest[from + length..];
        Some((code, value))
    }
}
