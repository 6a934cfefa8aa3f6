//! Signatures that replace a key in a link to one document, so that a citation opens in a browser.
//!
//! A signature covers the collection, the source, the key that it was made for with what that key sees, and
//! the time of expiry, under a secret that only this process knows. So it ends with its key, and a
//! restarted server accepts none of the earlier ones.

use std::time::Duration;

use http::StatusCode;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::keys::ApiKey;
use super::refusal::{ErrorCode, RequestRefusal};
use crate::types::ContentHash;

const EXPIRES: &str = "expires";
const HOLDER: &str = "for";
const SIGNATURE: &str = "signature";

/// Signs links, and checks them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Signer {
    secret: [u8; 32],
    lasts: Duration,
}

impl Signer {
    /// A signer with a new secret. `lasts`: how long a link is valid.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn new(lasts: Duration) -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self { secret, lasts })
    }

    /// The query of a link that is made for the holder of a key at the time `now`, in seconds since the
    /// Unix epoch.
    pub(super) fn query(
        &self,
        holder: &ApiKey,
        collection: &str,
        source: &str,
        now: i64,
    ) -> String {
        let expires = now + self.lasts.as_secs().cast_signed();
        let signature = self.signature(holder, collection, source, expires);
        format!("{EXPIRES}={expires}&{HOLDER}={}&{SIGNATURE}={signature}", holder.id)
    }

    /// Id of the key that a link claims to be made for.
    pub(super) fn holder_in(query: &str) -> &str {
        value(query, HOLDER).unwrap_or_default()
    }

    /// Whether a query contains something that may replace a key.
    pub(super) fn is_in(query: &str) -> bool {
        value(query, SIGNATURE).is_some()
    }

    /// `holder`: the current key of the id in [`Self::holder_in`]; `None` if there is none any longer.
    ///
    /// # Errors
    /// The signature was not made for this document and this key, or has expired.
    pub(super) fn check(
        &self,
        holder: Option<&ApiKey>,
        collection: &str,
        source: &str,
        query: &str,
        now: i64,
    ) -> Result<(), RequestRefusal> {
        let refused = |code, message| RequestRefusal::new(StatusCode::FORBIDDEN, code, message);
        let expires = value(query, EXPIRES).and_then(|text| text.parse::<i64>().ok());
        let signature = value(query, SIGNATURE).unwrap_or_default();
        let fits = |expires| {
            let Some(holder) = holder else { return false };
            let right = self.signature(holder, collection, source, expires);
            bool::from(right.as_bytes().ct_eq(signature.as_bytes()))
        };
        match expires.filter(|expires| fits(*expires)) {
            None => Err(refused(
                ErrorCode::InvalidLink,
                "this link is not valid: it was made for another document or was changed, the server was restarted, or the key that it was made for was changed or revoked",
            )),
            Some(expires) if expires <= now => {
                Err(refused(ErrorCode::ExpiredLink, "this link has expired"))
            }
            Some(_) => Ok(()),
        }
    }

    fn signature(&self, holder: &ApiKey, collection: &str, source: &str, expires: i64) -> String {
        let ApiKey { id, collections, sources, tags, .. } = holder;
        let mut signed = b"docent link 2".to_vec();
        signed.extend(expires.to_be_bytes());
        // Each list is preceded by its number of parts, and each part by its length, so no other parts give
        // the same bytes.
        let named = [collection.to_owned(), source.to_owned(), id.clone()];
        for list in [&named[..], collections, sources, tags] {
            signed.extend((list.len() as u64).to_be_bytes());
            for part in list {
                signed.extend((part.len() as u64).to_be_bytes());
                signed.extend(part.as_bytes());
            }
        }
        ContentHash::from_digest(&hmac_sha256(&self.secret, &[&signed])).0
    }
}

/// The first value of a name. The names used here need no decoding.
fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// RFC 2104. `key` has at most 64 bytes: longer ones would be hashed first, and there are none.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let mut inner = Sha256::new_with_prefix(padded(0x36));
    for part in parts {
        inner.update(part);
    }
    Sha256::new_with_prefix(padded(0x5c)).chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::keys::{Secret, tests::key};
    use super::*;

    #[test]
    fn the_code_is_that_of_rfc_4231() {
        for (key, parts, code) in [
            (
                &[0x0b; 20][..],
                &[&b"Hi "[..], b"There"][..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                &[b"what do ya want for nothing?"],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            assert_eq!(ContentHash::from_digest(&hmac_sha256(key, parts)).0, code);
        }
    }

    #[test]
    fn a_link_opens_its_own_document_for_its_time() {
        let signer = Signer::new(Duration::from_mins(1)).unwrap();
        let holder = key("a", &Secret::new().unwrap());
        let query = signer.query(&holder, "docs", "a.md", 1_000);
        let check = |collection, source, query: &str, now| {
            signer.check(Some(&holder), collection, source, query, now).map_err(|it| it.code.name())
        };
        assert!(Signer::is_in(&query));
        assert_eq!(Signer::holder_in(&query), holder.id);
        assert_eq!(check("docs", "a.md", &query, 1_059), Ok(()));
        assert_eq!(check("docs", "a.md", &format!("at=L3&{query}"), 1_059), Ok(()));
        assert_eq!(check("docs", "a.md", &query, 1_060), Err("expired_link"));
        let later = query.replace("expires=1060", "expires=9999");
        let shorter = &query[..query.len() - 1];
        let bare = query.split_once("signature=").unwrap().0;
        for (collection, source, query) in [
            ("docs", "b.md", &*query),
            ("docsa", ".md", &query),
            ("doc", "sa.md", &query),
            ("docs", "a.md", &later),
            ("docs", "a.md", shorter),
            ("docs", "a.md", &format!("{bare}signature=")),
            ("docs", "a.md", bare),
            ("docs", "a.md", ""),
        ] {
            assert_eq!(check(collection, source, query, 1_001), Err("invalid_link"), "{query}");
        }
        let other = Signer::new(Duration::from_mins(1)).unwrap();
        let refusal = other.check(Some(&holder), "docs", "a.md", &query, 1_001).unwrap_err();
        assert_eq!((refusal.status.as_u16(), refusal.code.name()), (403, "invalid_link"));
    }

    #[test]
    fn a_link_ends_with_its_key_and_with_what_the_key_sees() {
        let signer = Signer::new(Duration::from_mins(1)).unwrap();
        let holder = key("a", &Secret::new().unwrap());
        let query = signer.query(&holder, "docs", "a.md", 1_000);
        let opens =
            |holder: Option<&ApiKey>| signer.check(holder, "docs", "a.md", &query, 1_001).is_ok();
        let narrower = |narrow: fn(&mut ApiKey)| {
            let mut key = holder.clone();
            narrow(&mut key);
            key
        };
        assert!(opens(Some(&holder)));
        assert!(opens(Some(&narrower(|key| key.name = "b".to_owned()))), "its name does not count");
        assert!(!opens(None));
        for key in [
            narrower(|key| key.id = "other".to_owned()),
            narrower(|key| key.sources = vec!["b.md".to_owned()]),
            narrower(|key| key.tags = vec!["b".to_owned()]),
            narrower(|key| key.collections = vec!["docs".to_owned()]),
        ] {
            assert!(!opens(Some(&key)), "{key:?}");
        }
    }
}
