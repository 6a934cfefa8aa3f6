//! The start of the next page of a result. Opaque to clients; a cursor is valid only for the same call and
//! the same state of the collection, since the server remembers nothing about earlier pages.

use crate::error::Failure;
use crate::types::ContentHash;

/// The call and state that a cursor belongs to.
pub(super) struct CursorScope {
    mark: String,
}

impl CursorScope {
    /// `of`: everything that the pages depend on.
    pub(super) fn of(of: &[&str]) -> Self {
        let hash = ContentHash::of(of.join("\0").as_bytes()).to_string();
        Self { mark: hash[..12].to_owned() }
    }

    /// The cursor of the page that begins at `at`.
    pub(super) fn next(&self, at: usize) -> String {
        format!("{}.{at}", self.mark)
    }

    /// How many items precede a page; a `cursor` of `None` is the first page.
    ///
    /// # Errors
    /// The cursor belongs to another call, or to another state of the collection.
    pub(super) fn begin(&self, cursor: Option<&str>) -> Result<usize, Failure> {
        let Some(cursor) = cursor else { return Ok(0) };
        let (mark, at) = cursor.split_once('.').unwrap_or_default();
        let at = at.parse().ok().filter(|_| mark == self.mark);
        at.ok_or_else(|| {
            Failure::usage(
                "the cursor belongs to another call, or the documents have changed since",
            )
            .hint("start again: the same call without `cursor`")
        })
    }
}

/// The offset in a cursor, not yet checked against its call: it says how much has to be looked up for that
/// check.
pub(super) fn offset(cursor: &str) -> usize {
    cursor.split_once('.').and_then(|(_, at)| at.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_for_its_call() {
        let (pages, others) =
            (CursorScope::of(&["q", "run"]), CursorScope::of(&["q", "later run"]));
        let cursor = pages.next(6);
        assert_eq!(pages.begin(Some(&cursor)), Ok(6));
        assert_eq!(pages.begin(None), Ok(0));
        for wrong in ["", ".", "6", &format!("{cursor}.1"), &cursor.replace(".6", ".-6")] {
            assert!(pages.begin(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(others.begin(Some(&cursor)).is_err());
        assert_eq!((offset(&cursor), offset("x")), (6, 0));
    }
}
