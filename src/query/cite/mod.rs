//! Citation marks `[n]`: found while an answer streams ([`MarkParser`]), checked when it has ended
//! ([`verify()`]).

mod claims;
mod excerpt;
mod found;
mod language;
mod lexicon;
mod marks;
mod meaning;
mod nearest;
mod quantities;
mod quotations;
mod verify;

pub use found::{Check, Citation, Citations, Finding, Held, Objection};
pub use marks::{MarkParser, Piece};
pub use verify::verify;
