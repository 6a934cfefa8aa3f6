use super::super::glyph::PagePoint;
use super::super::lines::Placement;
use super::*;

/// A page drawn as text: a letter is 5 wide and a line 12 high, and two blanks separate cells. A line that
/// starts with `!` is bold; one that starts with `^` has the base line of the line above it.
fn drawn(page: &str) -> Vec<TextLine> {
    let (right, down) = (PagePoint { x: 1.0, y: 0.0 }, PagePoint { x: 0.0, y: 1.0 });
    let mut base = 0.0;
    let mut line = |drawn: &str| {
        let bold = drawn.starts_with('!');
        base += if drawn.starts_with('^') { 0.0 } else { 12.0 };
        let drawn = drawn.replace(['!', '^'], " ");
        let mut cells: Vec<PdfCell> = Vec::new();
        let mut at = 0;
        for part in drawn.split("  ") {
            let start = at + part.len() - part.trim_start().len();
            let text = part.trim().to_owned();
            let (start, end) = (5.0 * start as f32, 5.0 * (at + part.trim_end().len()) as f32);
            if !text.is_empty() {
                cells.push(PdfCell { text, start, end });
            }
            at += part.len() + 2;
        }
        let text: Vec<&str> = drawn.split_whitespace().collect();
        let (start, end) = (cells.first()?.start, cells.last()?.end);
        let cells = if cells.len() > 1 { cells } else { Vec::new() };
        let place = Placement { right, down, base, size: 10.0 };
        Some(TextLine { text: text.join(" "), place, start, end, bold, cells })
    };
    page.lines().filter_map(&mut line).collect()
}

