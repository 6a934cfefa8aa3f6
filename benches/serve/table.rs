//! The table: a row for each measurement, with its goal.

use std::process::ExitCode;

pub(crate) struct Table {
    lost: Vec<String>,
}

/// The goal of a ratio, which it must not exceed.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The goal is met, and has to stay so: more than half above it is an error.
    Held(f64),
    /// The goal is not met yet.
    Wanted(f64),
    None,
}

impl Table {
    pub(crate) fn begin() -> Self {
        println!(
            "| what | takes | limit | ratio | goal | |\n| --- | --- | --- | --- | --- | --- |"
        );
        Self { lost: Vec::new() }
    }

    pub(crate) fn row(&mut self, what: &str, takes: &str, limit: &str, ratio: f64, goal: Goal) {
        const MUCH: f64 = 1.5;
        let judged = match goal {
            Goal::None => "|".to_owned(),
            Goal::Held(most) | Goal::Wanted(most) => {
                format!("<= {most} | {}", if ratio <= most { "met" } else { "**missed**" })
            }
        };
        println!("| {what} | {takes} | {limit} | {ratio:.2} | {judged} |");
        if let Goal::Held(most) = goal
            && ratio > most * MUCH
        {
            self.lost.push(format!("{what}: {ratio:.2}, and not {most}"));
        }
    }

    /// The exit code.
    pub(crate) fn end(self) -> ExitCode {
        if self.lost.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("\nWhat was met is missed by much: {}.", self.lost.join("; "));
        ExitCode::FAILURE
    }
}

pub(crate) fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}

/// The median and the 99th percentile of values in seconds.
pub(crate) fn shares(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    (at(0.5), at(0.99))
}
