//! Puts the lines of a page into reading order: rows from the top, and columns of prose one after the other.
//! The cells of a table stay in their row.
//!
//! Columns are found by the gutters between them: vertical stretches that no region crosses, with prose on
//! both sides. A region that crosses a gutter (a title, the caption of a wide figure) ends it, so that each
//! gutter has its columns, the lines above them, and the lines below.

use super::detect::Region;

/// Minimum width of a gutter, in line heights. Blanks within a line do not separate regions.
const GUTTER: f32 = 0.3;

/// Minimum median length of lines of prose, in line heights: cells of a table are shorter.
const PROSE: f32 = 9.0;

/// Notes in a margin are narrower than prose beside prose. What distinguishes them from the first column of a
/// table is that few of them are level with a line of the text.
const NOTES: f32 = 5.0;
const LEVEL_NOTES: f32 = 0.5;
const LEVEL: f32 = 0.15;

/// Fewer adjacent lines than this are not columns.
const LINES: usize = 3;

/// Regions beside each other, from the left.
pub(super) type RegionRow = Vec<PlacedRegion>;

/// A region with its bounds on a page with level lines.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct PlacedRegion {
    /// Index among the given regions.
    pub(super) index: usize,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
}

impl PlacedRegion {
    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn middle(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }

    fn is_beside(&self, other: &Self) -> bool {
        (self.middle() - other.middle()).abs() <= self.height().min(other.height()) / 2.0
    }
}

/// A vertical stretch between columns.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Gutter {
    x: f32,
    top: f32,
    bottom: f32,
}

impl Gutter {
    fn is_at(&self, y: f32) -> bool {
        (self.top..=self.bottom).contains(&y)
    }

    fn parts(&self, a: &PlacedRegion, b: &PlacedRegion) -> bool {
        self.is_at(a.middle()) && self.is_at(b.middle()) && (a.left < self.x) != (b.left < self.x)
    }
}

/// Rows in reading order, grouped by column.
pub(super) fn columns(regions: &[Region]) -> Vec<Vec<RegionRow>> {
    let placed = level(regions);
    let gutters = gutters(&placed);
    let mut columns = Vec::new();
    separate(rows(placed, &gutters), &gutters, &mut columns);
    columns
}

/// Places the regions as if the page had been scanned straight.
fn level(regions: &[Region]) -> Vec<PlacedRegion> {
    let mut slants: Vec<f32> =
        regions.iter().filter(|r| r.half_width > r.half_height * 4.0).map(|r| r.along.1).collect();
    slants.sort_by(f32::total_cmp);
    let sine = slants.get(slants.len() / 2).copied().unwrap_or(0.0);
    let cosine = (1.0 - sine * sine).max(0.0).sqrt();
    let place = |(index, region): (usize, &Region)| {
        let (x, y) = (region.x * cosine + region.y * sine, region.y * cosine - region.x * sine);
        PlacedRegion {
            index,
            left: x - region.half_width,
            right: x + region.half_width,
            top: y - region.half_height,
            bottom: y + region.half_height,
        }
    };
    let mut placed: Vec<PlacedRegion> = regions.iter().enumerate().map(place).collect();
    placed.sort_by(|a, b| a.middle().total_cmp(&b.middle()).then(a.left.total_cmp(&b.left)));
    placed
}

/// All gutters at the left edge of a region; `placed` is sorted from the top.
fn gutters(placed: &[PlacedRegion]) -> Vec<Gutter> {
    let Some(height) = median(placed.iter().map(PlacedRegion::height)) else { return Vec::new() };
    let mut edges: Vec<f32> = placed.iter().map(|region| region.left).collect();
    edges.sort_by(f32::total_cmp);
    // Left edges in one column are not exactly aligned: the leftmost is used.
    edges.dedup_by(|edge, kept| *edge - *kept < height / 2.0);
    let mut gutters = Vec::new();
    for edge in edges {
        let (from, to) = (edge - height * GUTTER, edge);
        let crosses = |region: &PlacedRegion| region.left < to && region.right > from;
        for stretch in placed.split(crosses) {
            let x = f32::midpoint(from, to);
            gutters.extend(gutter(stretch, x, height));
        }
    }
    gutters
}

