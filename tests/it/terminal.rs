//! `docent chat` at a terminal.

use std::os::unix::fs::PermissionsExt as _;

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};
use crate::pty::Terminal;
use crate::rewrite::says;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const QUESTION: &str = "How long are ledger backups kept?";

/// A project that can be asked about backups, answered by a scripted model.
fn generating() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    let server = ScriptedServer::start();
    server.answer(&["They are ", "kept for 400 days [1]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

/// The question that a request ends with.
fn asked(server: &ScriptedServer, request: usize) -> String {
    let messages = &server.requests()[request].body["messages"];
    let messages = messages.as_array().expect("messages");
    let last = messages[messages.len() - 1]["content"].as_str().expect("text");
    last.rsplit("Question: ").next().expect("a question").to_owned()
}

#[test]
fn ctrl_c_stops_the_answer_and_ctrl_d_the_session() {
    let (env, server) = generating();
    server.push(Fault::StallAfter(2));
    let mut terminal = Terminal::run(&env.command(&["chat"]));
    terminal.expect("answers by scripted-chat");
    terminal.expect("> ");
    terminal.send(&format!("{QUESTION}\r"));
    terminal.expect("They are ");
    terminal.send(CTRL_C);
    terminal.expect("stopped");
    server.wait_for_hangup();
    terminal.expect("> ");
    terminal.send(CTRL_C);
    terminal.expect("> ");
    terminal.send(CTRL_C);
    terminal.expect("Ctrl-D or /quit");
    terminal.expect("> ");
    server.push(says("ledger backups"));
    terminal.send("And now?\r");
    terminal.expect("400 days");
    terminal.expect("docs/backups.md:L1-L3");
    terminal.expect("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    let body = server.requests()[2].body.to_string();
    assert!(body.contains("They are"), "what came before Ctrl-C was said\n{body}");
}

/// A spinner is cleared with its line, and what the terminal echoes may not begin another.
#[test]
fn ctrl_c_leaves_no_spinner_behind() {
    let (env, server) = generating();
    server.push(Fault::Stall);
    let mut terminal = Terminal::run(&env.command(&["query", QUESTION]));
    terminal.expect("asking scripted-chat");
    terminal.send(CTRL_C);
    let (code, shown) = terminal.last();
    // A terminal whose program ends at once may come to echo nothing.
    let line = shown.split("^C").next().unwrap_or_default();
    let last = line.rsplit('\n').next().unwrap_or(line);
    let drawn = last.rsplit("\x1b[2K").next().unwrap_or(last);
    assert!(drawn.chars().count() + 2 < 80, "{drawn:?}");
    assert_eq!(code, Some(130));
}

#[test]
fn a_failing_endpoint_does_not_end_the_session() {
    let (env, server) = generating();
    server.push(Fault::Reset);
    let mut terminal = Terminal::run(&env.command(&["chat"]));
    terminal.expect("> ");
    terminal.send(&format!("{QUESTION}\r"));
    terminal.expect("error:");
    terminal.expect("> ");
    terminal.send(&format!("{QUESTION}\r"));
    terminal.expect("400 days");
    terminal.expect("> ");
    terminal.send("/quit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn lines_are_edited_and_remembered_for_their_owner_alone() {
    let (env, server) = generating();
    let mut terminal = Terminal::run(&env.command(&["chat"]));
    terminal.expect("> ");
    // A wide character is one step, as any other.
    terminal.send(&format!("x漢字 ü backups?{}\x7f\x7f🦀\x1b[F!\r", LEFT.repeat(11)));
    terminal.expect("400 days");
    terminal.expect("> ");
    terminal.send(&format!(" secret{CTRL_C}"));
    terminal.expect("> ");
    terminal.send("/sou\t\r");
    terminal.expect("docs/backups.md:L1-L3");
    terminal.expect("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(asked(&server, 0), "x🦀 ü backups?!");

    let file = env.home().join(".local/state/docent/chat-history");
    let mode = std::fs::metadata(&file).expect("a history").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("a history");
    assert!(text.contains("x🦀 ü backups?!") && !text.contains("secret"), "{text}");

    let before = server.requests().len();
    let mut terminal = Terminal::run(&env.command(&["chat"]));
    terminal.expect("> ");
    terminal.send(&format!("{UP}{UP}\r"));
    terminal.expect("400 days");
    terminal.expect("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(asked(&server, before), "x🦀 ü backups?!");

    std::fs::remove_file(&file).expect("a history");
    let mut terminal = Terminal::run(&env.command(&["chat", "--no-history"]));
    terminal.expect("> ");
    // What is typed ahead is not lost.
    terminal.send("/help\r/quit\r");
    assert_eq!(terminal.end(), Some(0));
    assert!(!file.exists());
}

#[test]
fn a_source_is_opened_at_its_line_whatever_it_is_called() {
    let (mut env, _server) = generating();
    let name = "docs/--help $(touch pwned) ;x'.md";
    std::fs::remove_file(env.path("docs/backups.md")).expect("a file");
    let other = "Nothing of that kind is here. ".repeat(100);
    let text =
        format!("# Other\n\n{other}\n\n# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write(name, text);
    env.run(&["ingest", "docs", "--allow-prune"]).expect(0);
    let script = env.write("editor", "#!/bin/sh\nprintf '%s\\n' \"$@\" > opened\necho edited\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a script");
    env.set("EDITOR", &format!("{} --wait", script.display()));
    let mut terminal = Terminal::run(&env.command(&["chat"]));
    terminal.expect("> ");
    terminal.send(&format!("{QUESTION}\r"));
    terminal.expect("400 days");
    terminal.expect("> ");
    terminal.send("/open [1]\r");
    terminal.expect("edited");
    terminal.expect("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    let path = env.project().canonicalize().expect("a project").join(name);
    let opened = std::fs::read_to_string(env.path("opened")).expect("the editor ran");
    assert_eq!(opened, format!("--wait\n+5\n{}\n", path.display()));
    assert!(!env.path("pwned").exists());
}
