//! The one test binary for end-to-end tests: the built program, run as a user runs it.

#![allow(unreachable_pub, reason = "one binary: nothing is reachable from outside")]

mod config;
mod doctor;
mod env;
mod exit_codes;
mod formats;
mod help;
mod ingest;
mod openai;
mod query;
mod readme;
mod sample_docs;
mod search;
mod status;
mod tidy;
