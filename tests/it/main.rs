//! The one test binary for end-to-end tests: the built program, run as a user runs it.

#![allow(unreachable_pub, reason = "one binary: nothing is reachable from outside")]

mod batch;
mod changes;
mod chat;
mod chatting;
mod cluster;
mod completions;
mod config;
mod deploy;
mod deployment;
mod described;
mod doctor;
mod earlier;
mod env;
mod eval;
mod exit_codes;
mod expiry;
mod explain;
mod faults;
#[cfg(unix)]
mod faults_disk;
#[cfg(unix)]
mod faults_files;
mod faults_store;
mod forget;
mod formats;
#[cfg(unix)]
mod gate;
mod help;
#[cfg(unix)]
mod hostile;
mod hub;
mod ingest;
mod injection;
#[cfg(unix)]
mod install;
mod kill;
mod language;
mod limits;
mod mcp;
#[cfg(unix)]
mod mcp_beside_serve;
mod mcp_client;
mod mcp_install;
mod mcp_lines;
mod mcp_sync;
mod models;
mod names;
mod ocr;
mod onnx;
mod openai;
mod ownership;
mod partitions;
mod portable;
mod portable_refused;
mod portable_resumed;
mod promotion;
mod prompt;
#[cfg(target_os = "linux")]
mod pty;
mod purge;
mod qdrant;
mod query;
mod readme;
mod replay;
mod rerank;
mod restricted;
mod rewrite;
mod rounds;
mod sample_docs;
mod scene;
mod schema;
mod search;
mod secrets;
mod serve;
mod serve_access;
mod serve_bad_input;
mod serve_cache;
mod serve_callers;
mod serve_chat;
mod serve_chat_end;
mod serve_faults;
mod serve_governance;
mod serve_http2;
mod serve_ingest;
mod serve_malformed;
mod serve_mcp;
mod serve_page;
mod serve_stores;
mod serve_switch;
mod serve_tls;
mod serve_tools;
mod serve_watch;
mod serve_wire;
mod served;
mod settings;
mod show;
mod site;
mod status;
mod sync;
#[cfg(target_os = "linux")]
mod tenants;
#[cfg(unix)]
mod terminal;
mod texts;
mod tidy;
#[cfg(target_os = "linux")]
mod tls;
mod together;
mod torn;
mod trace;
mod transfer;
mod trust;
mod typed;
mod unread;
#[cfg(unix)]
mod unwritable;
mod verify;
mod verify_onnx;
mod versions;
#[cfg(unix)]
mod watch;
mod web;
mod words;
