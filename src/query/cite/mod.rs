//! Citation marks `[n]`: found while an answer streams ([`MarkParser`]), checked when it has ended
//! ([`verify()`]).

mod claims;
mod excerpt;
mod findings;
mod language;
mod lexicon;
mod marks;
mod meaning;
mod nearest;
mod quantities;
mod quotations;
mod verify;

pub use findings::{
    CheckedClaim, Citation, CitationCheck, CitationFinding, Citations, ModelObjection,
};
pub use marks::{AnswerPiece, MarkParser};
pub use verify::verify;
