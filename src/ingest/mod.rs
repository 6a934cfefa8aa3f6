//! Files → points: `discover → plan → extract → chunk → embed → store → commit record`.

pub mod chunk;
pub mod discover;
pub mod document;
pub mod extract;
pub mod plan;
