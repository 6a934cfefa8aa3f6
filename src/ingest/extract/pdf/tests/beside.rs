//! Tests of what is not in the contents of pages: fields, notes, the outline.

use super::*;

#[test]
fn values_of_fields_and_notes_are_read() {
    let mut file = File::new();
    let parent = file.object("<< /FT /Tx /T (berth) /TU (Berth number) /V (Quay 7) >>");
    let drawn = file.stream("/Subtype /Form /BBox [0 0 90 20]", b"BT /F1 9 Tf (drawn) Tj ET");
    let empty = file.stream("/Subtype /Form /BBox [0 0 90 20]", b"/Tx BMC EMC");
    let box_ = "/Type /Annot /Rect [72 600 162 620]";
    file.entries = format!(
        "/Annots [<< {box_} /Subtype /Widget /Parent {parent} 0 R >> \
         << {box_} /Subtype /Widget /FT /Ch /T (ships) /V [(Anna) (Berta)] >> \
         << {box_} /Subtype /Widget /FT /Tx /T (x) /V (not twice) /AP << /N {drawn} 0 R >> >> \
         << {box_} /Subtype /Widget /FT /Tx /T (mate) /V (Alice) /AP << /N {empty} 0 R >> >> \
         << {box_} /Subtype /Widget /FT /Tx /Ff 8192 /T (key) /V (hidden) >> \
         << {box_} /Subtype /Widget /FT /Tx /F 2 /T (x) /V (hidden) >> \
         << {box_} /Subtype /Text /Contents (Ask the pilot.) >> \
         << {box_} /Subtype /Link /Contents (x) >>]"
    );
    file.page("BT /F1 12 Tf 72 700 Td (Form) Tj ET");
    let text = read(&file.finish("")).unwrap().text;
    assert!(text.starts_with("Form\n\n"), "{text}");
    assert!(
        text.ends_with(
            "Berth number: Quay 7\n\nships: Anna, Berta\n\nmate: Alice\n\nNote: Ask the pilot."
        ),
        "{text}"
    );
    assert!(
        text.contains("drawn") && !text.contains("not twice") && !text.contains("hidden"),
        "{text}"
    );
}

fn headings(document: &Document) -> Vec<(&str, String)> {
    let ends = document.sections.iter().skip(1).map(|section| section.offset);
    let ends = ends.chain([document.text.len()]);
    let parts = document.sections.iter().zip(ends);
    parts
        .map(|(part, end)| (document.text[part.offset..end].trim_end(), part.headings.join(" > ")))
        .collect()
}

#[test]
fn the_outline_gives_headings() {
    let page = |first: &str, title: &str, text: &str| {
        let text = format!("({text}) ' ").repeat(SMALL / text.len() + 1);
        format!("BT /F1 12 Tf 14 TL 72 700 Td ({first}) Tj ({title}) ' {text} ET")
    };
    let mut file = File::new();
    file.page(&page(
        "Preface",
        "1. Pumps",
        "The valve opens when the pressure in the vessel is too high.",
    ));
    file.page(&page(
        "It closes.",
        "1.1 Seals",
        "They last for two years where the water is clean and cold.",
    ));
    // Pages are objects 5 and 7.
    let seals = "<< /Title (Seals) /Dest [7 0 R /Fit] >>";
    let pumps = format!("<< /Title (Pumps) /Dest [5 0 R /XYZ 0 0 0] /First {seals} >>");
    file.catalog = format!("/Outlines << /First {pumps} >>");
    let document = read(&file.finish("")).unwrap();
    let expected = [
        ("Preface", ""),
        ("1. Pumps", "Pumps"),
        ("It closes.", "Pumps"),
        ("1.1 Seals", "Pumps > Seals"),
    ];
    let first = |text: &str| text.lines().next().unwrap().to_owned();
    let found: Vec<_> =
        headings(&document).into_iter().map(|(text, path)| (first(text), path)).collect();
    assert_eq!(found, expected.map(|(text, path)| (text.to_owned(), path.to_owned())));
}

#[test]
fn larger_letters_are_headings() {
    let text =
        "0 -14 Td (The valve opens when the pressure in the vessel is too high.) Tj ".repeat(16);
    let mut file = File::new();
    file.page(&format!(
        "BT 72 700 Td /F1 20 Tf (Pumps) Tj /F1 11 Tf {text} /F1 15 Tf 0 -30 Td (Seals) Tj /F1 11 Tf {text} ET"
    ));
    file.page(&format!(
        "BT 72 700 Td /F1 11 Tf {text} /F1 20 Tf 0 -30 Td (Tanks) Tj /F1 11 Tf {text} ET"
    ));
    let document = read(&file.finish("")).unwrap();
    let paths: Vec<String> = headings(&document).into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["Pumps", "Pumps > Seals", "Pumps > Seals", "Tanks"]);
}

#[test]
fn small_parts_stay_together_under_the_headings_that_they_share() {
    let text = "0 -14 Td (The valve opens.) Tj ".repeat(6);
    let mut file = File::new();
    file.page(&format!(
        "BT 72 700 Td /F1 20 Tf (Pumps) Tj /F1 11 Tf {text} /F1 15 Tf 0 -30 Td (Seals) Tj /F1 11 Tf {text} ET"
    ));
    file.page(&format!("BT 72 700 Td /F1 15 Tf (Rings) Tj /F1 11 Tf {text} ET"));
    let document = read(&file.finish("")).unwrap();
    let paths: Vec<String> = headings(&document).into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["Pumps", "Pumps > Rings"]);
}
