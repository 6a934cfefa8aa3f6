//! The reading order of the shapes of a slide: by their places, since the order in the file is that in which
//! they were drawn.
//!
//! Columns are read one by one: they are rows from the top that share a gap from top to bottom. Anything across
//! the columns, above or below them, is a row of its own.

use std::collections::VecDeque;

use super::{SlideItem, SlideShape};

/// The place of a shape, in the units of its document.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::ingest::extract) struct SlidePosition {
    pub(in crate::ingest::extract) left: f64,
    pub(in crate::ingest::extract) top: f64,
    pub(in crate::ingest::extract) width: f64,
    pub(in crate::ingest::extract) height: f64,
}

impl SlidePosition {
    /// The smallest place that covers both.
    pub(in crate::ingest::extract) fn union(self, other: Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self { left, top, width: right - left, height: bottom - top }
    }
}

/// More shapes than this are read from top to bottom.
const MOST: usize = 400;

/// The share of their size by which shapes may overlap and still count as separate.
const OVERLAP: f64 = 0.08;

/// The shapes with text, in reading order. One without a place follows the one drawn before it.
pub(super) fn shapes(items: &[SlideItem]) -> Vec<&SlideShape> {
    let mut placed = Vec::new();
    let mut last = SlidePosition { left: f64::MIN, top: f64::MIN, width: 0.0, height: 0.0 };
    for item in items.iter().filter(|item| has_text(item)) {
        last = item.place().unwrap_or(last);
        placed.push((last, item));
    }
    let items = ordered(placed).into_iter();
    let read = items.flat_map(|(_, item)| match item {
        SlideItem::Shape(shape) => vec![shape],
        SlideItem::Group(_, items) => shapes(items),
    });
    read.collect()
}

fn has_text(item: &SlideItem) -> bool {
    match item {
        SlideItem::Shape(shape) => !shape.blocks.is_empty(),
        SlideItem::Group(_, items) => items.iter().any(has_text),
    }
}

fn ordered<T>(mut items: Vec<(SlidePosition, T)>) -> Vec<(SlidePosition, T)> {
    if !(2..=MOST).contains(&items.len()) {
        downwards(&mut items);
        return items;
    }
    let mut rows = VecDeque::from(parts(items, |place| (place.top, place.height)));
    let mut out = Vec::new();
    while let Some(mut together) = rows.pop_front() {
        while column_count(&together) > 1
            && let Some(next) = rows.pop_front()
        {
            let row = together.len();
            together.extend(next);
            if column_count(&together) < 2 {
                rows.push_front(together.split_off(row));
                break;
            }
        }
        let mut columns = parts(together, |place| (place.left, place.width));
        match columns.as_mut_slice() {
            // Shapes in one row and one column overlap.
            [column] => {
                downwards(column);
                out.append(column);
            }
            _ => out.extend(columns.into_iter().flat_map(ordered)),
        }
    }
    out
}

fn downwards<T>(items: &mut [(SlidePosition, T)]) {
    items.sort_by(|(a, _), (b, _)| a.top.total_cmp(&b.top).then(a.left.total_cmp(&b.left)));
}

/// How many columns are side by side.
fn column_count<T>(items: &[(SlidePosition, T)]) -> usize {
    let places = items.iter().map(|(place, _)| (*place, ())).collect();
    parts(places, |place| (place.left, place.width)).len()
}

/// Splits items where there is a gap along an axis; `along` returns where a place starts on it, and its length.
fn parts<T>(
    mut items: Vec<(SlidePosition, T)>,
    along: impl Fn(&SlidePosition) -> (f64, f64),
) -> Vec<Vec<(SlidePosition, T)>> {
    items.sort_by(|(a, _), (b, _)| along(a).0.total_cmp(&along(b).0));
    let mut parts: Vec<Vec<(SlidePosition, T)>> = Vec::new();
    let mut end = f64::MIN;
    for item in items {
        let (start, length) = along(&item.0);
        let (from, to) = (start + length * OVERLAP, start + length * (1.0 - OVERLAP));
        match parts.last_mut() {
            Some(part) if from < end => part.push(item),
            _ => parts.push(vec![item]),
        }
        end = end.max(to);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of places in reading order; each is given as name, left, top, width and height.
    fn read(places: &[(&'static str, f64, f64, f64, f64)]) -> String {
        let place = |&(name, left, top, width, height): &(&'static str, f64, f64, f64, f64)| {
            (SlidePosition { left, top, width, height }, name)
        };
        let items = ordered(places.iter().map(place).collect());
        items.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_are_read_one_by_one() {
        let comparison = [
            ("b2", 50.0, 30.0, 40.0, 50.0),
            ("foot", 0.0, 90.0, 100.0, 5.0),
            ("h1", 5.0, 20.0, 40.0, 8.0),
            ("h2", 50.0, 20.0, 40.0, 8.0),
            ("b1", 5.0, 29.0, 40.0, 50.0),
            ("top", 0.0, 0.0, 100.0, 15.0),
        ];
        assert_eq!(read(&comparison), "top h1 b1 h2 b2 foot");
    }

    #[test]
    fn rows_columns_and_what_overlaps() {
        let steps = [
            ("3", 60.0, 10.0, 25.0, 10.0),
            ("1", 0.0, 11.0, 25.0, 10.0),
            ("2", 30.0, 9.0, 25.0, 10.0),
        ];
        assert_eq!(read(&steps), "1 2 3");
        let list = [("b", 0.0, 20.0, 50.0, 11.0), ("a", 0.0, 10.0, 50.0, 11.0)];
        assert_eq!(read(&list), "a b");
        let over = [("b", 5.0, 12.0, 50.0, 50.0), ("a", 0.0, 10.0, 50.0, 50.0)];
        assert_eq!(read(&over), "a b");
        let beside = [
            ("note", 60.0, 0.0, 30.0, 90.0),
            ("lower", 0.0, 50.0, 50.0, 30.0),
            ("upper", 0.0, 10.0, 50.0, 30.0),
        ];
        assert_eq!(read(&beside), "upper lower note");
    }

    #[test]
    fn many_or_odd_places_are_survived() {
        let odd =
            SlidePosition { left: f64::NAN, top: f64::INFINITY, width: -1.0, height: f64::NAN };
        assert_eq!(ordered(vec![(odd, 1); 3]).len(), 3);
        let many = (0..5000).map(|n| SlidePosition {
            left: 0.0,
            top: f64::from(-n),
            width: 1.0,
            height: 2.0,
        });
        let many = ordered(many.map(|place| (place, place.top)).collect());
        assert!(many.is_sorted_by(|(_, a), (_, b)| a <= b));
    }
}
