//! Question → answer: `embed → retrieve → pack → prompt → stream → verify citations`.

pub mod cite;
pub mod pack;
pub mod prompt;
pub mod retrieve;
