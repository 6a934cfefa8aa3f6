//! The lines of a block while they are written, and the formatting that changes what their text says.

use super::role::ElementRole;
use crate::ingest::extract::formatting::end_script;

/// A line of the block being written, with the offsets of its first and last characters in the source.
#[derive(Default)]
pub(super) struct HtmlLine {
    pub(super) text: String,
    pub(super) span: Option<(usize, usize)>,
}

impl HtmlLine {
    pub(super) fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
}

/// The open elements of formatting.
#[derive(Default)]
pub(super) struct HtmlInline {
    /// Where raised and lowered text starts: the number of lines, and the length of the last one; `None` if
    /// that line is written already.
    scripts: Vec<Option<(usize, usize)>>,
    /// How many open elements strike out their text.
    struck: usize,
    /// Whether the last line has the opening mark of struck-out text.
    in_strike: bool,
}

impl HtmlInline {
    pub(super) fn open(&mut self, role: ElementRole, lines: &[HtmlLine]) {
        match role {
            ElementRole::Script(_) => {
                let length = lines.last().map_or(0, |line| line.text.len());
                self.scripts.push(Some((lines.len().max(1), length)));
            }
            ElementRole::Struck => self.struck += 1,
            _ => {}
        }
    }

    pub(super) fn close(&mut self, role: ElementRole, lines: &mut [HtmlLine]) {
        match role {
            ElementRole::Script(script) => {
                let Some(Some((count, start))) = self.scripts.pop() else { return };
                let same = lines.len() == count;
                if let Some(line) = lines.last_mut().filter(|_| same) {
                    end_script(&mut line.text, start, script);
                }
            }
            ElementRole::Struck => {
                self.struck = self.struck.saturating_sub(1);
                if self.struck == 0 {
                    self.end_line(lines);
                }
            }
            _ => {}
        }
    }

    /// Marks the start of struck-out text.
    pub(super) fn begin(&mut self, line: &mut HtmlLine) {
        if self.struck > 0 && !std::mem::replace(&mut self.in_strike, true) {
            line.text.push_str("~~");
        }
    }

    /// Marks its end on the last line; the text may continue on the next.
    pub(super) fn end_line(&mut self, lines: &mut [HtmlLine]) {
        if std::mem::take(&mut self.in_strike)
            && let Some(line) = lines.last_mut()
        {
            line.text.push_str("~~");
        }
    }

    pub(super) fn end_block(&mut self, lines: &mut [HtmlLine]) {
        self.end_line(lines);
        self.scripts.fill(None);
    }
}
