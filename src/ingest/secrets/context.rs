//! Secrets that are found by their context: key blocks, URLs, values after a name.

use std::ops::Range;

use super::placeholders;
use super::redact::REDACTED;
use super::rules::{AWS_SECRET, KEY, PASSWORD, PRIVATE_KEY, Rule, URL_PASSWORD};
use super::scan::SecretFinding;

pub(super) const PEM_BEGIN: &str = "-----BEGIN ";
pub(super) const URL_MARK: &str = "://";

/// What a name says about its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NameHint {
    Password,
    Key,
    AwsSecret,
}

/// Ends of names whose value may be a secret. If several match at the same place, the longest counts.
pub(super) const NAMES: [(&str, NameHint); 22] = [
    ("password", NameHint::Password),
    ("passwd", NameHint::Password),
    ("passphrase", NameHint::Password),
    ("pwd", NameHint::Password),
    ("pass", NameHint::Password),
    ("secret", NameHint::Key),
    ("token", NameHint::Key),
    ("api_key", NameHint::Key),
    ("api-key", NameHint::Key),
    ("api key", NameHint::Key),
    ("apikey", NameHint::Key),
    ("access_key", NameHint::Key),
    ("access-key", NameHint::Key),
    ("accesskey", NameHint::Key),
    ("secret_key", NameHint::Key),
    ("secret-key", NameHint::Key),
    ("secretkey", NameHint::Key),
    ("encryption_key", NameHint::Key),
    ("signing_key", NameHint::Key),
    ("secret_access_key", NameHint::AwsSecret),
    ("secretaccesskey", NameHint::AwsSecret),
    ("secret access key", NameHint::AwsSecret),
];

/// Parts of names whose values are public, or mark a position in a list.
const PUBLIC: [&str; 8] = ["page", "next", "csrf", "xsrf", "sync", "continu", "public", "publish"];

/// Whether secrets of this kind can be recognized by their form.
pub(super) fn has_form(rule: Rule) -> bool {
    ![PASSWORD, KEY, URL_PASSWORD].contains(&rule)
}

/// A block that contains a private key, or the beginning of one.
pub(super) fn private_key(text: &str, begin: Range<usize>) -> Option<SecretFinding> {
    const DASHES: &str = "-----";
    const LABEL: usize = 64;
    let label = text[begin.end..].bytes().take(LABEL).position(|byte| byte == b'-')?;
    let head = begin.end + label;
    if !text[begin.end..head].contains("PRIVATE KEY") || !text[head..].starts_with(DASHES) {
        return None;
    }
    let start = head + DASHES.len();
    // The next dashes end the body: no byte is looked at for two blocks.
    let body = &text[start..];
    let closing = body.find(DASHES);
    let body = &body[..closing.unwrap_or(body.len())];
    let lines = key_lines(body);
    if lines.iter().map(Range::len).sum::<usize>() < SHORTEST_KEY {
        return None;
    }
    let last = start + lines.last()?.end;
    let closed = closing.map(|at| start + at).filter(|at| at - last <= BETWEEN_LINES);
    let end = closed.and_then(|at| Some(at + end_of_block(&text[at..])?));
    Some(SecretFinding { rule: PRIVATE_KEY, range: begin.start..end.unwrap_or(last) })
}

/// Minimum number of Base64 characters in a key block: an Ed25519 key has 64.
const SHORTEST_KEY: usize = 60;

/// Maximum number of bytes between two lines of a key: line breaks, plain or escaped, indentation, quotation
/// marks, a checksum. There may be headers before the first line.
const BETWEEN_LINES: usize = 80;
const BEFORE_LINES: usize = 400;

/// The length of `-----END RSA PRIVATE KEY-----` if `text` begins with it.
fn end_of_block(text: &str) -> Option<usize> {
    const END: &str = "-----END ";
    let label = text.strip_prefix(END)?.bytes().take(64).position(|byte| byte == b'-')?;
    let dashes = text.as_bytes()[END.len() + label..].iter().take(5);
    Some(END.len() + label + dashes.take_while(|byte| **byte == b'-').count())
}

/// The lines of the key at the start of `text`: runs of Base64 that are not words.
fn key_lines(text: &str) -> Vec<Range<usize>> {
    const SHORTEST: usize = 16;
    let mut lines: Vec<Range<usize>> = Vec::new();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let mut start = 0;
    for at in 0..=text.len() {
        if text.as_bytes().get(at).copied().is_some_and(is_base64) {
            continue;
        }
        let gap = lines.last().map_or(BEFORE_LINES, |line| line.end + BETWEEN_LINES);
        if start > gap {
            break;
        }
        if at - start >= SHORTEST && placeholders::is_token(&text[start..at]) {
            lines.push(start..at);
        }
        start = at + 1;
    }
    lines
}

