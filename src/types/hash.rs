//! Hashes of contents.

use std::fmt;
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 in lowercase hexadecimal.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ContentHash(pub String);

impl ContentHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&Self::digest(bytes))
    }

    /// Hash of everything that a reader returns, which need not fit in memory.
    pub fn of_reader(mut reader: impl io::Read) -> io::Result<Self> {
        let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(Self::from_digest(&digest.finalize())),
                Ok(read) => digest.update(&block[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The raw SHA-256, for [`Self::from_digest`].
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// `digest`: a raw SHA-256.
    pub fn from_digest(digest: &[u8]) -> Self {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in digest {
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