/// The gutter at `x`, if there is prose on both sides of it.
fn gutter(stretch: &[PlacedRegion], x: f32, height: f32) -> Option<Gutter> {
    let (left, right): (Vec<&PlacedRegion>, Vec<&PlacedRegion>) =
        stretch.iter().partition(|region| region.right <= x);
    // The regions directly beside the gutter.
    let next_to = |side: &[&PlacedRegion]| -> Vec<PlacedRegion> {
        let distance = |region: &PlacedRegion| {
            if region.right <= x { x - region.right } else { region.left - x }
        };
        let is_next = |region: &&&PlacedRegion| {
            !side.iter().any(|other| other.is_beside(region) && distance(other) < distance(region))
        };
        side.iter().filter(is_next).map(|region| **region).collect()
    };
    let (left, right) = (next_to(&left), next_to(&right));
    if left.len() < LINES || right.len() < LINES {
        return None;
    }
    let width = |side: &[PlacedRegion]| {
        median(side.iter().map(|it| it.right - it.left)).unwrap_or(0.0) / height
    };
    let (narrow, wide) =
        if width(&left) < width(&right) { (&left, &right) } else { (&right, &left) };
    let is_level = |note: &&PlacedRegion| {
        wide.iter().any(|line| (line.middle() - note.middle()).abs() < height * LEVEL)
    };
    let share = narrow.iter().filter(is_level).count() as f32 / narrow.len() as f32;
    let are_columns = width(narrow) >= PROSE
        || width(narrow) >= NOTES && width(wide) >= PROSE && share < LEVEL_NOTES;
    // If one column ends earlier, the text after the gutter is below both.
    let ends = |side: &[PlacedRegion]| (side[0].middle(), side[side.len() - 1].middle());
    let ((top, bottom), (other_top, other_bottom)) = (ends(&left), ends(&right));
    are_columns.then_some(Gutter { x, top: top.min(other_top), bottom: bottom.max(other_bottom) })
}

