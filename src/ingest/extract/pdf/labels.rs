//! The labels of a document's pages: `iv`, `A-3`. Viewers show these as page numbers.

use std::collections::BTreeMap;

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};

use super::strings::text_string;
use crate::ingest::document::single_spaced;
use crate::ingest::extract::numeral;

/// Most nodes of the tree and most entries in them that are read, since nodes may point back to each other.
const MAX_NODES: usize = 2_000;
const MAX_ENTRIES: usize = 20_000;

/// Longest text before the number, in characters.
const LONGEST_PREFIX: usize = 40;

/// Largest number shown in letters, which repeat every 26: longer repetitions make no sense.
const LARGEST_LETTERS: u64 = 26 * 8;

/// A range of pages, up to the start of the next.
struct Range {
    prefix: String,
    style: Option<u8>,
    /// The number of its first page.
    first: u64,
}

/// For each page, its label if that differs from its number.
pub(super) fn labels(pdf: &Pdf) -> Vec<Option<String>> {
    let pages = pdf.pages().len();
    let ranges = ranges(pdf, pages);
    let label = |page: usize| {
        let (start, range) = ranges.range(..=page).next_back()?;
        let label = range.label((page - start) as u64)?;
        (label != (page + 1).to_string()).then_some(label)
    };
    (0..pages).map(label).collect()
}

/// The ranges by the index of their first page.
fn ranges(pdf: &Pdf, pages: usize) -> BTreeMap<usize, Range> {
    let mut ranges = BTreeMap::new();
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    let root = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"PageLabels"));
    let mut nodes: Vec<Dict<'_>> = root.into_iter().collect();
    let mut entries = 0;
    for _ in 0..MAX_NODES {
        let Some(node) = nodes.pop() else { break };
        if let Some(numbers) = node.get::<Array<'_>>(b"Nums") {
            let mut numbers = numbers.iter::<Object<'_>>();
            while let (Some(start), Some(range)) = (numbers.next(), numbers.next()) {
                entries += 1;
                if entries > MAX_ENTRIES {
                    return ranges;
                }
                let start = start.into_number();
                let start = start.and_then(|start| usize::try_from(start.as_i64()).ok());
                let start = start.filter(|start| *start < pages);
                if let (Some(start), Some(range)) = (start, range.into_dict()) {
                    ranges.insert(start, Range::of(&range));
                }
            }
        }
        if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
            nodes.extend(kids.iter::<Dict<'_>>().take(MAX_NODES - nodes.len().min(MAX_NODES)));
        }
    }
    ranges
}

impl Range {
    fn of(range: &Dict<'_>) -> Self {
        let prefix = range.get::<PdfString<'_>>(b"P");
        let prefix = prefix.map(|prefix| text_string(prefix.as_bytes())).unwrap_or_default();
        let style = range.get::<Name<'_>>(b"S").and_then(|style| style.as_ref().first().copied());
        Self {
            prefix: single_spaced(&prefix).chars().take(LONGEST_PREFIX).collect(),
            style,
            first: range.get::<u32>(b"St").map_or(1, |first| u64::from(first.max(1))),
        }
    }

    /// The label of the page with this index in the range; `None` if it has none.
    fn label(&self, index: u64) -> Option<String> {
        let number = self.first + index;
        let roman = || u32::try_from(number).ok().and_then(numeral::roman);
        let number = match self.style {
            Some(b'D') => number.to_string(),
            Some(b'R') => roman()?,
            Some(b'r') => roman()?.to_lowercase(),
            Some(b'A') => letters(number)?,
            Some(b'a') => letters(number)?.to_lowercase(),
            _ => String::new(),
        };
        let label = format!("{}{number}", self.prefix);
        (!label.is_empty()).then_some(label)
    }
}

/// `A` to `Z`, then `AA` to `ZZ`.
fn letters(number: u64) -> Option<String> {
    let index = number.checked_sub(1).filter(|index| *index < LARGEST_LETTERS)?;
    let letter = char::from(b'A' + (index % 26) as u8);
    Some(String::from(letter).repeat(1 + (index / 26) as usize))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::reader::open;
    use super::super::tests::sample::File;
    use super::*;

    /// The labels of a document of this many pages, `-` for none.
    fn written(pages: usize, catalog: &str) -> String {
        let mut file = File::new();
        (0..pages).for_each(|_| file.page(""));
        file.catalog = catalog.to_owned();
        let pdf = open(&Arc::new(file.finish("")), &[]).ok();
        let labels = pdf.as_ref().map(labels).unwrap_or_default();
        let labels: Vec<&str> =
            labels.iter().map(|label| label.as_deref().unwrap_or("-")).collect();
        labels.join(" ")
    }

    #[test]
    fn pages_are_called_what_the_file_says() {
        for (numbers, expected) in [
            ("/Nums [0 << /S /r >> 2 << /S /D >>]", "i ii 1 2 3 4"),
            ("/Nums [0 << /S /D >>]", "- - - - - -"),
            (
                "/Nums [1 << /S /D /St 2 >> 3 << /S /A /P (App-) /St 26 >>]",
                "- - - App-Z App-AA App-BB",
            ),
            (
                "/Nums [0 << /P (Cover) >> 1 << /S /R /St 1998 >>]",
                "Cover MCMXCVIII MCMXCIX MM MMI MMII",
            ),
            ("/Nums [0 << >> 4 << /S /a >>]", "- - - - a b"),
            (
                "/Kids [<< /Limits [0 1] /Nums [0 << /S /r >>] >> << /Nums [2 << /S /D /St 7 >>] >>]",
                "i ii 7 8 9 10",
            ),
        ] {
            assert_eq!(written(6, &format!("/PageLabels << {numbers} >>")), expected, "{numbers}");
        }
        assert_eq!(written(2, ""), "- -");
    }

    #[test]
    fn labels_that_make_no_sense_are_ignored() {
        for (numbers, expected) in [
            ("/Nums [0 << /S /A /St 4000000000 >>]", "- -"),
            ("/Nums [0 << /S /R /St 4000 >>]", "- -"),
            ("/Nums [-1 << /S /r >> 9 << /S /r >>]", "- -"),
            ("/Nums [0 << /S /D /St -3 >>]", "- -"),
            ("/Nums [(x) << /S /r >> 1 /D 0 << /S /r >>]", "i ii"),
            ("/Nums [0]", "- -"),
            ("/Nums 3 /Kids 4", "- -"),
        ] {
            assert_eq!(written(2, &format!("/PageLabels << {numbers} >>")), expected, "{numbers}");
        }
    }

    #[test]
    fn a_tree_that_leads_back_to_itself_ends() {
        let mut file = File::new();
        file.page("");
        let kids = "6 0 R ".repeat(300);
        let node = file.object(format!("<< /Kids [{kids}] /Nums [0 << /S /r >>] >>"));
        assert_eq!(node, 6);
        file.catalog = format!("/PageLabels {node} 0 R");
        let pdf = open(&Arc::new(file.finish("")), &[]).ok();
        assert_eq!(pdf.as_ref().map(labels), Some(vec![Some("i".to_owned())]));
    }
}
