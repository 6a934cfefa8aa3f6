//! Files whose kind holds keys or passwords. They are taken only if they are named.

use std::fs::File;
use std::io::{self, Read};

/// Whole names, in lower case.
const NAMES: [&str; 22] = [
    // OpenSSH; the `.pub` beside it is public.
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_xmss",
    // Clients that log in without asking.
    ".netrc",
    "_netrc",
    ".authinfo",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".dockercfg",
    ".vault-token",
    ".terraformrc",
    // Web servers, direnv.
    ".htpasswd",
    ".envrc",
];

/// The last two parts of a path, in lower case.
const PATHS: [&str; 6] = [
    ".aws/credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".docker/config.json",
    ".gem/credentials",
    ".kube/config",
];

/// Ends of names, in lower case.
const ENDS: [&str; 17] = [
    // PEM, PKCS#8, PKCS#12, PuTTY
    ".pem",
    ".key",
    ".p8",
    ".p12",
    ".pfx",
    ".pkcs12",
    ".ppk",
    // Java and Bouncy Castle key stores
    ".jks",
    ".keystore",
    ".bks",
    // KeePass, OpenVPN, age
    ".kdbx",
    ".kdb",
    ".ovpn",
    ".agekey",
    // Terraform writes every value of its resources into its state.
    ".tfstate",
    ".tfstate.backup",
    ".env",
];

/// `.env.example` and the like are written to be read.
const SAMPLES_OF_ENV: [&str; 5] = [".example", ".sample", ".template", ".dist", ".defaults"];

/// Whether a file that looks like a key by its extension is a Keynote presentation. Keynote uses the same
/// extension for a ZIP archive, which a key never is.
pub(super) fn is_presentation(source: &str, open: impl FnOnce() -> io::Result<File>) -> bool {
    let is_key = source.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("key"));
    let mut start = [0; 4];
    is_key
        && open().and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == *b"PK\x03\x04"
}

/// Whether the name of the file says that it holds keys or passwords.
pub(super) fn is_sensitive(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let name = source.rsplit('/').next().unwrap_or_default();
    let env = name.strip_prefix(".env.");
    NAMES.contains(&name)
        || ENDS.iter().any(|end| name.ends_with(end))
        || PATHS.iter().any(|path| ends_with_path(&source, path))
        || env.is_some_and(|_| !SAMPLES_OF_ENV.iter().any(|sample| name.ends_with(sample)))
}

fn ends_with_path(source: &str, path: &str) -> bool {
    let rest = source.strip_suffix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presentation_is_not_a_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("a file");
            is_presentation(name, || File::open(path))
        };
        assert!(file("deck.key", b"PK\x03\x04..."));
        assert!(file("deck.KEY", b"PK\x03\x04..."));
        for key in [&b"-----BEGIN PRIVATE KEY-----\n"[..], b"\x30\x82\x04\xa3", b"PK", b""] {
            assert!(!file("server.key", key), "{key:?}");
        }
        assert!(!file("a.pem", b"PK\x03\x04..."));
    }

    #[test]
    fn files_with_keys_are_known_by_name() {
        for source in [
            ".env",
            "app/.env",
            ".env.local",
            ".ENV.production",
            "deploy/prod.env",
            "server.key",
            "certs/Server.PEM",
            "home/id_rsa",
            "id_ed25519",
            "a.p12",
            "a.pfx",
            "a.jks",
            "a.keystore",
            "vault.kdbx",
            ".netrc",
            ".pgpass",
            ".npmrc",
            ".pypirc",
            "x/.aws/credentials",
            ".aws/credentials",
            "infra/terraform.tfstate",
            "terraform.tfstate.backup",
        ] {
            assert!(is_sensitive(source), "{source}");
        }
        for source in [
            "env.md",
            "environment.env.md",
            ".env.example",
            "app/.env.sample",
            "id_rsa.pub",
            "key.md",
            "docs/keys.md",
            "credentials",
            "docs/credentials.md",
            "my.aws/credentials",
            "a.crt",
            "monkey",
            "config.json",
            "docker/config.json",
            "id_rsa.md",
            "pem",
            ".environment",
        ] {
            assert!(!is_sensitive(source), "{source}");
        }
    }
}