fn named(page: &str) -> Vec<String> {
    let mut lines = drawn(page);
    name_columns_of(&mut lines, &PageRules::default(), None);
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn rows_below_names_carry_them() {
    let pages: [(&str, &[&str]); 8] = [
        (
            "Port      Fee   Depth\nHull       12     9.5\nKiel        7    10.0\nLübeck    140       -",
            &[
                "Port: Hull | Fee: 12 | Depth: 9.5",
                "Port: Kiel | Fee: 7 | Depth: 10.0",
                "Port: Lübeck | Fee: 140 | Depth: -",
            ],
        ),
        // The first column has no name, and the others are years.
        (
            "The ports of the year\n          2019  2020\nHull        12    13\nKiel         7     8\nGroup\nOslo              10",
            &[
                "The ports of the year",
                "Hull | 2019: 12 | 2020: 13",
                "Kiel | 2019: 7 | 2020: 8",
                "Group",
                "Oslo | 2020: 10",
            ],
        ),
        // Names in two lines.
        (
            "          Number    Share\nPort      of ships  of all\nHull            12    20 %\nKiel             7    30 %\nOslo             9    50 %",
            &[
                "Port: Hull | Number of ships: 12 | Share of all: 20 %",
                "Port: Kiel | Number of ships: 7 | Share of all: 30 %",
                "Port: Oslo | Number of ships: 9 | Share of all: 50 %",
            ],
        ),
        // The same, drawn cell by cell.
        (
            "Port\n^         Fees\n^                 Depth\nHull        12     9.5\nKiel         7    10.0\nOslo         3     7.0",
            &[
                "Port: Hull | Fees: 12 | Depth: 9.5",
                "Port: Kiel | Fees: 7 | Depth: 10.0",
                "Port: Oslo | Fees: 3 | Depth: 7.0",
            ],
        ),
        // Words, but the names are bold.
        (
            "!Port     Owner\nHull      city\nKiel      land\nOslo      state",
            &["Port: Hull | Owner: city", "Port: Kiel | Owner: land", "Port: Oslo | Owner: state"],
        ),
        // A title alone above the first column is not one of the names.
        (
            "Fees\nPort      Fee\nHull       12\nKiel        7\nOslo        3",
            &["Fees", "Port: Hull | Fee: 12", "Port: Kiel | Fee: 7", "Port: Oslo | Fee: 3"],
        ),
        // The title of the first group of rows.
        (
            "Port      Fee:  Depth\nNorth Sea\nHull        12    9.5\nKiel         7    9.0\nOslo         1    8.0",
            &[
                "North Sea",
                "Port: Hull | Fee: 12 | Depth: 9.5",
                "Port: Kiel | Fee: 7 | Depth: 9.0",
                "Port: Oslo | Fee: 1 | Depth: 8.0",
            ],
        ),
        // A name above two columns stays where it is.
        (
            "            of the year\nPort      2019  2020\nHull        12    13\nKiel         7     8\nOslo         1     2",
            &[
                "of the year",
                "Port: Hull | 2019: 12 | 2020: 13",
                "Port: Kiel | 2019: 7 | 2020: 8",
                "Port: Oslo | 2019: 1 | 2020: 2",
            ],
        ),
    ];
    for (page, expected) in pages {
        assert_eq!(named(page), expected, "{page}");
    }
}

#[test]
fn what_is_not_sure_stays_as_it_stands() {
    for page in [
        // No names.
        "Hull       12     9.5\nKiel        7    10.0\nOslo        3     7.0",
        // One column has no name.
        "Port      Fee\nHull       12     9.5\nKiel        7    10.0\nOslo        3     7.0",
        // Two columns have the same name.
        "Port      Fee    Fee\nHull       12     9.5\nKiel        7    10.0\nOslo        3     7.0",
        // Nothing distinguishes the names from the words below.
        "Port      Owner\nHull      city\nKiel      land\nOslo      state",
        // Only two rows.
        "Port      Fee\nHull       12\nKiel        7",
        // The names are far away.
        "Port      Fee\n\n\n\nHull       12\nKiel        7\nOslo        3",
        // The names are the text beside the table.
        "The fee was changed. For  Fee\nall ships it is paid by   12\nthose who own them, who    7\nare in the port of Hull    3",
        // Cells extend into the next column.
        "Port      Fee\nHull and Kiel  7\nKiel        7\nOslo  and  11  1",
        // Text that is set wide.
        "It was  said that the  port has\nno fee  for ships of  any kind\nthat come  there to  rest now",
    ] {
        let expected: Vec<String> = drawn(page).into_iter().map(|line| line.text).collect();
        assert_eq!(named(page), expected, "{page}");
    }
}

/// Names the columns of pages that follow each other. A line of `_` is drawn below the line above it.
fn named_through(pages: &[&str]) -> Vec<String> {
    let page = |drawn_as: &&str| {
        let mut page = PageText::default();
        let mut count = 0.0;
        for line in drawn_as.lines() {
            if line.contains('_') {
                page.rules.push(12.0 * count + 2.0, 0.0, 5.0 * line.len() as f32);
            } else {
                count += 1.0;
            }
        }
        let text: Vec<&str> = drawn_as.lines().filter(|line| !line.contains('_')).collect();
        page.lines = drawn(&text.join("\n"));
        page
    };
    let mut pages: Vec<PageText> = pages.iter().map(page).collect();
    name_columns(&mut pages);
    pages.into_iter().flat_map(|page| page.lines).map(|line| line.text).collect()
}

#[test]
fn a_table_that_goes_on_keeps_its_names() {
    let first = "Port      Fee   Depth\nHull       12     9.5\nKiel        7    10.0\nOslo        3     7.0";
    let rest = |page: &str| named_through(&[first, page]).split_off(3);
    for (page, expected) in [
        // The usual case; rows that are wider, and a single one.
        (
            "Bergen    140   8.5\nRotterdam   9    11.0",
            &["Port: Bergen | Fee: 140 | Depth: 8.5", "Port: Rotterdam | Fee: 9 | Depth: 11.0"][..],
        ),
        ("Bergen    140     8.5", &["Port: Bergen | Fee: 140 | Depth: 8.5"]),
        // Its own names win.
        (
            "Ship      Men   Year\nAda        12   1906\nEva         9   1911\nIda         3   1920",
            &[
                "Ship: Ada | Men: 12 | Year: 1906",
                "Ship: Eva | Men: 9 | Year: 1911",
                "Ship: Ida | Men: 3 | Year: 1920",
            ],
        ),
        // Other columns, words instead of numbers, other text above.
        ("Bergen 140     8.5      7", &["Bergen 140 8.5 7"]),
        ("Bergen    low   high\nOslo      low   high", &["Bergen low high", "Oslo low high"]),
        (
            "So it is.\nAnd is.\nThe end.\nBergen    140     8.5",
            &["So it is.", "And is.", "The end.", "Bergen 140 8.5"],
        ),
    ] {
        assert_eq!(rest(page), expected, "{page}");
    }
    // Text or a page is in between.
    let after = format!("{first}\nThe fees\nare paid\nin crowns.");
    let row = "Bergen    140     8.5";
    for pages in [&[after.as_str(), row][..], &[first, "The end.", row]] {
        assert_eq!(named_through(pages).last().map(String::as_str), Some("Bergen 140 8.5"));
    }
}

#[test]
fn drawn_lines_tell_names_from_rows() {
    for (page, expected) in [
        (
            "_____________________\nPort      Fee   Depth\n_____________________\nHull       12     9.5\n_____________________",
            &["Port: Hull | Fee: 12 | Depth: 9.5"][..],
        ),
        (
            "Port      Fee\n____________\nHull       12\n____________\nKiel        7\n____________",
            &["Port: Hull | Fee: 12", "Port: Kiel | Fee: 7"],
        ),
        // Words below words.
        (
            "Port      Owner\n______________\nHull      city\nKiel      land\n______________",
            &["Port: Hull | Owner: city", "Port: Kiel | Owner: land"],
        ),
        // Words with numbers before them.
        (
            "Port      Wait\n__________________\nHull      3 days\n__________________\nKiel      2 weeks\n__________________",
            &["Port: Hull | Wait: 3 days", "Port: Kiel | Wait: 2 weeks"],
        ),
        // All rows are separated by lines, or only the last one from the text below.
        (
            "Port      Owner\n______________\nHull      city\n______________\nKiel      land\n______________",
            &["Port Owner", "Hull city", "Kiel land"],
        ),
        (
            "Port      Fee\nHull       12\nKiel        7\n____________",
            &["Port Fee", "Hull 12", "Kiel 7"],
        ),
    ] {
        assert_eq!(named_through(&[page]), expected, "{page}");
    }
}

#[test]
fn a_table_below_another_has_names_of_its_own_or_none() {
    let first = "Port      Fee   Depth\nHull       12     9.5\nKiel        7    10.0\nOslo        3     7.0\n";
    for (page, expected) in [
        (
            "!Ship     Men   Year\nAda        12   1906\nEva         9   1911\nIda         3   1920",
            &[
                "Ship: Ada | Men: 12 | Year: 1906",
                "Ship: Eva | Men: 9 | Year: 1911",
                "Ship: Ida | Men: 3 | Year: 1920",
            ][..],
        ),
        (
            "Ship      Men   Year\nAda        12   1906\nEva         9   1911",
            &["Ship Men Year", "Ada 12 1906", "Eva 9 1911"],
        ),
        // A row of the same table.
        (
            "Bergen      -   10.0\nStade    free   shallow\nHusum       2    1.0",
            &[
                "Port: Bergen | Fee: - | Depth: 10.0",
                "Port: Stade | Fee: free | Depth: shallow",
                "Port: Husum | Fee: 2 | Depth: 1.0",
            ],
        ),
    ] {
        assert_eq!(named(&format!("{first}{page}")).split_off(3), expected, "{page}");
    }
}

#[test]
fn columns_are_where_most_rows_have_something() {
    let mut page = "aa   bb\n".repeat(19) + "aaaaaaaa\n";
    page.push_str("aa   bb\n");
    let lines = drawn(&page);
    let found = columns(lines.iter().filter(|line| !line.cells.is_empty()));
    let expected = [Column { start: 0.0, end: 10.0 }, Column { start: 25.0, end: 35.0 }];
    assert_eq!(found, expected);
}
