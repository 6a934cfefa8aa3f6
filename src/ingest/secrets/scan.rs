//! Finds secrets in a text. One pass of an automaton finds where a secret may begin; each such place is
//! looked at once, and no further than a secret of that kind is long.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::context::{self, NameHint};
use super::placeholders;
use super::rules::{Rule, TOKENS, TokenRule};

/// What looks like a secret. Ranges do not overlap, and are ordered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretFinding {
    pub rule: Rule,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// What may begin at a match of the automaton.
#[derive(Clone, Copy)]
enum Anchor {
    Token(&'static TokenRule),
    PrivateKey,
    Url,
    Name(NameHint),
}

struct Anchors {
    automaton: AhoCorasick,
    /// Anchors by pattern.
    meanings: Vec<Anchor>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(Anchors::new);

impl Anchors {
    fn new() -> Self {
        let mut words: Vec<(&str, Anchor)> =
            vec![(context::PEM_BEGIN, Anchor::PrivateKey), (context::URL_MARK, Anchor::Url)];
        for token in TOKENS {
            words.extend(token.prefixes.iter().map(|prefix| (*prefix, Anchor::Token(token))));
        }
        words.extend(context::NAMES.iter().map(|(name, named)| (*name, Anchor::Name(*named))));
        // The patterns are few, short and fixed.
        #[expect(clippy::expect_used, reason = "the words are those of this module")]
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(words.iter().map(|(word, _)| word))
            .expect("an automaton of a few words");
        Self { automaton, meanings: words.into_iter().map(|(_, meaning)| meaning).collect() }
    }
}

/// Finds what looks like a secret. Linear in the length of the text.
pub fn scan(text: &str) -> Vec<SecretFinding> {
    let anchors = &*ANCHORS;
    let found = anchors.automaton.find_iter(text).filter_map(|word| {
        match anchors.meanings[word.pattern().as_usize()] {
            Anchor::Token(token) => find_token(text, word.range(), token),
            Anchor::PrivateKey => context::private_key(text, word.range()),
            Anchor::Url => context::url_password(text, word.range()),
            Anchor::Name(named) => context::named(text, word.range(), named),
        }
    });
    let findings = merged(found.collect());
    let repeats = repeats(text, &findings);
    merged(findings.into_iter().chain(repeats).collect())
}

/// Maximum number of values that are searched for in the whole text.
const REPEATED: usize = 256;

/// Other places of values that were found by their context: a key that a command prints may be set in the
/// next paragraph.
fn repeats(text: &str, findings: &[SecretFinding]) -> Vec<SecretFinding> {
    let named = findings.iter().filter(|finding| !context::has_form(finding.rule)).take(REPEATED);
    let named: Vec<&SecretFinding> = named.collect();
    if named.is_empty() {
        return Vec::new();
    }
    let values = named.iter().map(|finding| &text[finding.range.clone()]);
    let Ok(automaton) = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values)
    else {
        return Vec::new();
    };
    let found = automaton.find_iter(text);
    let found = found.map(|value| SecretFinding {
        rule: named[value.pattern().as_usize()].rule,
        range: value.range(),
    });
    found.collect()
}

fn find_token(text: &str, prefix: Range<usize>, token: &TokenRule) -> Option<SecretFinding> {
    let bytes = text.as_bytes();
    let is_exact = token.prefixes.contains(&&text[prefix.clone()]);
    let before = prefix.start.checked_sub(1).map(|at| bytes[at]);
    // A prefix inside the body of another token is not looked at again.
    let joins = |byte: u8| b"-.".contains(&byte) && (token.body)(byte);
    let within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || joins(byte);
    if !is_exact || before.is_some_and(within) {
        return None;
    }
    let rest = &bytes[prefix.end..];
    let most = rest.iter().take(token.length.end() + 1);
    let mut length = most.take_while(|byte| (token.body)(**byte)).count();
    // A full stop after a token is not part of it.
    while length > 0 && rest[length - 1] == b'.' {
        length -= 1;
    }
    let after = rest.get(length).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let end = prefix.end + length;
    // Bodies are ASCII, and so is the text up to their end.
    let body = text.get(prefix.end..end)?;
    let fits = token.length.contains(&length) && !after && (token.check)(body);
    let finding = SecretFinding { rule: token.rule, range: prefix.start..end };
    (fits && placeholders::is_token(body)).then_some(finding)
}

/// Joins overlapping findings into one, of the most specific kind.
fn merged(mut findings: Vec<SecretFinding>) -> Vec<SecretFinding> {
    findings.sort_by_key(|finding| finding.range.start);
    let mut merged: Vec<SecretFinding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match merged.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
                if !context::has_form(last.rule) {
                    last.rule = finding.rule;
                }
            }
            _ => merged.push(finding),
        }
    }
    merged
}
