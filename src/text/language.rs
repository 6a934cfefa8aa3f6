//! Detects the language of a text.

use std::borrow::Cow;
use std::sync::LazyLock;

use whatlang::{Detector, Lang};

/// Candidate languages: those with a stemmer or stop words, and other common ones that would be mistaken for
/// these. With more candidates, short texts would be detected less reliably.
const LANGUAGES: [(Lang, &str); 37] = [
    (Lang::Ara, "arabic"),
    (Lang::Aze, "azerbaijani"),
    (Lang::Ben, "bengali"),
    (Lang::Bul, "bulgarian"),
    (Lang::Cat, "catalan"),
    (Lang::Ces, "czech"),
    (Lang::Cmn, "chinese"),
    (Lang::Dan, "danish"),
    (Lang::Deu, "german"),
    (Lang::Ell, "greek"),
    (Lang::Eng, "english"),
    (Lang::Fin, "finnish"),
    (Lang::Fra, "french"),
    (Lang::Heb, "hebrew"),
    (Lang::Hin, "hindi"),
    (Lang::Hrv, "croatian"),
    (Lang::Hun, "hungarian"),
    (Lang::Ind, "indonesian"),
    (Lang::Ita, "italian"),
    (Lang::Jpn, "japanese"),
    (Lang::Kor, "korean"),
    (Lang::Nep, "nepali"),
    (Lang::Nld, "dutch"),
    (Lang::Nob, "norwegian"),
    (Lang::Pes, "persian"),
    (Lang::Pol, "polish"),
    (Lang::Por, "portuguese"),
    (Lang::Ron, "romanian"),
    (Lang::Rus, "russian"),
    (Lang::Slk, "slovak"),
    (Lang::Slv, "slovene"),
    (Lang::Spa, "spanish"),
    (Lang::Swe, "swedish"),
    (Lang::Tha, "thai"),
    (Lang::Tur, "turkish"),
    (Lang::Ukr, "ukrainian"),
    (Lang::Vie, "vietnamese"),
];

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LANGUAGES.map(|(lang, _)| lang).to_vec()));

/// Bytes of a text that are examined: a third each from its beginning, its middle and its end.
const LOOKED_AT: usize = 1_500;

/// The language of most of a text, as named in settings: `german`. `None` if it is not certain, as for a
/// short label, code, or a table of numbers.
pub fn language_of(text: &str) -> Option<&'static str> {
    let found = DETECTOR.detect(&excerpt(text)).filter(whatlang::Info::is_reliable)?;
    LANGUAGES.iter().find(|(lang, _)| *lang == found.lang()).map(|(_, name)| *name)
}

fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= LOOKED_AT {
        return Cow::Borrowed(text);
    }
    let third = LOOKED_AT / 3;
    let starts = [0, text.len() / 2, text.len() - third];
    let part = |start| {
        let end = text.floor_char_boundary(start + third);
        &text[text.floor_char_boundary(start)..end]
    };
    Cow::Owned(starts.map(part).join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_detected() {
        for (text, language) in [
            ("The backups are kept for 400 days, and two operators restore them.", "english"),
            ("Die Sicherungen werden 400 Tage lang aufbewahrt und von zweien geprüft.", "german"),
            ("Les sauvegardes sont conservées pendant quatre cents jours.", "french"),
            ("I backup sono conservati per quattrocento giorni nel magazzino.", "italian"),
            ("Las copias de seguridad se guardan durante cuatrocientos días.", "spanish"),
            ("Резервные копии хранятся четыреста дней.", "russian"),
            (
                "تحفظ النسخ الاحتياطية لمدة أربعمائة يوم في مركزين للبيانات ويراجعها اثنان من العاملين",
                "arabic",
            ),
            ("备份保留四百天，由两名操作员恢复。", "chinese"),
            ("バックアップは四百日間保存されます。", "japanese"),
            ("백업은 사백 일 동안 보관됩니다.", "korean"),
        ] {
            assert_eq!(language_of(text), Some(language), "{text}");
        }
        for text in ["", "LGR-4012", "12 400 7.5 | 3 | 9", "İ"] {
            assert_eq!(language_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_text_has_the_language_of_most_of_it() {
        let licence = "Permission is hereby granted, free of charge, to any person. ";
        let body = "Die Sicherungen werden vierhundert Tage lang aufbewahrt und geprüft. ";
        assert_eq!(language_of(&(licence.to_owned() + &body.repeat(900))), Some("german"));
        assert_eq!(language_of(&"é".repeat(20_000)), language_of("é"));
    }
}
