//! Citation marks `[n]`: found while an answer streams ([`MarkParser`]), checked when it has ended
//! ([`verify()`]).

mod figures;
mod marks;
mod nearest;
mod quotations;
mod verify;

pub use marks::{MarkParser, Piece};
pub use verify::{Citation, Citations, verify};
