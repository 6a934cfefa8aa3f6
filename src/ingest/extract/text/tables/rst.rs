//! Tables of reStructuredText: drawn as a grid or with borders, and the directives `list-table` and
//! `csv-table`.

mod directive;
mod grid;
mod simple;

use super::Drawn;

pub(super) fn tables(lines: &[&str]) -> Vec<Drawn> {
    let mut tables = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        let line = lines[at].trim();
        let (table, taken) = if grid::is_border(line) {
            grid::table(rest, at)
        } else if simple::is_border(line) && line.contains(' ') {
            simple::table(rest, at)
        } else if line.starts_with(".. list-table::") || line.starts_with(".. csv-table::") {
            directive::table(rest, at)
        } else {
            (None, 1)
        };
        tables.extend(table);
        at += taken.max(1);
    }
    tables
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The characters of a line between two columns of the drawing.
fn slice(line: &str, from: usize, to: usize) -> String {
    line.trim_end().chars().skip(from).take(to.saturating_sub(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::is_named;
    use crate::ingest::document::Syntax;

    #[test]
    fn drawn_as_a_grid() {
        is_named(
            "Fees\n====\n\n+------+----+\n| Port | In |\n|      | May|\n+======+====+\n| Oslo | 3  |\n+------+----+\n| Ulm  | 4  |\n|      | or |\n+------+----+\n\nafter\n",
            Syntax::Rst,
            "Fees\n====\n\n\n\n\n\nPort: Oslo | In May: 3\n\nPort: Ulm | In May: 4 or\n\n\n\nafter\n",
        );
    }

    #[test]
    fn merged_cells_of_a_grid() {
        is_named(
            "  +------+-----------+\n  | Port | Fee       |\n  |      +-----+-----+\n  |      | May | Oct |\n  +======+=====+=====+\n  | Oslo | 3   | 4   |\n  |      +-----+-----+\n  |      | 5   | 6   |\n  +------+-----+-----+\n  | Ulm  | 7         |\n  +------+-----------+\n",
            Syntax::Rst,
            "\n\n\n\n\n  Port: Oslo | Fee, May: 3 | Fee, Oct: 4\n\n  Port: Oslo | Fee, May: 5 | Fee, Oct: 6\n\n  Port: Ulm | Fee, May: 7 | Fee, Oct: 7\n\n",
        );
    }

    #[test]
    fn drawn_with_borders() {
        is_named(
            "====  ======\nPort  Fee\n====  ======\nOslo  three\n      crowns\nUlm   4\n====  ======\n\nafter\n",
            Syntax::Rst,
            "\n\n\nPort: Oslo | Fee: three crowns\n\nPort: Ulm | Fee: 4\n\n\nafter\n",
        );
        is_named(
            "====  ===  ===\n\\        Fee\n----  --------\nPort  May  Oct\n====  ===  ===\nOslo  3    4\n\nUlm   5    6\n====  ===  ===\n",
            Syntax::Rst,
            "\n\n\n\n\nPort: Oslo | Fee, May: 3 | Fee, Oct: 4\n\nPort: Ulm | Fee, May: 5 | Fee, Oct: 6\n\n",
        );
        let headless = "====  ===\nOslo  3\nUlm   4\n====  ===\n\nafter\n\n====  ===\na     b\n====  ===\n1     2\n====  ===\n";
        let expected = "====  ===\nOslo  3\nUlm   4\n====  ===\n\nafter\n\n\n\n\na: 1 | b: 2\n\n";
        is_named(headless, Syntax::Rst, expected);
    }

    #[test]
    fn directives() {
        is_named(
            ".. list-table:: Fees\n   :widths: 1 2\n   :header-rows: 1\n\n   * - Port\n     - Summer\n       fee\n   * - Oslo\n     - - 3\n       - 4\n   * - Ulm\n     -\nafter\n",
            Syntax::Rst,
            ".. list-table:: Fees\n\n\n\n\n\n\n   Port: Oslo | Summer fee: - 3 - 4\n\n\n   Port: Ulm\n\nafter\n",
        );
        is_named(
            ".. csv-table:: Fees\n   :header: \"Port\", \"Fee\"\n\n   Oslo, \"3, or\n   4\"\n   Ulm, 5\n\nafter\n",
            Syntax::Rst,
            ".. csv-table:: Fees\n\n\n   Port: Oslo | Fee: 3, or 4\n\n   Port: Ulm | Fee: 5\n\nafter\n",
        );
        is_named(
            ".. csv-table::\n   :header-rows: 1\n\n   Port, Fee\n   Oslo, 3\n",
            Syntax::Rst,
            ".. csv-table::\n\n\n\n   Port: Oslo | Fee: 3\n",
        );
        for text in [
            ".. csv-table:: Fees\n   :file: fees.csv\n   :header-rows: 1\n\nafter\n",
            ".. list-table::\n\n   * - Oslo\n     - 3\n   * - Ulm\n     - 4\n",
        ] {
            is_named(text, Syntax::Rst, text);
        }
    }
}
