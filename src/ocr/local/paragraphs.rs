//! Finds the rows of a column that begin a paragraph.

use super::order::{PlacedRegion, RegionRow, median};

/// A row begins a paragraph if its distance from the row above exceeds the usual one by this share of a
/// line's height, or if one of the two rows is this many times as high as the other.
const FARTHER: f32 = 0.35;
const HIGHER: f32 = 1.5;

/// Or if it is indented by this share of a line's height, the rows around it are not, and it is filled: it
/// ends within this many heights of the end of the column.
const INDENTED: f32 = 0.7;
const FILLED: f32 = 2.0;

/// Minimum number of rows from which the usual distance can be determined.
const TELLING: usize = 4;

/// Whether each row of a column begins a paragraph. `usual`: the distance between most rows of the page.
pub(super) fn begins(column: &[RegionRow], usual: f32) -> Vec<bool> {
    let bounds: Vec<PlacedRegion> = column.iter().map(bounds).collect();
    let usual = if bounds.len() > TELLING { pitch(&bounds).unwrap_or(usual) } else { usual };
    let end = bounds.iter().map(|row| row.right).fold(0.0, f32::max);
    let is_indented =
        |row: &PlacedRegion, other: &PlacedRegion| row.left > other.left + row.height() * INDENTED;
    (0..bounds.len())
        .map(|at| {
            let row = &bounds[at];
            let Some(above) = at.checked_sub(1).map(|at| &bounds[at]) else { return true };
            let (low, high) = (row.height().min(above.height()), row.height().max(above.height()));
            let is_apart = row.middle() - above.middle() > usual + low * FARTHER;
            let is_filled = row.right > end - row.height() * FILLED;
            let below = bounds.get(at + 1);
            let is_first = is_indented(row, above) && below.is_some_and(|it| is_indented(row, it));
            is_apart || high > low * HIGHER || is_first && is_filled
        })
        .collect()
}

/// The distance between most rows of these columns; 0 if there are no columns.
pub(super) fn usual(columns: &[Vec<RegionRow>]) -> f32 {
    let pitches = columns.iter().flat_map(|column| {
        let bounds: Vec<PlacedRegion> = column.iter().map(bounds).collect();
        distances(&bounds).collect::<Vec<_>>()
    });
    median(pitches).unwrap_or(0.0)
}

fn pitch(rows: &[PlacedRegion]) -> Option<f32> {
    median(distances(rows))
}

fn distances(rows: &[PlacedRegion]) -> impl Iterator<Item = f32> + '_ {
    rows.windows(2).map(|pair| pair[1].middle() - pair[0].middle())
}

/// The bounds of a row: from its left end to its right end, as high as its highest region.
fn bounds(row: &RegionRow) -> PlacedRegion {
    let tallest = row.iter().max_by(|a, b| a.height().total_cmp(&b.height()));
    let mut bounds = *tallest.unwrap_or(&row[0]);
    for region in row {
        bounds.left = bounds.left.min(region.left);
        bounds.right = bounds.right.max(region.right);
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indices of the rows that begin a paragraph, for rows with these left ends, middles and heights.
    fn begun(rows: &[(f32, f32, f32)]) -> Vec<usize> {
        let row = |(left, middle, height): &(f32, f32, f32)| {
            let (top, bottom) = (middle - height / 2.0, middle + height / 2.0);
            vec![PlacedRegion { index: 0, left: *left, right: 500.0, top, bottom }]
        };
        let column: Vec<RegionRow> = rows.iter().map(row).collect();
        let begins = begins(&column, usual(std::slice::from_ref(&column)));
        (0..rows.len()).filter(|at| begins[*at]).collect()
    }

    #[test]
    fn paragraphs_begin_after_gaps_where_indented_and_under_headings() {
        let even: Vec<_> = (0..8_u8).map(|row| (0.0, f32::from(row) * 30.0, 20.0)).collect();
        assert_eq!(begun(&even), [0]);
        let mut gap = even.clone();
        gap[4..].iter_mut().for_each(|row| row.1 += 15.0);
        assert_eq!(begun(&gap), [0, 4]);
        let mut indented = even.clone();
        indented[3].0 = 20.0;
        assert_eq!(begun(&indented), [0, 3]);
        // A list is indented as a whole.
        indented[4].0 = 20.0;
        assert_eq!(begun(&indented), [0]);
        let mut heading = even;
        heading[0].2 = 35.0;
        assert_eq!(begun(&heading), [0, 1]);
        assert_eq!(begun(&[]), [] as [usize; 0]);
    }
}
