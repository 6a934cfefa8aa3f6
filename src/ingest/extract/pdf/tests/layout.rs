//! What real producers do, each in the smallest file that shows it.

use super::*;
use crate::ingest::extract::pdf::blank_font::blank_font;

fn text(content: &str) -> String {
    read(&sample::drawn(content)).unwrap().text
}

/// A file whose font /F2 has these letters from code 1 on, with this value for its widths.
fn with_letters(letters: &[&str], widths: &str, content: &str) -> String {
    let mut file = File::new();
    let hex = |letters: &str| -> Vec<String> {
        letters.encode_utf16().map(|unit| format!("{unit:04x}")).collect()
    };
    let code =
        |(code, letters): (u16, &&str)| format!("<{code:04x}> <{}>\n", hex(letters).concat());
    let codes = (1..).zip(letters).map(code).collect::<Vec<_>>().concat();
    let map = format!(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def \
         1 begincodespacerange <0000> <ffff> endcodespacerange\n{} beginbfchar\n{codes}endbfchar \
         endcmap end end",
        letters.len()
    );
    let map = file.stream("", map.as_bytes());
    let font = file.object(format!(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X {widths} \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> \
         /FontDescriptor << /Type /FontDescriptor /FontName /X /Flags 4 >> >>"
    ));
    let font = file.object(format!(
        "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H \
         /DescendantFonts [{font} 0 R] /ToUnicode {map} 0 R >>"
    ));
    file.fonts = format!("/F2 {font} 0 R");
    file.page(content);
    read(&file.finish("")).unwrap().text
}

#[test]
fn turned_text_has_its_blanks_and_lines() {
    for matrix in ["1 0 0 1 60 700", "0 1 -1 0 300 60", "-1 0 0 -1 550 300", "0 -1 1 0 300 780"] {
        let words =
            "1 0 0 1 0 0 Tm (Harbour) Tj 1 0 0 1 60 0 Tm (fee) Tj 1 0 0 1 0 -16 Tm (Row) Tj";
        let content = format!("q {matrix} cm BT /F1 12 Tf {words} ET Q");
        assert_eq!(text(&content), "Harbour fee\nRow", "{matrix}");
    }
}

