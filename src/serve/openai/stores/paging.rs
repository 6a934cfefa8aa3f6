//! Lists with a cursor: `after`, `before`, `limit` and `order`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::serve::refusal::RequestRefusal;

const USUAL: usize = 20;
const MOST: usize = 100;

/// Which part of a list is asked for.
#[derive(Deserialize, JsonSchema, PartialEq, Debug)]
pub(super) struct Cursor {
    /// The id of the row before the first one.
    after: Option<String>,
    /// The id of the row after the last one.
    before: Option<String>,
    /// Most rows; 20 by default.
    #[schemars(range(min = 1, max = "MOST"))]
    limit: Option<usize>,
    /// By the time of ingest; `desc` by default.
    order: Option<Order>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[schemars(rename = "ListOrder")]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    Desc,
}

/// An entry of a list.
pub(super) struct ListRow<T> {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created_at: i64,
    pub(super) of: T,
}

/// A part of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "List_of_{T}")]
pub(super) struct ListPage<T> {
    /// `list`.
    object: &'static str,
    data: Vec<T>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

impl Cursor {
    /// `object` makes the entry that is shown for a row; it runs only for the rows of the page.
    ///
    /// # Errors
    /// The row of `after` or `before` does not exist.
    pub(super) fn page<T, O>(
        self,
        mut rows: Vec<ListRow<T>>,
        object: impl Fn(&T) -> O,
    ) -> Result<ListPage<O>, RequestRefusal> {
        rows.sort_by(|a, b| {
            let by_time = a.created_at.cmp(&b.created_at);
            let by_time = if self.order == Some(Order::Asc) { by_time } else { by_time.reverse() };
            by_time.then_with(|| a.id.cmp(&b.id))
        });
        let place = |name: &'static str, id: &Option<String>| match id {
            None => Ok(None),
            Some(id) => rows.iter().position(|row| row.id == *id).map(Some).ok_or_else(|| {
                RequestRefusal::invalid(name, format!("`{id}` is not in this list"))
                    .hint("start again without it: the list has changed, or is another one")
            }),
        };
        let first = place("after", &self.after)?.map_or(0, |place| place + 1);
        let end = place("before", &self.before)?.unwrap_or(rows.len());
        let within = rows.get(first..end).unwrap_or_default();
        let limit = self.limit.unwrap_or(USUAL);
        let has_more = within.len() > limit;
        // The rows next to the named one.
        let backwards = self.before.is_some() && self.after.is_none();
        let from = if backwards { within.len().saturating_sub(limit) } else { 0 };
        let shown: Vec<&ListRow<T>> = within.iter().skip(from).take(limit).collect();
        Ok(ListPage {
            object: "list",
            data: shown.iter().map(|row| object(&row.of)).collect(),
            first_id: shown.first().map(|row| row.id.clone()),
            last_id: shown.last().map(|row| row.id.clone()),
            has_more,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(query: &str) -> Result<Cursor, RequestRefusal> {
        crate::serve::request::query(query)
    }

    fn rows() -> Vec<ListRow<i64>> {
        let row =
            |(id, time): (&str, i64)| ListRow { id: id.to_owned(), created_at: time, of: time };
        [("a", 1), ("b", 2), ("d", 3), ("c", 3), ("e", 4)].map(row).into()
    }

    #[test]
    fn a_page_begins_after_and_ends_before() {
        for (query, first, last, count, has_more) in [
            ("", Some("e"), Some("a"), 5, false),
            ("order=asc", Some("a"), Some("e"), 5, false),
            ("limit=2", Some("e"), Some("c"), 2, true),
            ("limit=2&after=c", Some("d"), Some("b"), 2, true),
            ("limit=2&after=b", Some("a"), Some("a"), 1, false),
            ("limit=2&before=b", Some("c"), Some("d"), 2, true),
            ("before=e", None, None, 0, false),
            ("after=e&before=b", Some("c"), Some("d"), 2, false),
            ("after=b&before=e", None, None, 0, false),
        ] {
            let page = read(query).unwrap().page(rows(), |time| *time).unwrap();
            assert_eq!(page.first_id.as_deref(), first, "{query}");
            assert_eq!(page.last_id.as_deref(), last, "{query}");
            assert_eq!(page.data.len(), count, "{query}");
            assert_eq!(page.has_more, has_more, "{query}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (query, param) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("order=up", "order"),
        ] {
            assert_eq!(&*read(query).unwrap_err().param, param, "{query}");
        }
        let unknown = read("after=x").unwrap().page(rows(), |time| *time);
        assert_eq!(
            unknown.err().map(|refusal| refusal.param.into_string()).as_deref(),
            Some("after")
        );
    }
}
