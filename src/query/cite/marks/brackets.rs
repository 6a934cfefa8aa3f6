//! Reads brackets and superscripts that name passages.

/// What a text is that [`begins`] like a mark.
pub(super) enum BracketRead {
    /// More has to arrive to decide.
    Undecided,
    /// Text of this many bytes.
    Text(usize),
    /// These marks, in this many bytes.
    Marks(usize, Vec<u32>),
}

/// Longest mark, in bytes.
const MAX_MARK: usize = 64;

/// Most passages that a range may name.
const MAX_RANGE: u32 = 20;

const PAIRS: [(char, char); 5] = [('[', ']'), ('【', '】'), ('［', '］'), ('(', ')'), ('（', '）')];

const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// What models call a passage in a mark, in lower case.
const NAMES: [&str; 32] = [
    "passage",
    "passages",
    "source",
    "sources",
    "doc",
    "docs",
    "document",
    "documents",
    "ref",
    "quelle",
    "quellen",
    "textstelle",
    "dokument",
    "fuente",
    "fuentes",
    "pasaje",
    "pasajes",
    "documento",
    "documentos",
    "fonte",
    "fonti",
    "fontes",
    "passaggio",
    "passaggi",
    "passagem",
    "passagens",
    "bron",
    "bronnen",
    "extrait",
    "extraits",
    "abschnitt",
    "auszug",
];

/// Whether a mark may begin with this character.
pub(super) fn begins(c: char) -> bool {
    PAIRS.iter().any(|(open, _)| *open == c) || SUPERSCRIPTS.contains(&c)
}

/// Reads the beginning of `held`; `before` is the character before it.
pub(super) fn read(
    held: &str,
    before: Option<char>,
    passages: Option<u32>,
    ended: bool,
) -> BracketRead {
    let Some(open) = held.chars().next() else { return BracketRead::Text(0) };
    let Some((_, close)) = PAIRS.iter().find(|(pair, _)| *pair == open) else {
        return superscript(held, before, passages, ended);
    };
    let round = matches!(open, '(' | '（');
    let no_mark = BracketRead::Text(open.len_utf8());
    if round && (passages.is_none() || before.is_none_or(|c| c.is_alphanumeric() || c == '\n')) {
        return no_mark;
    }
    let inner_at = open.len_utf8();
    let end = held.char_indices().take_while(|(at, _)| *at < MAX_MARK).find(|(_, c)| c == close);
    let Some((end, _)) = end else {
        let may_be = !ended && held.len() < MAX_MARK && may_become_one(&held[inner_at..]);
        return if may_be { BracketRead::Undecided } else { no_mark };
    };
    let Some((numbers, must_exist)) = numbers(&held[inner_at..end]) else { return no_mark };
    let exist = passages.is_some_and(|passages| numbers.iter().all(|number| *number <= passages));
    if (must_exist || round) && !exist {
        return no_mark;
    }
    let after = end + close.len_utf8();
    match held[after..].chars().next() {
        None if !ended => BracketRead::Undecided,
        Some('(') if open == '[' => no_mark,
        // `(1) first, (2) second` numbers what follows.
        Some(next) if round && !ends_clause(next) => no_mark,
        _ => BracketRead::Marks(after, numbers),
    }
}

fn ends_clause(next: char) -> bool {
    matches!(next, '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '\r' | '。' | '、' | '，' | '|')
}

/// The numbers in brackets, and whether they have to be numbers of passages to be a mark.
fn numbers(inner: &str) -> Option<(Vec<u32>, bool)> {
    let inner: String = inner.chars().map(plain).collect();
    // After the dagger comes a place, in the notation of another system.
    let (inner, tail) =
        inner.split_once('†').map_or((inner.as_str(), ""), |(inner, tail)| (inner, tail));
    if tail.contains('\n') {
        return None;
    }
    let inner = inner.trim_matches(' ');
    let inner = inner.strip_prefix('^').unwrap_or(inner);
    let rest = inner.trim_start_matches(char::is_alphabetic);
    let name = inner[..inner.len() - rest.len()].to_lowercase();
    let named = !name.is_empty();
    if named && !NAMES.contains(&name.as_str()) {
        return None;
    }
    let mut numbers = Vec::new();
    let mut has_range = false;
    for part in rest.trim_start_matches([' ', '.', ':']).split([',', ';']) {
        match part.split_once(['-', '–']) {
            None => numbers.push(number(part)?),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                if from >= to || to - from >= MAX_RANGE {
                    return None;
                }
                numbers.extend(from..=to);
                has_range = true;
            }
        }
    }
    Some((numbers, named || has_range))
}

