//! Finds the quotations in an answer.

use std::ops::Range;

/// The ranges between quotation marks; an unclosed mark quotes nothing. Straight single quotes are too
/// often apostrophes to be read as quotation marks.
pub(super) fn quotations(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let open = from + text[from..].find(opens)?;
            let mark = text[open..].chars().next()?;
            let start = open + mark.len_utf8();
            let Some(length) = closing(&text[start..], mark) else {
                from = start;
                continue;
            };
            let closed = text[start + length..].chars().next().map_or(0, char::len_utf8);
            from = start + length + closed;
            return Some(start..start + length);
        }
    })
}

fn opens(c: char) -> bool {
    "\"＂“”‟„‘‚«»‹›「『｢〝《〈".contains(c)
}

/// Position in `rest` of the mark that closes the quotation.
fn closing(rest: &str, open: char) -> Option<usize> {
    match open {
        '“' | '‟' => rest.find('”'),
        '„' => rest.find(['“', '”', '"']),
        '«' => rest.find('»'),
        '»' => rest.find('«'),
        '‹' => rest.find('›'),
        '›' => rest.find('‹'),
        '「' => rest.find('」'),
        '『' => rest.find('』'),
        '｢' => rest.find('｣'),
        '〝' => rest.find(['〞', '〟']),
        '《' => rest.find('》'),
        '〈' => rest.find('〉'),
        '‚' => rest.find(['‘', '’']),
        '‘' => {
            let is_end =
                |at: usize| !rest[at + '’'.len_utf8()..].starts_with(char::is_alphanumeric);
            rest.match_indices('’').map(|(at, _)| at).find(|&at| is_end(at))
        }
        mark => rest.find(mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_of_several_languages() {
        for (text, expected) in [
            ("\"a b\" and \"c\"", "a b|c"),
            ("“a” „b“ „c” «d» ‹e› 「f」 『g』", "a|b|c|d|e|f|g"),
            ("‘it isn’t so’ said", "it isn’t so"),
            ("isn’t, \"open “a”", "a"),
            ("»a« und ›b‹, ”c”, ‚d‘, ＂e＂, 《f》", "a|b|c|d|e|f"),
            ("«a» et «b»", "a|b"),
            ("", ""),
        ] {
            let found: Vec<&str> = quotations(text).map(|range| &text[range]).collect();
            assert_eq!(found.join("|"), expected, "{text:?}");
        }
    }
}
