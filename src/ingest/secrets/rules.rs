//! The known kinds of secrets, and the form of those that have one.
//!
//! The comment above each token says where its form is described.

use std::ops::RangeInclusive;

/// Raised when the same text would give other findings.
pub const REVISION: u32 = 1;

/// A kind of secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rule {
    pub id: &'static str,
    /// Completes "it looks like ...".
    pub what: &'static str,
}

/// A secret that is recognized by its prefix.
pub(super) struct TokenRule {
    pub rule: Rule,
    pub prefixes: &'static [&'static str],
    /// Which bytes may follow the prefix, and how many.
    pub body: fn(u8) -> bool,
    pub length: RangeInclusive<usize>,
    /// A further condition on the body.
    pub check: fn(&str) -> bool,
}

const fn token(
    id: &'static str,
    what: &'static str,
    prefixes: &'static [&'static str],
    body: fn(u8) -> bool,
    length: RangeInclusive<usize>,
) -> TokenRule {
    TokenRule { rule: Rule { id, what }, prefixes, body, length, check: |_| true }
}

impl TokenRule {
    const fn and(self, check: fn(&str) -> bool) -> Self {
        Self { check, ..self }
    }
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn base64url(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

fn dotted(byte: u8) -> bool {
    base64url(byte) || byte == b'.'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn base32(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

fn hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn upper(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9')
}

#[rustfmt::skip]
pub(super) static TOKENS: &[TokenRule] = &[
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    token("aws-access-key-id", "an AWS access key", &["AKIA", "ASIA"], base32, 16..=16),
    // https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    token("github-token", "a GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], alphanumeric, 36..=251),
    token("github-token", "a GitHub token", &["github_pat_"], word, 82..=244),
    // https://docs.gitlab.com/security/tokens/#token-prefixes
    token("gitlab-token", "a GitLab token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glcbt-", "glimt-", "glsoat-", "glagent-", "gloas-"], dotted, 20..=300),
    // https://docs.slack.dev/authentication/tokens
    token("slack-token", "a Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xapp-"], dotted, 24..=300)
        .and(|body| body.bytes().filter(u8::is_ascii_digit).count() >= 8),
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    token("slack-webhook", "a Slack webhook", &["hooks.slack.com/services/", "hooks.slack.com/workflows/"], base64, 40..=120)
        .and(|body| body.starts_with('T') && body.matches('/').count() >= 2),
    // https://docs.stripe.com/keys: keys that are not for test mode
    token("stripe-key", "a Stripe key", &["sk_live_", "rk_live_"], alphanumeric, 20..=250),
    // https://docs.cloud.google.com/docs/authentication/api-keys
    token("google-api-key", "a Google API key", &["AIza"], base64url, 35..=35),
    // https://developers.google.com/identity/protocols/oauth2
    token("google-oauth-secret", "a Google OAuth client secret", &["GOCSPX-"], base64url, 28..=28),
    // https://platform.openai.com/docs/api-reference/authentication; T3BlbkFJ is "OpenAI" in Base64
    token("openai-api-key", "an OpenAI API key", &["sk-"], base64url, 40..=250).and(|body| body.contains("T3BlbkFJ")),
    // https://platform.claude.com/docs/en/api/overview#authentication
    token("anthropic-api-key", "an Anthropic API key", &["sk-ant-"], base64url, 80..=200),
    // https://huggingface.co/docs/hub/security-tokens
    token("huggingface-token", "a Hugging Face token", &["hf_", "api_org_"], alphanumeric, 34..=40),
    // https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/
    token("npm-token", "an npm token", &["npm_"], alphanumeric, 36..=36),
    // https://pypi.org/help/#apitoken: a macaroon of pypi.org or test.pypi.org
    token("pypi-token", "a PyPI token", &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"], base64url, 50..=1000),
    // https://guides.rubygems.org/api-key-scopes/
    token("rubygems-key", "a RubyGems API key", &["rubygems_"], hex, 48..=48),
    // https://docs.docker.com/security/access-tokens/
    token("docker-token", "a Docker access token", &["dckr_pat_", "dckr_oat_"], base64url, 27..=32),
    // https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
    token("vault-token", "a Vault token", &["hvs.", "hvb."], base64url, 24..=300),
    // https://docs.digitalocean.com/reference/api/create-personal-access-token/
    token("digitalocean-token", "a DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], hex, 64..=64),
    // https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys
    token("sendgrid-key", "a SendGrid API key", &["SG."], dotted, 66..=66).and(|body| body.as_bytes()[22] == b'.'),
    // https://age-encryption.org/v1
    token("age-secret-key", "an age secret key", &["AGE-SECRET-KEY-1"], upper, 58..=58),
    // https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    token("azure-account-key", "the key of an Azure account", &["AccountKey="], base64, 88..=88).and(|body| body.ends_with("==")),
    // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
    token("azure-shared-access-key", "an Azure shared access key", &["SharedAccessKey="], base64, 44..=44)
        .and(|body| body.ends_with('=')),
    // RFC 7519; RFC 7515, 3.1
    token("jwt", "a JSON Web Token", &["eyJ"], dotted, 60..=8192).and(is_jwt),
];

/// Header with the name of an algorithm, payload, signature. `eyJ` is `{"` in Base64.
fn is_jwt(body: &str) -> bool {
    // `"alg"` in Base64, at its three possible alignments.
    const ALG: [&str; 3] = ["ImFsZyI6", "hbGciO", "iYWxnIj"];
    let parts: Vec<&str> = body.split('.').collect();
    match parts[..] {
        [header, payload, signature] => {
            ALG.iter().any(|alg| header.contains(alg))
                && payload.starts_with("ey")
                && payload.len() >= 12
                && signature.len() >= 32
        }
        _ => false,
    }
}

/// PEM: RFC 7468; OpenSSH: <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>;
/// PGP: RFC 9580, 6.2.
pub(super) const PRIVATE_KEY: Rule = Rule { id: "private-key", what: "a private key" };

/// `USER:PASSWORD@HOST` in a URL: RFC 3986, 3.2.1.
pub(super) const URL_PASSWORD: Rule = Rule { id: "password-in-url", what: "a password in a URL" };

/// 40 characters of Base64 after a name that says so:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys-admin-managed.html>.
pub(super) const AWS_SECRET: Rule =
    Rule { id: "aws-secret-access-key", what: "an AWS secret access key" };

/// A value after a name that says so, as in gitleaks' `generic-api-key` and detect-secrets' keyword detector,
/// but with stricter conditions.
pub(super) const PASSWORD: Rule = Rule { id: "password", what: "a password" };

/// The same for keys, tokens and secrets without a known form.
pub(super) const KEY: Rule = Rule { id: "secret", what: "a secret key or token" };
