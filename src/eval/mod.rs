//! How good retrieval is, in numbers that a pipeline can check.
//!
//! [`cases`] are questions with what should be found; [`beir`] reads them, and documents, in the format of
//! public collections. [`rank`] ranks the passages for a case, [`judge`] compares the ranking with what is
//! expected, [`metrics`] turns that into numbers, [`stats`] says how certain these are, [`report`] combines
//! everything, and [`gate`] has the conditions of a pipeline; [`promotion`] has those of a version of a
//! collection, with the [`changes`] case by case. [`answers`] measures the answers. [`run_file`] exchanges
//! rankings with other programs.

pub mod answers;
pub mod beir;
pub mod cases;
pub mod changes;
pub mod draft;
pub mod gate;
pub mod judge;
pub mod metrics;
pub mod promotion;
pub mod rank;
pub mod report;
pub mod run_file;
pub mod stats;
