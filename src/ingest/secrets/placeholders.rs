//! Whether a value can be a secret: random rather than made up for an example.

/// Parts of values that stand in for a secret, in lower case.
const PLACEHOLDERS: [&str; 34] = [
    "123456",
    "abcdef",
    "abc123",
    "987654",
    "qwerty",
    "admin",
    "change",
    "dummy",
    "example",
    "foobar",
    "insert",
    "letmein",
    "my-",
    "my_",
    "p4ssw",
    "p@ssw",
    "pa$$w",
    "passw",
    "passphrase",
    "placeholder",
    "redacted",
    "replace",
    "s3cr3t",
    "s3cret",
    "sample",
    "secret",
    "test",
    "todo",
    "token",
    "user",
    "welcome",
    "your",
    "hunter2",
    "api_key",
];

/// The same for tokens of a known form, whose random bodies would contain some of the shorter words by
/// chance.
const PLACEHOLDERS_OF_TOKENS: [&str; 8] =
    ["example", "placeholder", "redacted", "dummy", "sample", "1234567", "abcdefg", "your"];

/// Values that vendors print in their documentation or build into their emulators. The prefixes are
/// missing, so that this list is not a finding itself.
const KNOWN_EXAMPLES: [&str; 8] = [
    // AWS, <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>; its other
    // examples contain EXAMPLE.
    "I44QH8DHB",
    // GitHub, <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>
    "16C7e42F292c6912E7710c838347Ae178B4a",
    // Google, <https://developers.google.com/maps/documentation/javascript/get-api-key>
    "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
    // Slack, <https://docs.slack.dev/authentication/tokens>
    "pdFZKVeTuE8sk7oOcHrzqqgy",
    // <https://jwt.io>: John Doe; RFC 7519, 3.1: joe
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI",
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog",
    // Azurite, <https://learn.microsoft.com/azure/storage/common/storage-use-azurite>
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    // Cosmos DB emulator, <https://learn.microsoft.com/azure/cosmos-db/emulator>
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMb",
];

/// Minimum entropy, in bits per character: of a token without its prefix, and of other kinds of values.
const TOKEN_ENTROPY: f64 = 2.75;
const HEX_ENTROPY: f64 = 3.0;
const KEY_ENTROPY: f64 = 3.5;
const PASSWORD_ENTROPY: f64 = 2.5;

/// A value with a character this often in a row is a placeholder.
const RUN: usize = 5;

/// Whether the text after the prefix of a token is more than an example.
pub(super) fn is_token(body: &str) -> bool {
    entropy(body) >= TOKEN_ENTROPY
        && !has_run(body)
        && !contains_any(body, &PLACEHOLDERS_OF_TOKENS)
        && !is_known_example(body)
}

/// Whether the value of a name like `key` or `token` looks like one.
pub(super) fn is_key(value: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(&byte);
    let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (16..=256).contains(&value.len())
        && value.bytes().all(fits)
        && changes(value) * 5 >= value.len()
        && entropy(value) >= if is_hex { HEX_ENTROPY } else { KEY_ENTROPY }
        && !is_uuid(value)
        && !is_digest(value)
        && !stands_for_one(value)
        && !is_known_example(value)
}

/// Whether the value of a name like `password` looks like one. `mixed` is the least number of changes between
/// letters, digits and signs.
pub(super) fn is_password(value: &str, shortest: usize, mixed: usize) -> bool {
    (shortest..=128).contains(&value.len())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && changes(value) >= mixed
        && entropy(value) >= PASSWORD_ENTROPY
        && !is_uuid(value)
        && !is_digest(value)
        && !stands_for_one(value)
}

/// Whether letters and digits are mixed as in no identifier.
pub(super) fn is_no_name(value: &str) -> bool {
    let pairs = value.as_bytes().windows(2);
    let mixed = pairs.filter(|pair| {
        let digits = pair.iter().filter(|byte| byte.is_ascii_digit()).count();
        digits == 1 && pair.iter().all(u8::is_ascii_alphanumeric)
    });
    mixed.count() >= 3
}

/// Whether the value is a variable, a template, a sample or a pattern.
pub(super) fn stands_for_one(value: &str) -> bool {
    let both = |open, close| value.contains(open) && value.contains(close);
    value.starts_with(['$', '%', '@', '/', '.', '&'])
        || both('{', '}')
        || both('<', '>')
        || both('(', ')')
        || value.contains("://")
        || value.contains("...")
        || value.contains("***")
        || value.contains('…')
        || has_run(value)
        || contains_any(value, &PLACEHOLDERS)
}

fn is_known_example(value: &str) -> bool {
    KNOWN_EXAMPLES.iter().any(|example| value.contains(example))
}

fn contains_any(value: &str, parts: &[&str]) -> bool {
    let value = value.to_ascii_lowercase();
    parts.iter().any(|part| value.contains(part))
}

fn has_run(value: &str) -> bool {
    let same = |run: &[u8]| run.iter().all(|byte| byte.eq_ignore_ascii_case(&run[0]));
    value.as_bytes().windows(RUN).any(same)
}

/// UUIDs like `550e8400-e29b-41d4-a716-446655440000` are mostly names of things.
fn is_uuid(value: &str) -> bool {
    uuid::Uuid::try_parse(value).is_ok() && value.contains('-')
}

fn is_digest(value: &str) -> bool {
    ["sha1", "sha2", "sha3", "sha5", "md5"].iter().any(|name| value.starts_with(name))
}

/// Bits per character, from the distribution of the value's own characters.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    let share = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    -share.map(|share| share * share.log2()).sum::<f64>()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    /// A character that separates words.
    Between,
    Sign,
}

/// Number of times that a letter, a digit or a sign is followed by one of another class. Capitalized words
/// and separated words do not count.
fn changes(value: &str) -> usize {
    let classes: Vec<Class> = value.bytes().map(class).collect();
    let pairs = classes.windows(2);
    let changes = pairs.filter(|pair| match (pair[0], pair[1]) {
        (Class::Between, _) | (_, Class::Between) | (Class::Upper, Class::Lower) => false,
        (a, b) => a != b,
    });
    changes.count()
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b'-' | b'_' | b'.' | b'/' | b':' | b' ' | b',' => Class::Between,
        _ => Class::Sign,
    }
}
