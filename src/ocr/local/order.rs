//! Lines of a page in the order in which they are read: rows from the top, and within columns of
//! prose one column after the other. The cells of a table stay in their row.

use super::detect::Region;

/// A gutter between columns is at least so wide, in heights of a line.
const GUTTER: f32 = 0.6;

/// Lines of prose are on average longer than so many heights: cells of a table are shorter.
const PROSE: f32 = 9.0;

/// Fewer lines side by side are no columns.
const LINES: usize = 3;

/// Regions that stand beside each other, from the left.
pub(super) type Row = Vec<Placed>;

/// A region with its bounds on a page whose lines are level.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Placed {
    /// Among those that were given.
    pub(super) index: usize,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
}

impl Placed {
    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn middle(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }
}

/// Rows in reading order, those of a column together.
pub(super) fn columns(regions: &[Region]) -> Vec<Vec<Row>> {
    let mut columns = Vec::new();
    separate(rows(level(regions)), &mut columns);
    columns
}

/// As if the page had not been laid askew.
fn level(regions: &[Region]) -> Vec<Placed> {
    let mut slants: Vec<f32> =
        regions.iter().filter(|r| r.half_width > r.half_height * 4.0).map(|r| r.along.1).collect();
    slants.sort_by(f32::total_cmp);
    let sine = slants.get(slants.len() / 2).copied().unwrap_or(0.0);
    let cosine = (1.0 - sine * sine).max(0.0).sqrt();
    let place = |(index, region): (usize, &Region)| {
        let (x, y) = (region.x * cosine + region.y * sine, region.y * cosine - region.x * sine);
        Placed {
            index,
            left: x - region.half_width,
            right: x + region.half_width,
            top: y - region.half_height,
            bottom: y + region.half_height,
        }
    };
    regions.iter().enumerate().map(place).collect()
}

fn rows(mut placed: Vec<Placed>) -> Vec<Row> {
    placed.sort_by(|a, b| a.middle().total_cmp(&b.middle()).then(a.left.total_cmp(&b.left)));
    let mut rows: Vec<Row> = Vec::new();
    for region in placed {
        let beside = |other: &Placed| {
            (region.middle() - other.middle()).abs() <= region.height().min(other.height()) / 2.0
        };
        match rows.last_mut().filter(|row| row.iter().any(beside)) {
            Some(row) => row.push(region),
            None => rows.push(vec![region]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    rows
}

/// Takes columns of prose apart, from the top.
fn separate(rows: Vec<Row>, columns: &mut Vec<Vec<Row>>) {
    let mut rest = rows;
    let mut whole = Vec::new();
    while !rest.is_empty() {
        let Some((length, middle)) = columns_at(&rest) else {
            whole.push(rest.remove(0));
            continue;
        };
        if !whole.is_empty() {
            columns.push(std::mem::take(&mut whole));
        }
        let below = rest.split_off(length);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for row in rest {
            let (west, east): (Row, Row) =
                row.into_iter().partition(|region| region.right <= middle);
            left.extend(west);
            right.extend(east);
        }
        // Rows of one column need not be level with those of the other.
        separate(self::rows(left), columns);
        separate(self::rows(right), columns);
        rest = below;
    }
    if !whole.is_empty() {
        columns.push(whole);
    }
}

/// How many of the first rows stand in two columns of prose, and where between them.
fn columns_at(rows: &[Row]) -> Option<(usize, f32)> {
    let first = rows.first()?;
    let height = first.iter().map(Placed::height).fold(f32::MAX, f32::min);
    // Where one column begins higher, the first row that has both tells the gutter.
    let both = rows.iter().take(LINES).find(|row| row.len() > 1).unwrap_or(first);
    let gaps = both.windows(2).map(|pair| (pair[0].right, pair[1].left));
    let best = gaps
        .filter(|(from, to)| to - from >= height * GUTTER)
        .filter_map(|gap| gutter(rows, gap, height * GUTTER))
        .max_by_key(|(length, _)| *length)?;
    let (length, middle) = best;
    let regions: Vec<&Placed> = rows[..length].iter().flatten().collect();
    let (left, right): (Vec<&Placed>, Vec<&Placed>) =
        regions.into_iter().partition(|region| region.right <= middle);
    (is_prose(&left) && is_prose(&right)).then_some(best)
}

/// How many rows have nothing in a gap, which is narrowed by each, and its middle.
fn gutter(rows: &[Row], gap: (f32, f32), narrowest: f32) -> Option<(usize, f32)> {
    let (mut from, mut to) = gap;
    let mut length = 0;
    for row in rows {
        let middle = f32::midpoint(from, to);
        let (mut left, mut right) = (from, to);
        for region in row {
            if region.right <= middle {
                left = left.max(region.right);
            } else if region.left >= middle {
                right = right.min(region.left);
            } else {
                left = right;
            }
        }
        if right - left < narrowest {
            break;
        }
        (from, to) = (left, right);
        length += 1;
    }
    (length >= LINES).then(|| (length, f32::midpoint(from, to)))
}

fn is_prose(regions: &[&Placed]) -> bool {
    let mut lengths: Vec<f32> = regions
        .iter()
        .map(|region| (region.right - region.left) / region.height().max(1.0))
        .collect();
    lengths.sort_by(f32::total_cmp);
    regions.len() >= LINES && lengths[lengths.len() / 2] >= PROSE
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
        let row = |row: Row| row.into_iter().map(|placed| placed.index).collect();
        let column = |column: Vec<Row>| column.into_iter().map(row).collect();
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
    fn cells_of_a_table_stay_in_their_row() {
        let rows = (0..4_u8).flat_map(|line| {
            [region(0.0, 80.0, f32::from(line)), region(300.0, 380.0, f32::from(line))]
        });
        let rows: Vec<Region> = rows.collect();
        assert_eq!(order(&rows), [vec![vec![0, 1], vec![2, 3], vec![4, 5], vec![6, 7]]]);
    }

    #[test]
    fn rows_of_a_page_that_lies_askew_are_level() {
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
