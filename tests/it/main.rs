//! The one test binary for end-to-end tests: the built program, run as a user runs it.

#![allow(unreachable_pub, reason = "one binary: nothing is reachable from outside")]

mod batch;
mod chat;
mod chatting;
mod config;
mod doctor;
mod env;
mod eval;
mod exit_codes;
mod explain;
mod faults;
mod faults_disk;
mod faults_files;
mod faults_store;
mod forget;
mod formats;
mod help;
mod hostile;
mod ingest;
mod injection;
mod kill;
mod limits;
mod ocr;
mod onnx;
mod openai;
mod prompt;
#[cfg(target_os = "linux")]
mod pty;
mod qdrant;
mod query;
mod readme;
mod replay;
mod rerank;
mod rewrite;
mod sample_docs;
mod scene;
mod schema;
mod search;
mod secrets;
mod serve;
mod serve_access;
mod serve_cache;
mod serve_chat;
mod serve_chat_end;
mod serve_faults;
mod serve_page;
mod serve_stores;
mod serve_switch;
mod serve_tls;
mod serve_wire;
mod served;
mod settings;
mod show;
mod site;
mod status;
mod sync;
#[cfg(target_os = "linux")]
mod terminal;
mod texts;
mod tidy;
#[cfg(target_os = "linux")]
mod tls;
mod together;
mod torn;
mod trace;
mod trust;
mod typed;
mod unread;
mod unwritable;
mod verify;
mod verify_onnx;
mod watch;
mod web;
mod words;
