//! Conditions on documents in any combination, beyond what lists of sources, kinds and tags can
//! express.

use crate::text::composed;
use crate::types::{DocumentKind, DocumentRecord};

/// A condition on the record of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocumentCondition {
    Kind(DocumentKind),
    /// The whole name of the document.
    Source(String),
    /// A tag, as it was given at ingest.
    Tag(String),
    Not(Box<Self>),
    /// All of these hold; true if there are none.
    All(Vec<Self>),
    /// One of these holds; false if there are none.
    Any(Vec<Self>),
}

impl DocumentCondition {
    pub fn holds(&self, record: &DocumentRecord) -> bool {
        match self {
            Self::Kind(kind) => record.kind == *kind,
            Self::Source(source) => composed(&record.source) == composed(source),
            Self::Tag(tag) => {
                let tag = composed(tag);
                record.tags.iter().any(|known| composed(known) == tag)
            }
            Self::Not(condition) => !condition.holds(record),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(record)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(record)),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::types::ContentHash;

    #[test]
    fn conditions_combine() {
        let record = DocumentRecord {
            project: None,
            source: "docs/o\u{308}l.md".to_owned(),
            document_hash: ContentHash::of(b""),
            size: 0,
            mtime: 0,
            kind: DocumentKind::Markdown,
            chunks: 1,
            terms: 1,
            tags: vec!["draft".to_owned(), "team=a".to_owned()],
            text_fields: Vec::new(),
            ingested_at: String::new(),
            run_id: Uuid::nil(),
            web: None,
            secrets: None,
            warnings: Vec::new(),
            ocr: None,
            language: None,
            content_hash: None,
        };
        let tag = |tag: &str| DocumentCondition::Tag(tag.to_owned());
        let not = |condition| DocumentCondition::Not(Box::new(condition));
        for (condition, holds) in [
            (DocumentCondition::Kind(DocumentKind::Markdown), true),
            (DocumentCondition::Kind(DocumentKind::Pdf), false),
            (DocumentCondition::Source("docs/öl.md".to_owned()), true),
            (DocumentCondition::Source("docs".to_owned()), false),
            (tag("draft"), true),
            (tag("team"), false),
            (not(tag("team=a")), false),
            (not(tag("team=b")), true),
            (DocumentCondition::All(vec![tag("draft"), tag("team=b")]), false),
            (DocumentCondition::All(Vec::new()), true),
            (DocumentCondition::Any(vec![tag("team=b"), tag("draft")]), true),
            (DocumentCondition::Any(Vec::new()), false),
        ] {
            assert_eq!(condition.holds(&record), holds, "{condition:?}");
        }
    }
}