fn number(text: &str) -> Option<u32> {
    let digits = text.trim_matches(' ');
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain && !digits.starts_with('0') { digits.parse().ok() } else { None }
}

/// Full-width digits and signs as ASCII.
fn plain(c: char) -> char {
    match c {
        '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10).unwrap_or(c),
        '，' | '、' => ',',
        '；' => ';',
        _ => c,
    }
}

/// Whether what follows the bracket so far may still become the inside of a mark.
fn may_become_one(inner: &str) -> bool {
    if inner.contains('†') {
        return numbers(inner).is_some();
    }
    let inner: String = inner.chars().map(plain).collect();
    let inner = inner.trim_start_matches(' ').trim_start_matches('^');
    let rest = inner.trim_start_matches(char::is_alphabetic);
    let name = inner[..inner.len() - rest.len()].to_lowercase();
    let may_be_named = if rest.is_empty() {
        NAMES.iter().any(|known| known.starts_with(&name))
    } else {
        name.is_empty() || NAMES.contains(&name.as_str())
    };
    may_be_named && rest.chars().all(|c| c.is_ascii_digit() || ",;-– .:".contains(c))
}

/// Reads `¹` after the sign that ends a clause: elsewhere it is an exponent.
fn superscript(
    held: &str,
    before: Option<char>,
    passages: Option<u32>,
    ended: bool,
) -> BracketRead {
    let digit = |c: char| SUPERSCRIPTS.iter().position(|sign| *sign == c);
    let run: Vec<char> = held.chars().take_while(|c| digit(*c).is_some()).collect();
    let length = run.iter().map(|c| c.len_utf8()).sum();
    if length == held.len() && !ended && run.len() < 4 {
        return BracketRead::Undecided;
    }
    let value =
        run.iter().filter_map(|c| digit(*c)).fold(0, |value: usize, digit| value * 10 + digit);
    let after_clause = before.is_some_and(|c| ".,;:!?)\"”»]".contains(c));
    match u32::try_from(value) {
        Ok(value)
            if after_clause && value > 0 && passages.is_some_and(|passages| value <= passages) =>
        {
            BracketRead::Marks(length, vec![value])
        }
        _ => BracketRead::Text(length),
    }
}

#[cfg(test)]
mod tests {
    use crate::query::cite::{AnswerPiece, MarkParser};

    /// Marks as `{n}`, for an answer from three passages.
    fn shown(text: &str) -> String {
        let mut parser = MarkParser::for_passages(3);
        let mut pieces = parser.push(text);
        pieces.extend(parser.finish());
        let shown = pieces.into_iter().map(|piece| match piece {
            AnswerPiece::Text(text) => text,
            AnswerPiece::Mark(number) => format!("{{{number}}}"),
        });
        shown.collect()
    }

    #[test]
    fn a_mark_with_a_dagger_may_arrive_letter_by_letter() {
        for text in ["【1†source】.", "[1, 2†L1].", "[passage 1†s].", "【1-3†a】."] {
            let mut parser = MarkParser::for_passages(3);
            let mut marks = Vec::new();
            for letter in text.chars() {
                marks.extend(parser.push(letter.encode_utf8(&mut [0; 4])));
            }
            marks.extend(parser.finish());
            assert!(matches!(marks[0], AnswerPiece::Mark(1)), "{text}: {marks:?}");
        }
    }

    #[test]
    fn what_names_passages_is_a_mark_and_what_only_looks_like_one_is_not() {
        for (text, expected) in [
            ("a [1-3]. b [2–3], [1-9]", "a {1}{2}{3}. b {2}{3}, [1-9]"),
            ("a [passage 2]. b (source 1), [Quelle 3] [doc 9]", "a {2}. b {1}, {3} [doc 9]"),
            ("a (1). b (2), c (3)", "a {1}. b {2}, c {3}"),
            ("needed: (1) keys and (2) rights", "needed: (1) keys and (2) rights"),
            ("(1) first\n(2) second", "(1) first\n(2) second"),
            ("f(1), the prices (2024), a (9).", "f(1), the prices (2024), a (9)."),
            ("It is so.¹ And this,² 10 m², x³.", "It is so.{1} And this,{2} 10 m², x³."),
            ("a [1]² (see 1) (passages)", "a {1}{2} (see 1) (passages)"),
            ("【1†L10-L20】 【x†y】", "{1} 【x†y】"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
