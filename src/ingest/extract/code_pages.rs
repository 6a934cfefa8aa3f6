//! Western text of DOS and the Macintosh before Unicode. Browsers do not guess these encodings; read as
//! Windows-1252, their letters become signs within words: `Gr”áe`, `cafŽ`.

use std::borrow::Cow;

use encoding_rs::MACINTOSH;

/// The upper halves of IBM's code pages (Unicode consortium, VENDORS/MICSFT/PC/CP437.TXT and CP850.TXT).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

/// Common letters of Western languages.
const LETTERS: &str = "ÄÖÜäöüßÀÂÇÈÉÊËÎÏÔÙÛàâçèéêëîïôùûœÁÍÑÓÚáíñóúÃÕãõìòÅØÆåøæ";

/// Most non-ASCII characters that are looked at.
const SAMPLE: usize = 2000;

/// The evidence for and against a reading of a text.
#[derive(Default)]
struct Evidence {
    all: usize,
    good: usize,
    bad: usize,
}

/// The name of the encoding and the text, if these bytes clearly use an encoding of DOS or the Macintosh;
/// `guessed` is the text as it would otherwise be read.
pub(super) fn of(bytes: &[u8], guessed: &str) -> Option<(&'static str, String)> {
    let against = evidence(guessed);
    if against.bad == 0 || against.bad * 10 < against.all * 3 {
        return None;
    }
    let readings = [
        ("IBM850", Cow::Owned(decode(bytes, CP850))),
        ("IBM437", Cow::Owned(decode(bytes, CP437))),
        ("Macintosh", MACINTOSH.decode_without_bom_handling(bytes).0),
    ];
    let mut best: Option<(Evidence, &'static str, Cow<'_, str>)> = None;
    for (name, text) in readings {
        let found = evidence(&text);
        let is_better = best.as_ref().is_none_or(|(before, ..)| {
            found.good * (1 + before.bad) > before.good * (1 + found.bad)
        });
        if is_better && found.good * 10 >= found.all * 6 && found.bad * 20 <= found.all {
            best = Some((found, name, text));
        }
    }
    best.map(|(_, name, text)| (name, text.into_owned()))
}

fn decode(bytes: &[u8], upper: &str) -> String {
    let upper: Vec<char> = upper.chars().collect();
    let of = |byte: &u8| match byte {
        0x80.. => upper.get(usize::from(*byte) - 0x80).copied().unwrap_or('\u{FFFD}'),
        ascii => char::from(*ascii),
    };
    bytes.iter().map(of).collect()
}

/// Looks at each non-ASCII character and its neighbours.
fn evidence(text: &str) -> Evidence {
    let mut evidence = Evidence::default();
    let mut before = (' ', ' ');
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        if !c.is_ascii() {
            evidence.all += 1;
            evidence.good += usize::from(is_good(before.1, c, after));
            evidence.bad += usize::from(is_bad(before, c, after));
        }
        if evidence.all == SAMPLE {
            break;
        }
        before = (before.1, c);
    }
    evidence
}

/// Whether a character is plausible where it is: a letter in a word, an apostrophe, a line of a box.
fn is_good(before: char, c: char, after: char) -> bool {
    let is_box = |c: char| matches!(c, '\u{2500}'..='\u{259F}');
    if is_box(c) {
        return !before.is_alphanumeric() || !after.is_alphanumeric();
    }
    LETTERS.contains(c) && (before.is_alphabetic() || after.is_alphabetic())
        || c == '’' && before.is_alphabetic() && after.is_alphabetic()
}

/// Whether a character is implausible where it is: a capital after a small letter, a sign within a word, an
/// opening quotation mark after a letter, a control character, a letter four times.
fn is_bad(before: (char, char), c: char, after: char) -> bool {
    let in_word = before.1.is_alphabetic() && after.is_alphabetic();
    c.is_control()
        || c == '\u{FFFD}'
        || c.is_uppercase() && (before.1.is_lowercase() || in_word && after.is_lowercase())
        || in_word
            && !c.is_alphabetic()
            && !matches!(c, '’' | '–' | '—' | '·' | '\u{AD}' | '\u{A0}')
        || before.1.is_alphabetic() && matches!(c, '„' | '‚' | '‹')
        || c.is_alphabetic() && (before, after) == ((c, c), c)
        || matches!(c, '\u{2500}'..='\u{259F}') && in_word
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    fn encode(text: &str, upper: &str) -> Vec<u8> {
        let byte = |c: char| match upper.chars().position(|other| other == c) {
            Some(at) => 0x80 + at as u8,
            None => c as u8,
        };
        text.chars().map(byte).collect()
    }

    fn mac(text: &str) -> Vec<u8> {
        let bytes = (0x80..=0xFF_u8).collect::<Vec<_>>();
        encode(text, &MACINTOSH.decode_without_bom_handling(&bytes).0)
    }

    #[test]
    fn the_tables_have_a_character_for_each_byte() {
        assert_eq!((CP437.chars().count(), CP850.chars().count()), (128, 128));
    }

    #[test]
    fn texts_of_dos_and_macintosh_are_recognized_by_their_letters() {
        let german = "Die Größe der Tür beträgt 2 m. Öffnung für Fußgänger: täglich.\r\n";
        let french = "Le café est fermé dès dix heures; il a été rénové à Noël.\r\n";
        let spanish = "El niño llegó a España mañana por la tarde, según él.\r\n";
        let boxed =
            "┌──────────┐\r\n│ Port     │\r\n├──────────┤\r\n│ Fees: 3  │\r\n└──────────┘\r\n";
        let doubled = "╔══════╤═════╗\r\n║ Port │ Fee ║\r\n╟──────┼─────╢\r\n╚══════╧═════╝\r\n";
        for text in [german, french, spanish, "Müller", "Größe"] {
            for (bytes, expected) in [(encode(text, CP850), "IBM850"), (mac(text), "Macintosh")] {
                // As Macintosh, the `ñ` would be a dash, which joins words, too.
                if text == spanish && expected == "Macintosh" {
                    continue;
                }
                let guessed = WINDOWS_1252.decode_without_bom_handling(&bytes).0;
                let found = of(&bytes, &guessed);
                assert_eq!(found, Some((expected, text.to_owned())), "{guessed}");
            }
            let bytes = WINDOWS_1252.encode(text).0;
            assert_eq!(of(&bytes, text), None, "{text}");
        }
        for (text, upper, name) in [(boxed, CP850, "IBM850"), (doubled, CP437, "IBM437")] {
            let bytes = encode(text, upper);
            let guessed = WINDOWS_1252.decode_without_bom_handling(&bytes).0;
            assert_eq!(of(&bytes, &guessed), Some((name, text.to_owned())));
        }
    }

    #[test]
    fn other_texts_are_left_as_they_are_guessed() {
        for text in [
            "Sie sagte: „Die Tür ist offen“ – und ging. ‚Ja‘, meinte er… 5 €",
            "the “harbour” opens – at nine… ©2024 Smith’s™",
            "Skladiště se otevírá v devět hodin ráno, příliš žluťoučký kůň.",
            "Склад открыт с девяти утра. Возврат товара возможен.",
            "Η αποθήκη ανοίγει στις εννέα.",
            "ÄÖÜ ÀÉ MÜNCHEN 30 °C ± 5 µm 1990–2000 Paris–Lyon",
            "倉庫は午前九時に開きます。",
        ] {
            assert_eq!(of(b"\x81\x82", text), None, "{text}");
        }
    }
}
