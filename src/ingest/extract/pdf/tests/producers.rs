//! One leaflet as five programs print it (`tests/fixtures/producers/make.py`).

use super::*;

const TITLE: &str = "Valves of the harbour lock";
const PARAGRAPH: &str = "The office keeps a telecommunication line to the lock keeper. Whoever finds a \
    state-of-the-art valve leaking reports it at once: an efficient first fix in Österå takes five minutes, \
    and “no one is to wait” for more than that.";

#[test]
fn all_producers_are_read_alike() {
    for producer in ["chromium", "fpdf2", "libreoffice", "reportlab", "typst"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/producers/");
        let document = read(&std::fs::read(format!("{folder}{producer}.pdf")).unwrap()).unwrap();
        assert_eq!(document.title, TITLE, "{producer}");
        let flowing = |text: &str| text.replace('\n', " ");
        let paragraphs: Vec<String> = document.text.split("\n\n").map(flowing).collect();
        assert_eq!(paragraphs[..3], [TITLE, PARAGRAPH, "Pressures"], "{producer}");
        let rest = document.text.rsplit("Pressures").next().unwrap();
        let rest: Vec<&str> = rest.lines().map(|line| line.trim_matches(['•', ' '])).collect();
        let rest: Vec<&str> = rest.into_iter().filter(|line| !line.is_empty()).collect();
        // With two rows, drawn lines have to show which is the header.
        let rows: &[&str] = match producer {
            "libreoffice" => {
                &["Valve Pressure Checked", "North 12.5 bar weekly", "South 9 bar each month"]
            }
            _ => &[
                "Valve: North | Pressure: 12.5 bar | Checked: weekly",
                "Valve: South | Pressure: 9 bar | Checked: each month",
            ],
        };
        let items = ["Close the gate first.", "Write down the hour."];
        assert_eq!(rest, [rows, &items].concat(), "{producer}");
        // A text this short is one section.
        let [section] = &document.sections[..] else { panic!("{producer}: one section") };
        assert_eq!(section.headings, [TITLE], "{producer}");
    }
}