/// The password of `scheme://user:password@host`.
pub(super) fn url_password(text: &str, mark: Range<usize>) -> Option<SecretFinding> {
    const AUTHORITY: usize = 320;
    let bytes = text.as_bytes();
    let has_scheme = mark.start > 0 && bytes[mark.start - 1].is_ascii_alphanumeric();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>|\\()[]".contains(byte);
    let rest = &bytes[mark.end..];
    let length = rest.iter().take(AUTHORITY).take_while(|byte| !ends(byte)).count();
    let authority = text.get(mark.end..mark.end + length)?;
    let (userinfo, host) = authority.rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':')?;
    let is_real = has_scheme
        && !host.is_empty()
        && !is_example_host(host)
        && user != password
        && has_digit(password)
        && placeholders::is_password(password, 6, 2);
    let start = mark.end + user.len() + 1;
    is_real.then(|| SecretFinding { rule: URL_PASSWORD, range: start..start + password.len() })
}

/// Whether the password has a digit, not counting those of `%40`.
fn has_digit(password: &str) -> bool {
    let encoded = |part: &str| part.get(2..).unwrap_or_default().contains(is_digit);
    let mut parts = password.split('%');
    parts.next().is_some_and(|first| first.contains(is_digit)) || parts.any(encoded)
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

/// Host names for examples, as in RFC 2606.
fn is_example_host(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let top = [".example", ".test", ".invalid"].iter().any(|top| name.ends_with(top));
    top || name.contains("example.") || ["host", "hostname", "server"].contains(&name.as_str())
}

/// The value after a name: `PASSWORD=...`, `"token": "..."`, `secret => '...'`, `<password>...</`.
pub(super) fn named(text: &str, name: Range<usize>, named: NameHint) -> Option<SecretFinding> {
    if is_public(text, name.start) {
        return None;
    }
    let (range, quoted) = value(text, name.end)?;
    let value = &text[range.clone()];
    let code = |byte: u8| b"()[]{}<>$;".contains(&byte);
    if !quoted && (value.bytes().any(code) || !(placeholders::is_no_name(value) || has_sign(value)))
    {
        return None;
    }
    let rule = match named {
        NameHint::Password if placeholders::is_password(value, 8, 3) => PASSWORD,
        NameHint::AwsSecret if value.len() == 40 && placeholders::is_key(value) => AWS_SECRET,
        NameHint::Key | NameHint::AwsSecret if placeholders::is_key(value) => KEY,
        _ => return None,
    };
    Some(SecretFinding { rule, range })
}

/// Whether the value has characters that no identifier has.
fn has_sign(value: &str) -> bool {
    value.bytes().any(|byte| b"!#%^&*+=~?@".contains(&byte))
}

/// Whether the part of the name before `end` says that the value is not a secret: it is public, or the name
/// is in the label of a redacted secret.
fn is_public(text: &str, end: usize) -> bool {
    const LOOK_BACK: usize = 24;
    let bytes = &text.as_bytes()[end.saturating_sub(LOOK_BACK)..end];
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let start = end - bytes.iter().rev().take_while(is_part).count();
    let name = text[start..end].to_ascii_lowercase();
    text[..start].ends_with(REDACTED) || PUBLIC.iter().any(|public| name.contains(public))
}

/// The range of the value of the name that ends at `end`, and whether it is quoted.
fn value(text: &str, end: usize) -> Option<(Range<usize>, bool)> {
    const LONGEST: usize = 300;
    let bytes = text.as_bytes();
    let skip = |from: usize, most: usize, of: &[u8]| {
        let run = bytes[from..].iter().take(most).take_while(|byte| of.contains(byte));
        from + run.count()
    };
    let at = skip(end, 3, b"\"'`]*");
    let at = skip(at, 20, b" \t");
    let sign = skip(at, 3, b":=>?");
    if !matches!(&text[at..sign], "=" | ":" | ":=" | "=>" | "?=" | ">") {
        return None;
    }
    let mut start = skip(sign, 3, b"*");
    start = skip(start, 20, b" \t");
    let quote = bytes.get(start).copied().filter(|byte| b"\"'`".contains(byte));
    start += usize::from(quote.is_some());
    let ends = |byte: u8| match quote {
        Some(quote) => byte == quote || byte == b'\n',
        None => byte.is_ascii_whitespace() || b"\"'`<|,".contains(&byte),
    };
    let rest = bytes[start..].iter().take(LONGEST);
    let length = rest.take_while(|byte| !ends(**byte)).count();
    let mut stop = start + length;
    if quote.is_some() {
        let closed = bytes.get(stop).copied() == quote;
        return (closed && length < LONGEST).then_some((start..stop, true));
    }
    while stop > start && b".;:".contains(&bytes[stop - 1]) {
        stop -= 1;
    }
    (length < LONGEST && text.is_char_boundary(stop)).then_some((start..stop, false))
}