/// Regions side by side that no gutter separates; `placed` is sorted from the top.
fn rows(placed: Vec<PlacedRegion>, gutters: &[Gutter]) -> Vec<RegionRow> {
    let mut rows: Vec<RegionRow> = Vec::new();
    for region in placed {
        let belongs = |row: &&mut RegionRow| {
            row.iter().any(|other| region.is_beside(other))
                && !row.iter().any(|other| gutters.iter().any(|it| it.parts(other, &region)))
        };
        // Rows of several columns are interleaved.
        match rows.iter_mut().rev().take(8).find(belongs) {
            Some(row) => row.push(region),
            None => rows.push(vec![region]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    rows
}

/// Separates the columns of the longest gutter, and continues with each of them, with what is above and with
/// what is below.
fn separate(rows: Vec<RegionRow>, gutters: &[Gutter], columns: &mut Vec<Vec<RegionRow>>) {
    let middle = |row: &RegionRow| row[0].middle();
    let parts = |gutter: &&Gutter| {
        let mut sides =
            rows.iter().filter(|row| gutter.is_at(middle(row))).map(|row| row[0].left < gutter.x);
        sides.next().is_some_and(|first| sides.any(|side| side != first))
    };
    let length = |gutter: &Gutter| gutter.bottom - gutter.top;
    let longest =
        gutters.iter().filter(parts).max_by(|a, b| length(a).total_cmp(&length(b))).copied();
    let Some(gutter) = longest else {
        if !rows.is_empty() {
            columns.push(rows);
        }
        return;
    };
    let (mut above, mut left, mut right, mut below) = (vec![], vec![], vec![], vec![]);
    for row in rows {
        let part = if middle(&row) < gutter.top {
            &mut above
        } else if middle(&row) > gutter.bottom {
            &mut below
        } else if row[0].left < gutter.x {
            &mut left
        } else {
            &mut right
        };
        part.push(row);
    }
    for part in [above, left, right, below] {
        separate(part, gutters, columns);
    }
}

pub(super) fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(left: f32, right: f32, line: f32) -> Region {
        let (half_width, half_height) = ((right - left) / 2.0, 10.0);
        let (x, y) = (left + half_width, line * 30.0);
        Region { x, y, half_width, half_height, along: (1.0, 0.0) }
    }

    fn order(regions: &[Region]) -> Vec<Vec<Vec<usize>>> {
        let row = |row: RegionRow| row.into_iter().map(|placed| placed.index).collect();
        let column = |column: Vec<RegionRow>| column.into_iter().map(row).collect();
        columns(regions).into_iter().map(column).collect()
    }

    #[test]
    fn columns_of_prose_are_read_one_after_the_other() {
        let mut page = vec![region(0.0, 900.0, 0.0)];
        for line in 1..5_u8 {
            page.push(region(0.0, 430.0, f32::from(line)));
            page.push(region(470.0, 900.0, f32::from(line) + 0.1));
        }
        page.push(region(0.0, 900.0, 6.0));
        let columns = order(&page);
        let expected: [Vec<Vec<usize>>; 4] = [
            vec![vec![0]],
            vec![vec![1], vec![3], vec![5], vec![7]],
            vec![vec![2], vec![4], vec![6], vec![8]],
            vec![vec![9]],
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn short_lines_and_three_columns_stay_in_their_columns() {
        let mut page = Vec::new();
        for line in 0..6_u8 {
            let short = if line == 2 { 200.0 } else { 0.0 };
            page.push(region(0.0, 280.0 - short, f32::from(line)));
            page.push(region(300.0, 580.0, f32::from(line)));
            page.push(region(600.0, 880.0 - short, f32::from(line)));
        }
        let column = |first: usize| (0..6).map(|line| vec![first + line * 3]).collect::<Vec<_>>();
        assert_eq!(order(&page), [column(0), column(1), column(2)]);
    }

    #[test]
    fn cells_of_a_table_stay_in_their_row() {
        let rows = (0..4_u8).flat_map(|line| {
            [region(0.0, 80.0, f32::from(line)), region(300.0, 380.0, f32::from(line))]
        });
        let rows: Vec<Region> = rows.collect();
        assert_eq!(order(&rows), [vec![vec![0, 1], vec![2, 3], vec![4, 5], vec![6, 7]]]);
        // A name, and a description of two lines.
        let mut names = Vec::new();
        for line in 0..4_u8 {
            names.push(region(0.0, 120.0, f32::from(line) * 2.0));
            names.push(region(300.0, 700.0, f32::from(line) * 2.0));
            names.push(region(300.0, 600.0, f32::from(line) * 2.0 + 1.0));
        }
        assert_eq!(order(&names)[0][..3], [vec![0, 1], vec![2], vec![3, 4]]);
    }

    #[test]
    fn notes_in_the_margin_are_read_after_the_text() {
        let mut page: Vec<Region> =
            (0..8_u8).map(|line| region(0.0, 600.0, f32::from(line))).collect();
        page.extend((0..4_u8).map(|line| region(620.0, 750.0, 1.5 + f32::from(line) * 0.8)));
        let indices = order(&page).concat().concat();
        assert_eq!(indices, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_a_skewed_page_are_level() {
        let sine = 0.05_f32;
        let cosine = (1.0 - sine * sine).sqrt();
        let turned = |region: Region| Region {
            x: region.x * cosine - region.y * sine,
            y: region.x * sine + region.y * cosine,
            along: (cosine, sine),
            ..region
        };
        let rows = (0..3_u8).flat_map(|line| {
            [region(0.0, 200.0, f32::from(line)), region(800.0, 1000.0, f32::from(line))]
        });
        let rows: Vec<Region> = rows.map(turned).collect();
        let indices: Vec<Vec<usize>> = order(&rows).into_iter().flatten().collect();
        assert_eq!(indices.concat().len(), 6);
        assert!(order(&[]).is_empty());
    }
}
