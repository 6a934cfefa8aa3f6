//! What a file says that its glyphs mean, and how they are placed.

use super::sample::drawn;
use super::*;

fn text(bytes: &[u8]) -> String {
    read(bytes).unwrap().text
}

#[test]
fn a_replacement_that_hides_what_is_seen_is_not_believed() {
    let marked = |said: &str, glyphs: &str| {
        let content = "BDC BT /F1 12 Tf 72 700 Td";
        drawn(&format!("/Span << /ActualText ({said}) >> {content} ({glyphs}) Tj ET EMC"))
    };
    assert_eq!(text(&marked("x", "Backups are kept.")), "Backups are kept.");
    assert_eq!(text(&marked("", "Backups are kept.")), "Backups are kept.");
    assert_eq!(text(&marked("Backups are kept.", "Bckps r kpt.")), "Backups are kept.");
}

#[test]
fn where_letters_say_nothing_the_structure_may_tell_them() {
    let page = |first: &str, second: &str| {
        let mut file = File::new();
        // The page comes after its contents, which are object 4.
        file.catalog =
            "/StructTreeRoot << /K << /S /Document /K [<< /S /P /Pg 5 0 R /K [0 << /Type /MCR \
                        /MCID 1 >>] /ActualText (Backups are kept for 400 days.) >>] >> >>"
                .to_owned();
        file.page(&format!(
            "BT /F1 12 Tf 72 700 Td /Span << /MCID 0 >> BDC ({first}) Tj EMC \
             0 -14 Td /Span << /MCID 1 >> BDC ({second}) Tj EMC 0 -14 Td (Berth 7) Tj ET"
        ));
        file.finish("")
    };
    let told = text(&page("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaa"));
    assert_eq!(told, "Backups are kept for 400 days.\nBerth 7");
    let own = text(&page("Backups are kept for", "many more days."));
    assert_eq!(own, "Backups are kept for\nmany more days.\nBerth 7");
}

#[test]
fn text_along_a_circle_is_one_line() {
    // A stamp: letters of 8 points on a circle of 60, the first at the left, clockwise.
    let letter = |(index, letter): (usize, char)| {
        let angle = (144.0 - 9.0 * index as f32).to_radians();
        let (x, y) = (300.0 + 60.0 * angle.cos(), 400.0 + 60.0 * angle.sin());
        let (a, b) = (angle.sin(), -angle.cos());
        format!("{a:.4} {b:.4} {:.4} {a:.4} {x:.2} {y:.2} Tm ({letter}) Tj", -b)
    };
    let letters: Vec<String> = "HARBOUR BOARD".chars().enumerate().map(letter).collect();
    let stamp = format!("BT /F1 12 Tf {} ET", letters.join(" "));
    let text = text(&drawn(&format!("BT /F1 12 Tf 72 700 Td (Backups are kept.) Tj ET {stamp}")));
    assert_eq!(text, "Backups are kept.\n\nHARBOUR BOARD");
}

#[test]
fn gaps_within_words_are_ignored_where_blanks_are_drawn() {
    let uneven = "[(B) -260 (ack) -220 (u) -200 (ps) 10 ( ) 10 (ar) -230 (e) 10 ( ) 10 (k) -240 (ep) -210 (t)] TJ";
    let content = format!("BT /F1 12 Tf 72 700 Td {uneven} ET");
    assert_eq!(text(&drawn(&content)), "Backups are kept");
    // A single blank that is drawn says nothing about the gaps between words.
    let gaps = "[(Backups) -260 (are) -260 (kept ) 0 (for) -260 (days)] TJ";
    let content = format!("BT /F1 12 Tf 72 700 Td {gaps} ET");
    assert_eq!(text(&drawn(&content)), "Backups are kept for days");
}
