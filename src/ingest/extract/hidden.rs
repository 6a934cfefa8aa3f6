//! Warnings about hidden parts of a document that were left out.

use crate::types::{ReadingWarning, WarningCode, ranges};

/// Warns about hidden slides, by number.
pub(super) fn slides(numbers: &[u32]) -> Option<ReadingWarning> {
    let message = match numbers {
        [] => return None,
        [number] => format!("slide {number} is hidden, and is left out"),
        _ => format!("slides {} are hidden, and are left out", ranges(numbers)),
    };
    Some(ReadingWarning { code: WarningCode::HiddenContent, message, pages: Vec::new() })
}

/// Warns about hidden sheets, by name.
pub(super) fn sheets(names: &[String]) -> Option<ReadingWarning> {
    /// Most sheets that are named.
    const NAMED: usize = 5;
    let first: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let first = first.join(", ");
    let message = match names.len() {
        0 => return None,
        1 => format!("sheet {first} is hidden, and is left out"),
        count if count > NAMED => {
            format!("sheets {first} and {} others are hidden, and are left out", count - NAMED)
        }
        _ => format!("sheets {first} are hidden, and are left out"),
    };
    Some(ReadingWarning { code: WarningCode::HiddenContent, message, pages: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_named() {
        let said =
            |warning: Option<ReadingWarning>| warning.map(|it| it.message).unwrap_or_default();
        assert_eq!(said(slides(&[])), "");
        assert_eq!(said(slides(&[3])), "slide 3 is hidden, and is left out");
        assert_eq!(said(slides(&[1, 2, 5])), "slides 1-2, 5 are hidden, and are left out");
        let names: Vec<String> = ('a'..='g').map(String::from).collect();
        assert_eq!(said(sheets(&names[..1])), "sheet `a` is hidden, and is left out");
        assert_eq!(said(sheets(&names[..2])), "sheets `a`, `b` are hidden, and are left out");
        let many = "sheets `a`, `b`, `c`, `d`, `e` and 2 others are hidden, and are left out";
        assert_eq!(said(sheets(&names)), many);
    }
}
