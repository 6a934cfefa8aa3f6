//! Lists by cursor: `after`, `before`, `limit` and `order`.

use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::refusal::Refusal;

const USUAL: usize = 20;
const MOST: usize = 100;

/// What of a list is asked for.
#[derive(PartialEq, Debug)]
pub(super) struct Cursor {
    after: Option<String>,
    before: Option<String>,
    limit: usize,
    oldest_first: bool,
}

/// Something that is listed.
pub(super) struct Row<T> {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created_at: i64,
    pub(super) of: T,
}

impl Cursor {
    /// # Errors
    /// A parameter of the URL is out of its range.
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        Self::read(&|name| call.query_value(name))
    }

    fn read(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, Refusal> {
        let limit = match value("limit") {
            None => USUAL,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                limit.ok_or_else(|| {
                    Refusal::invalid("limit", format!("`limit` is from 1 to {MOST}"))
                })?
            }
        };
        let oldest_first = match value("order").as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(Refusal::invalid("order", "`order` is asc or desc")),
        };
        Ok(Self { after: value("after"), before: value("before"), limit, oldest_first })
    }

    /// `object` makes what is shown of a row: there may be many that are not.
    ///
    /// # Errors
    /// What it begins after or ends before is not there.
    pub(super) fn page<T>(
        self,
        mut rows: Vec<Row<T>>,
        object: impl Fn(&T) -> Value,
    ) -> Result<Value, Refusal> {
        rows.sort_by(|a, b| {
            let by_time = a.created_at.cmp(&b.created_at);
            let by_time = if self.oldest_first { by_time } else { by_time.reverse() };
            by_time.then_with(|| a.id.cmp(&b.id))
        });
        let place = |name: &'static str, id: &Option<String>| match id {
            None => Ok(None),
            Some(id) => rows.iter().position(|row| row.id == *id).map(Some).ok_or_else(|| {
                Refusal::invalid(name, format!("`{id}` is not in this list"))
                    .hint("begin again without it: the list has changed, or is of something else")
            }),
        };
        let first = place("after", &self.after)?.map_or(0, |place| place + 1);
        let end = place("before", &self.before)?.unwrap_or(rows.len());
        let within = rows.get(first..end).unwrap_or_default();
        let has_more = within.len() > self.limit;
        // Those next to what is named.
        let backwards = self.before.is_some() && self.after.is_none();
        let from = if backwards { within.len().saturating_sub(self.limit) } else { 0 };
        let shown: Vec<&Row<T>> = within.iter().skip(from).take(self.limit).collect();
        Ok(json!({
            "object": "list",
            "data": shown.iter().map(|row| object(&row.of)).collect::<Vec<_>>(),
            "first_id": shown.first().map(|row| &row.id),
            "last_id": shown.last().map(|row| &row.id),
            "has_more": has_more,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(query: &str) -> Result<Cursor, Refusal> {
        let pairs: Vec<(&str, &str)> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        Cursor::read(&|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn rows() -> Vec<Row<i64>> {
        let row = |(id, time): (&str, i64)| Row { id: id.to_owned(), created_at: time, of: time };
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
            let page = read(query).unwrap().page(rows(), |time| json!(time)).unwrap();
            assert_eq!(page["first_id"].as_str(), first, "{query}");
            assert_eq!(page["last_id"].as_str(), last, "{query}");
            assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
            assert_eq!(page["has_more"], has_more, "{query}");
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
        assert_eq!(
            &*read("after=x").unwrap().page(rows(), |time| json!(time)).unwrap_err().param,
            "after"
        );
    }
}
