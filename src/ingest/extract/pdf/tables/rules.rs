//! The lines that a page draws: where one separates the names of columns from the rows below.

/// Shortest line that counts, in points.
pub(in crate::ingest::extract::pdf) const SHORTEST: f32 = 10.0;

/// Most lines that are kept. Tables of a page have fewer; drawings have more.
const MAX: usize = 4_000;

/// Parts of one line, such as the borders of cells, are within this many points.
const THICK: f32 = 1.5;

/// Smallest share of a table's width that a line between its rows covers.
const WIDE: f32 = 0.8;

/// A line across the page.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Rule {
    at: f32,
    start: f32,
    end: f32,
}

/// The lines across a page.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::ingest::extract::pdf) struct PageRules(Vec<Rule>);

impl PageRules {
    /// Adds a line from `start` to `end` along the page, which is `at` from its top.
    pub(in crate::ingest::extract::pdf) fn push(&mut self, at: f32, start: f32, end: f32) {
        let (start, end) = (start.min(end), start.max(end));
        if end - start >= SHORTEST && self.0.len() < MAX {
            self.0.push(Rule { at, start, end });
        }
    }

    /// Whether a line between two heights of the page covers what is between `along`.
    pub(super) fn part(&self, (top, bottom): (f32, f32), along: (f32, f32)) -> bool {
        let within = |rule: &&Rule| rule.at > top && rule.at < bottom;
        self.0
            .iter()
            .filter(within)
            .any(|rule| self.covered(rule.at, along) >= WIDE * (along.1 - along.0))
    }

    /// How much of what is between `along` the lines at this height cover.
    fn covered(&self, at: f32, (start, end): (f32, f32)) -> f32 {
        let level = self.0.iter().filter(|rule| (rule.at - at).abs() <= THICK);
        let mut parts: Vec<(f32, f32)> =
            level.map(|rule| (rule.start.max(start), rule.end.min(end))).collect();
        parts.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (mut covered, mut reached) = (0.0, start);
        for (start, end) in parts {
            covered += (end - start.max(reached)).max(0.0);
            reached = reached.max(end);
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_be_drawn_cell_by_cell() {
        let mut rules = PageRules::default();
        rules.push(100.0, 50.0, 150.0);
        rules.push(100.4, 250.0, 150.0);
        rules.push(140.0, 50.0, 120.0);
        rules.push(160.0, 50.0, 55.0);
        for (heights, along, expected) in [
            ((90.0, 110.0), (60.0, 240.0), true),
            ((90.0, 110.0), (60.0, 400.0), false),
            ((130.0, 150.0), (60.0, 240.0), false),
            ((150.0, 170.0), (50.0, 55.0), false),
        ] {
            assert_eq!(rules.part(heights, along), expected, "{heights:?} {along:?}");
        }
    }
}