#[test]
fn a_turned_page_is_read_as_it_is_held() {
    let mut file = File::new();
    file.entries = "/Rotate 90".to_owned();
    file.page("BT /F1 12 Tf 0 1 -1 0 300 60 Tm (Plan) Tj 0 1 -1 0 300 160 Tm (Price) Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "Plan Price");
}

#[test]
fn lines_of_all_operators_are_read() {
    let content =
        "BT /F1 11 Tf 14 TL 72 700 Td (one) Tj (two) ' 0 0 (three) \" T* [(fo) -20 (ur)] TJ ET";
    assert_eq!(text(content), "one\ntwo\nthree\nfour");
}

#[test]
fn widths_may_be_ranges_and_glyphs_come_one_by_one() {
    for widths in ["/DW 0 /W [1 4 600]", "/DW 0 /W [1 [600 600 600 600]]", "/DW 600"] {
        let content = "BT /F2 10 Tf 72 700 Td <0001> Tj 6 0 Td <0002> Tj 6 0 Td <0003> Tj 6 0 Td <0004> Tj ET";
        assert_eq!(with_letters(&["f", "o", "u", "r"], widths, content), "four", "{widths}");
    }
}

#[test]
fn a_font_that_is_not_embedded_is_as_wide_as_the_file_says() {
    let mut file = File::new();
    let font = file.object(format!(
        "<< /Type /Font /Subtype /TrueType /BaseFont /Condensed /Encoding /WinAnsiEncoding \
         /FirstChar 32 /LastChar 122 /Widths [{}] >>",
        "300 ".repeat(91)
    ));
    file.fonts = format!("/F2 {font} 0 R");
    file.page("BT /F2 10 Tf 72 700 Td (milli) Tj 15 0 Td (metre) Tj 18 0 Td (wide) Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "millimetre wide");
}

#[test]
fn right_to_left_letters_are_read_in_their_order() {
    let letters = ["א", "ב", "ג", " ", "9", "لا"];
    // In their order from left to right: גב 9 א.
    let seen = "BT /F2 10 Tf 72 700 Td <0003000200040005000400010006> Tj ET";
    assert_eq!(with_letters(&letters, "/DW 600", seen), "لاא 9 בג");
    // In reading order, each glyph placed.
    let logical = "BT /F2 10 Tf 90 700 Td <0001> Tj -6 0 Td <0002> Tj -6 0 Td <0003> Tj ET";
    assert_eq!(with_letters(&letters, "/DW 600", logical), "אבג");
}

#[test]
fn a_blank_below_a_letter_parts_nothing() {
    let letters = ["א", "ב", "ג", " "];
    // The blank at the end of the line is drawn first, where the last letter will be.
    let far =
        "BT /F2 10 Tf 72 700 Td <0004> Tj 12 0 Td <0001> Tj -6 0 Td <0002> Tj -6 0 Td <0003> Tj ET";
    assert_eq!(with_letters(&letters, "/DW 600", far), "אבג");
    // A narrow blank between two letters separates them, though they reach below it.
    let narrow = "BT /F2 10 Tf 72 700 Td <0001> Tj -3 0 Td <0004> Tj -3 0 Td <0002> Tj ET";
    assert_eq!(with_letters(&letters, "/W [4 [300]] /DW 600", narrow), "א ב");
}

#[test]
fn marks_stay_on_their_letters_where_a_line_is_turned() {
    let letters = ["ا", "ض", "\u{64B}", "ي"];
    let seen =
        "BT /F2 10 Tf 72 700 Td <0001> Tj 6 0 Td <0002> Tj 2 0 Td <0003> Tj 4 0 Td <0004> Tj ET";
    assert_eq!(with_letters(&letters, "/W [3 [0]] /DW 600", seen), "يض\u{64B}ا");
}

#[test]
fn what_is_printed_again_for_bold_is_read_once() {
    let again = "1 0 0 1 72 700 Tm (Fake bold) Tj 1 0 0 1 72.3 700 Tm (Fake bold) Tj";
    assert_eq!(text(&format!("BT /F1 12 Tf {again} ET")), "Fake bold");
    let place = |at: u32, letter: char| format!("1 0 0 1 {at} 700 Tm ({letter}) Tj ");
    let twice =
        |at: u32, letter| place(at, letter) + &place(at, letter).replace(" 700", ".3 700.2");
    let letters: Vec<String> =
        (0..).zip("BOLD".chars()).map(|(at, l)| twice(72 + 8 * at, l)).collect();
    assert_eq!(text(&format!("BT /F1 12 Tf {} ET", letters.concat())), "BOLD");
    assert_eq!(text("BT /F1 12 Tf 2 Tr 72 700 Td (Outlined) Tj (book) Tj ET"), "Outlinedbook");
    assert_eq!(text("BT /F1 12 Tf 72 700 Td (ill 1000) Tj ET"), "ill 1000");
}

#[test]
fn spaced_letters_are_a_word_and_spaced_figures_are_not() {
    assert_eq!(text("BT /F1 12 Tf 5 Tc 72 700 Td (SUMMARY) Tj ET"), "SUMMARY");
    assert_eq!(text("BT /F1 12 Tf 5 Tc 72 700 Td (FIRST PART) Tj ET"), "FIRST PART");
    assert_eq!(text("BT /F1 12 Tf 60 Tc 72 700 Td (59) Tj ET"), "5 9");
    assert_eq!(text("BT /F1 12 Tf 5 Tc 72 700 Td (dddddddd) Tj ET"), "d d d d d d d d");
    assert_eq!(text("BT /F1 12 Tf 5 Tc 72 700 Td (defgh) Tj ET"), "d e f g h");
}

#[test]
fn cells_of_a_row_are_on_one_line_though_drawn_apart() {
    let content = "BT /F1 10 Tf 1 0 0 1 72 700 Tm (Plan) Tj 1 0 0 1 300 700 Tm (29 EUR) Tj \
                   1 0 0 1 72 680 Tm (Team) Tj 1 0 0 1 300 680 Tm (79 EUR) Tj ET";
    assert_eq!(text(content), "Plan 29 EUR\nTeam 79 EUR");
}

#[test]
fn what_lies_off_the_page_is_left_out() {
    let content = "BT /F1 10 Tf 72 700 Td (seen) Tj 800 0 Td (unseen) Tj ET";
    assert_eq!(text(content), "seen");
}

#[test]
fn a_mark_of_a_footnote_stays_in_its_sentence() {
    let content = "BT /F1 12 Tf 72 700 Td (in 2010.) Tj 5 Ts /F1 7 Tf (8) Tj 0 Ts /F1 12 Tf ( Were this) Tj ET";
    assert_eq!(text(content), "in 2010.⁸ Were this");
}

#[test]
fn words_broken_at_the_end_of_a_line_are_whole() {
    let content = "BT /F1 12 Tf 14 TL 72 700 Td (a state-of-the-) Tj (art plant for tele-) ' (communication) ' ET";
    assert_eq!(text(content), "a state-of-the-art plant for telecommunication");
}

#[test]
fn replaced_text_is_read_instead_of_the_glyphs() {
    let content = "BT /F1 12 Tf 72 700 Td (a ) Tj /Span << /ActualText (first) >> BDC (xyz) Tj EMC ( b) Tj ET";
    assert_eq!(text(content), "a first b");
}

#[test]
fn a_replacement_that_says_nothing_replaces_nothing() {
    for none in ["FEFF0008FFFDFFFD", "FEFFFFFDFFFD", "FEFF0000"] {
        let content = format!(
            "BT /F1 12 Tf 72 700 Td (Non-defense) Tj /Span <</ActualText<{none}>>> BDC ( .....) Tj EMC ( 699) Tj ET"
        );
        assert_eq!(text(&content), "Non-defense ..... 699", "{none}");
    }
    let empty =
        "BT /F1 12 Tf 72 700 Td (a) Tj /Span << /ActualText () >> BDC (xyz) Tj EMC ( b) Tj ET";
    assert_eq!(text(empty), "a b");
}

#[test]
fn accents_drawn_over_letters_belong_to_them() {
    // TeX: the accent, back, the letter.
    let content = "BT /F1 12 Tf 72 700 Td [(na) 0 (\\250) 305 (\\151) -20 (ve)] TJ ET";
    assert_eq!(text(content), "naïve");
}

#[test]
fn fonts_made_of_bitmaps_have_their_own_measure() {
    let mut file = File::new();
    let glyph = file.stream("", b"0.5 0 0 0 0.5 0.5 d1 0 0 0.5 0.5 re f");
    let each =
        |write: &dyn Fn(char) -> String| "abcdefg".chars().map(write).collect::<Vec<_>>().concat();
    let names = each(&|name| format!("/x{name} {glyph} 0 R "));
    let differences = each(&|name| format!("/x{name} ")) + "128 /xa";
    let font = file.object(format!(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 \
         /LastChar 128 /Widths [{}] /CharProcs << {names} >> \
         /Encoding << /Type /Encoding /Differences [97 {differences}] >> >>",
        "0.5 ".repeat(32)
    ));
    file.fonts = format!("/F2 {font} 0 R");
    // No blanks are drawn.
    file.page("BT /F2 10 Tf 72 700 Td (bad) Tj 20 0 Td (face) Tj ET");
    // A code without a letter splits words only if it is within one.
    file.page("BT /F2 10 Tf 72 680 Td (fa\\200de b\\200 \\200g) Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "bad face\n\nfa\u{FFFD}de b g");
}

#[test]
fn a_collection_may_have_the_numbers_of_unicode() {
    let mut file = File::new();
    let map = "begincmap 1 begincodespacerange <00> <FF> endcodespacerange \
               1 begincidrange <00> <FF> 0 endcidrange endcmap";
    let program = file.stream("", (*blank_font(false)).as_ref());
    let encoding = file.stream("/Type /CMap /CMapName /cmap", map.as_bytes());
    let font = file.object(format!(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Mark /DW 600 \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> \
         /FontDescriptor << /Type /FontDescriptor /FontName /Mark /Flags 4 /FontFile2 {program} 0 R >> >>"
    ));
    let font = file.object(format!(
        "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Mark /Encoding {encoding} 0 R \
         /DescendantFonts [{font} 0 R] >>"
    ));
    file.fonts = format!("/F2 {font} 0 R");
    file.page("BT /F2 12 Tf 72 700 Td <50726569732080> Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "Preis €");
}

#[test]
fn two_bytes_of_a_chinese_code_page_are_a_letter() {
    let mut file = File::new();
    // 宋体 in GBK, as Chinese Windows calls it.
    let font = file.object(
        "<< /Type /Font /Subtype /TrueType /BaseFont /#CB#CE#CC#E5 /Encoding /WinAnsiEncoding >>",
    );
    file.fonts = format!("/F2 {font} 0 R");
    file.page("BT /F2 12 Tf 72 700 Td <C4E3BAC3203132> Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "你好 12");
}

#[test]
fn embedded_chinese_needs_no_table_of_its_own() {
    let mut file = File::new();
    let program = file.stream("", (*blank_font(false)).as_ref());
    let font = file.object(format!(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Song /DW 1000 \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> \
         /FontDescriptor << /Type /FontDescriptor /FontName /Song /Flags 4 /FontFile2 {program} 0 R >> >>"
    ));
    let font = file.object(format!(
        "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Song /Encoding /UniGB-UCS2-H \
         /DescendantFonts [{font} 0 R] >>"
    ));
    file.fonts = format!("/F2 {font} 0 R");
    file.page("BT /F2 12 Tf 72 700 Td <4F60597D> Tj ET");
    assert_eq!(read(&file.finish("")).unwrap().text, "你好");
}

#[test]
fn fonts_that_are_not_embedded_may_have_glyph_numbers_only() {
    for (name, expected) in [("Arial,Bold", "tee é"), ("Calibri", "")] {
        let mut file = File::new();
        let font = file.object(format!(
            "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /DW 500 \
             /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> \
             /FontDescriptor << /Type /FontDescriptor /FontName /{name} /Flags 32 >> >>"
        ));
        let font = file.object(format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H \
             /DescendantFonts [{font} 0 R] >>"
        ));
        file.fonts = format!("/F2 {font} 0 R");
        file.page("BT /F2 12 Tf 72 700 Td <005700480048000300700003> Tj ET");
        let text = read(&file.finish("")).map(|document| document.text);
        assert_eq!(text.unwrap_or_default(), expected, "{name}");
    }
}

#[test]
fn a_column_is_read_to_its_end() {
    let line = |x: u32, y: u32, text: &str| format!("1 0 0 1 {x} {y} Tm ({text}) Tj ");
    let (mut content, mut left, mut right) =
        ("BT /F1 10 Tf ".to_owned(), String::new(), String::new());
    for row in 0..8 {
        let y = 700 - 14 * row;
        // Line by line across both columns, as some programs print.
        content += &line(72, y, &format!("The left column has in its row {row} these words"));
        content += &line(330, y, &format!("and the right one has in row {row} some others"));
        left += &format!("The left column has in its row {row} these words\n");
        right += &format!("and the right one has in row {row} some others\n");
    }
    let expected = format!("{left}{}", right.trim_end());
    assert_eq!(text(&(content + "ET")).replace("\n\n", "\n"), expected);
}
