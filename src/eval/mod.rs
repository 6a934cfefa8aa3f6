//! How good retrieval is, in numbers that a pipeline can hold.
//!
//! [`cases`] are questions with what should be found; [`beir`] reads them, and documents, in the form
//! of public collections. [`rank`] asks what there is for a case, [`judge`] holds it against what is
//! expected, [`metrics`] makes numbers of that, [`stats`] says how sure they are, [`report`] gathers
//! all, and [`gate`] is what a pipeline insists on; [`promotion`] is that of a version of a collection, with the [`changes`] case by case. [`answers`] measures what is made of it. [`run_file`] is for what other programs rank and
//! measure.

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
