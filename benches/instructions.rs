//! Guards against slowness without a quiet machine: the instructions of the stages and of the start of
//! the program are counted with callgrind and compared with `instructions.toml`.
//!
//! `cargo bench --bench instructions [FILTER]` fails if one takes more; `-- --accept` writes the counts
//! down. Valgrind has to be installed.
//!
//! A stage runs in a process of its own, once with one pass and once with several: the difference is
//! what the passes take, without start and input.

#![expect(clippy::print_stdout, reason = "a benchmark reports to standard output")]

#[expect(dead_code, reason = "shared with other benchmarks")]
mod support;

use std::env;
use std::fmt::Write as _;
use std::process::{Command, ExitCode};

use toml::{Table, Value};

use support::stages::{STAGES, named};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");
const HEADER: &str = "\
# Instructions under callgrind, by architecture: of one pass over a stage's input, or of a whole
# process. Written by `cargo bench --bench instructions -- --accept`, in the environment of `.ci/run`.
";
const ACCEPT: &str = "cargo bench --bench instructions -- --accept";

/// How much more than in the table is too much. Of five runs the highest count was at most 3 % above
/// the lowest (hash maps are seeded at random). The rest is the compiler's: a change elsewhere in the
/// crate moves functions between its codegen units, and what is inlined changes with that. It made
/// reading HTML, which nobody had touched, take 13.5 % more.
const MARGIN: f64 = 0.2;

/// Fewest instructions to count, in as many passes as necessary: making the input takes some 50,000
/// more or less each time.
const ENOUGH: i64 = 20_000_000;

/// Counted in addition to [`STAGES`]: the program with this argument.
const STARTS: [(&str, &str); 2] = [("docent --version", "--version"), ("docent --help", "--help")];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, name, passes] = &args[..]
        && flag == "--pass"
    {
        run_stage(name, passes.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` asks only whether it runs.
    if !env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let accept = args.iter().any(|arg| arg == "--accept");
    let filter = args.iter().find(|arg| !arg.starts_with("--")).map_or("", String::as_str);
    let counts = match count_all(filter) {
        Ok(counts) => counts,
        Err(error) => {
            println!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut tables = read_tables();
    let table = tables.entry(env::consts::ARCH).or_insert_with(|| Table::new().into());
    let table = table.as_table_mut().expect("a table for each architecture");
    let exceeded = compare(table, &counts);
    if accept {
        if filter.is_empty() {
            table.clear();
        }
        let counted = counts.into_iter().map(|(name, count)| (name.to_owned(), count.into()));
        table.extend(counted);
        table.insert("compiler".to_owned(), compiler().into());
        std::fs::write(TABLE, format!("{HEADER}\n{tables}")).expect("the table is writable");
        println!("accepted: {TABLE}");
    } else if exceeded > 0 {
        println!("error: {exceeded} of the counts above are too high or not in the table");
        println!(
            "  table made with: {}",
            table.get("compiler").and_then(Value::as_str).unwrap_or("-")
        );
        println!("  this compiler:   {}", compiler());
        println!("  where it is meant to be so: {ACCEPT}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run_stage(name: &str, passes: usize) {
    let stage = named(name);
    (0..passes).for_each(|_| (stage.pass)());
}

fn count_all(filter: &str) -> Result<Vec<(&'static str, i64)>, String> {
    let mut counts = Vec::new();
    for (name, _) in STAGES.iter().filter(|(name, _)| name.contains(filter)) {
        counts.push((*name, count_pass(name)?));
    }
    for (name, argument) in STARTS.iter().filter(|(name, _)| name.contains(filter)) {
        counts.push((*name, callgrind(env!("CARGO_BIN_EXE_docent"), &[argument])?));
    }
    Ok(counts)
}

fn count_pass(name: &str) -> Result<i64, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let this = this.to_string_lossy();
    let count = |passes: i64| callgrind(&this, &["--pass", name, &passes.to_string()]);
    let start = count(1)?;
    let one = count(2)? - start;
    let several = ENOUGH / one.max(1);
    if several < 2 { Ok(one) } else { Ok((count(1 + several)? - start) / several) }
}

/// Instructions of a whole process, with a cleared environment.
fn callgrind(program: &str, args: &[&str]) -> Result<i64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", program])
        .args(args)
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .output()
        .map_err(|error| format!("valgrind: {error} (is it installed?)"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("{program} {}: {}\n{report}", args.join(" "), output.status)),
    }
}

/// Prints each count beside the one in the table; returns how many are too high, or missing if the
/// architecture has a table.
fn compare(table: &Table, counts: &[(&str, i64)]) -> usize {
    let mut exceeded = 0;
    println!("{:<26} {:>14} {:>14} {:>8}", "instructions", "before", "now", "");
    for &(name, now) in counts {
        let mut line = format!("{name:<26}");
        if let Some(before) = table.get(name).and_then(Value::as_integer) {
            let change = now as f64 / before as f64 - 1.0;
            let _ = write!(line, " {before:>14} {now:>14} {:>+7.1}%", 100.0 * change);
            if change > MARGIN {
                exceeded += 1;
                line += "  TOO HIGH";
            } else if change < -MARGIN {
                line += "  accept it, to keep it";
            }
        } else {
            exceeded += usize::from(!table.is_empty());
            let _ =
                write!(line, " {:>14} {now:>14}  NOT IN THE TABLE for {}", "-", env::consts::ARCH);
        }
        println!("{line}");
    }
    exceeded
}

fn read_tables() -> Table {
    let text = std::fs::read_to_string(TABLE).unwrap_or_default();
    text.parse().expect("instructions.toml is TOML")
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
