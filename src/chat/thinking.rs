//! Separates a model's thinking from its answer, if the model writes both into one text.
//!
//! Thinking is at the beginning of the text, between tags. Later tags are part of the answer. Many
//! templates (`DeepSeek`-R1, `QwQ`, Qwen3-Thinking) write the opening tag themselves, so that the model
//! only writes the closing one: text that may be such thinking is held until that tag comes, and text that
//! was passed on before it is retracted.

/// A part of what a model writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplyPart {
    Thinking(String),
    Answer(String),
    /// The answer so far was thinking.
    Retracted,
}

const TAGS: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
];

/// Parts of the names of models whose template writes the opening tag, in lower case, according to their
/// model cards on Hugging Face.
const THINKERS: &[&str] =
    &["deepseek-r1", "qwq", "-thinking", "exaone-deep", "glm-z1", "minimax-m"];

/// Beginnings of such thinking, which are rare in answers with citations. They only decide what is held.
const OPENINGS: &[&str] = &[
    "Okay",
    "OK, ",
    "Ok, ",
    "Alright",
    "Hmm",
    "Let me ",
    "Let's ",
    "Let’s ",
    "We need ",
    "We are given",
    "We have ",
    "The user",
    "User ",
    "First, I",
    "I need to ",
    "I should ",
    "So the ",
    "So, ",
    "好的",
    "嗯",
    "首先",
    "用户",
];

/// Most bytes that are held in doubt: more than most thoughts have.
const MOST_HELD: usize = 128 * 1024;

/// Splits a text while it arrives, in deltas of any size.
#[derive(Debug)]
pub struct ThinkingParser {
    state: State,
    /// Text that may still become part of a tag, space at the beginning, and text in doubt.
    held: String,
    /// How much of the text in doubt was searched for a closing tag, without finding one.
    searched: usize,
    /// The model leaves the opening tag to its template.
    thinker: bool,
    /// The server separates thinking and answer.
    told_apart: bool,
    /// The last character that was passed on as part of the answer.
    last: Option<char>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Only space so far, or only space since a closing tag.
    Beginning {
        after_thinking: bool,
    },
    /// Within thinking, until this closing tag.
    Thinking(&'static str),
    /// The text may be thinking without its opening tag.
    Doubtful,
    /// The text is passed on, unless a closing tag shows that it was thinking.
    Open,
    Answer,
}

impl Default for ThinkingParser {
    fn default() -> Self {
        Self {
            state: State::Beginning { after_thinking: false },
            held: String::new(),
            searched: 0,
            thinker: false,
            told_apart: false,
            last: None,
        }
    }
}

impl ThinkingParser {
    /// A parser for the output of the model with this name.
    pub fn of(model: &str) -> Self {
        let name = model.to_lowercase();
        let thinker = THINKERS.iter().any(|part| name.contains(part));
        Self { thinker, ..Self::default() }
    }

    /// The server sends thinking separately: what comes here is the answer, or has tags.
    pub fn told_apart(&mut self) {
        self.told_apart = true;
    }

    /// The parts that are certain by now, in order.
    pub fn push(&mut self, text: &str) -> Vec<ReplyPart> {
        self.held.push_str(text);
        let mut parts = Vec::new();
        while let Some(part) = self.step() {
            parts.extend(Some(part).filter(ReplyPart::says_something));
        }
        parts
    }

    /// The text that was held back, at the end. Thinking that never ended stays thinking.
    pub fn finish(&mut self) -> Option<ReplyPart> {
        let held = std::mem::take(&mut self.held);
        let part = match self.state {
            State::Thinking(_) => ReplyPart::Thinking(held),
            State::Beginning { after_thinking: true } => {
                ReplyPart::Answer(held.trim_start().to_owned())
            }
            State::Open if self.shows_thinking(&held, "\n") => self.retraction(),
            State::Beginning { .. } | State::Doubtful | State::Open | State::Answer => {
                ReplyPart::Answer(held)
            }
        };
        Some(part).filter(ReplyPart::says_something)
    }

    /// Takes the next part of the held text; `None` if more text is needed.
    fn step(&mut self) -> Option<ReplyPart> {
        match self.state {
            State::Beginning { after_thinking } => self.begin(after_thinking),
            State::Thinking(close) => {
                if let Some(at) = self.held.find(close) {
                    return Some(self.end_thinking(at, close));
                }
                let certain = self.held.len() - begun(&self.held, close);
                let rest = self.held.split_off(certain);
                let thought = std::mem::replace(&mut self.held, rest);
                (!thought.is_empty()).then_some(ReplyPart::Thinking(thought))
            }
            State::Doubtful => self.doubt(),
            State::Open => self.pass_on(),
            State::Answer if self.held.is_empty() => None,
            State::Answer => Some(ReplyPart::Answer(std::mem::take(&mut self.held))),
        }
    }

    fn begin(&mut self, after_thinking: bool) -> Option<ReplyPart> {
        let text = self.held.trim_start();
        if let Some((open, close)) = TAGS.iter().find(|(open, _)| text.starts_with(open)) {
            self.held = text[open.len()..].to_owned();
            self.state = State::Thinking(close);
            return Some(ReplyPart::Thinking(String::new()));
        }
        if TAGS.iter().any(|(open, _)| open.starts_with(text)) {
            return None;
        }
        self.state = if after_thinking || self.told_apart {
            State::Answer
        } else if self.thinker || OPENINGS.iter().any(|opening| text.starts_with(opening)) {
            State::Doubtful
        } else if OPENINGS.iter().any(|opening| opening.starts_with(text)) {
            return None;
        } else {
            State::Open
        };
        if after_thinking {
            self.held = text.to_owned();
        }
        Some(ReplyPart::Answer(String::new()))
    }

    /// Waits for a closing tag that shows what is held to be thinking.
    fn doubt(&mut self) -> Option<ReplyPart> {
        let from = self.held.floor_char_boundary(self.searched);
        let mut tags = closings(&self.held, from).into_iter();
        if let Some((at, close)) = tags.find(|(at, _)| !is_quote(self.held[..*at].chars().last())) {
            if has_opening(&self.held[..at]) {
                self.state = State::Answer;
                return Some(ReplyPart::Answer(String::new()));
            }
            return Some(self.end_thinking(at, close));
        }
        let longest = written_by_templates().map(|(_, close)| close.len()).max();
        let longest = longest.unwrap_or_default();
        self.searched = self.held.len().saturating_sub(longest);
        if self.told_apart || self.held.len() > MOST_HELD {
            self.state = State::Open;
            return Some(ReplyPart::Answer(String::new()));
        }
        None
    }

    /// Passes on text that certainly has no closing tag.
    fn pass_on(&mut self) -> Option<ReplyPart> {
        let certain = match closings(&self.held, 0).first().copied() {
            Some((0, close)) => {
                let after = &self.held[close.len()..];
                if after.is_empty() {
                    return None;
                }
                if self.shows_thinking(close, after) {
                    self.held.drain(..close.len());
                    self.state = State::Beginning { after_thinking: true };
                    return Some(self.retraction());
                }
                close.len()
            }
            Some((at, _)) => at,
            None => {
                let tags = written_by_templates().flat_map(|(open, close)| [open, close]);
                self.held.len() - tags.map(|tag| begun(&self.held, tag)).max().unwrap_or_default()
            }
        };
        let rest = self.held.split_off(certain);
        let text = std::mem::replace(&mut self.held, rest);
        self.last = text.chars().last().or(self.last);
        if has_opening(&text) {
            // The answer is about tags.
            self.state = State::Answer;
        }
        (!text.is_empty()).then_some(ReplyPart::Answer(text))
    }

    /// Whether a closing tag ends a thought. A tag within a line, or in quotes, is only mentioned.
    fn shows_thinking(&self, tag: &str, after: &str) -> bool {
        let closes = written_by_templates().any(|(_, close)| *close == tag);
        closes && !self.told_apart && !is_quote(self.last) && after.starts_with(['\n', '\r'])
    }

    fn retraction(&self) -> ReplyPart {
        if self.last.is_some() { ReplyPart::Retracted } else { ReplyPart::Thinking(String::new()) }
    }

    fn end_thinking(&mut self, at: usize, close: &str) -> ReplyPart {
        let rest = self.held.split_off(at + close.len());
        let mut thought = std::mem::replace(&mut self.held, rest);
        thought.truncate(at);
        self.state = State::Beginning { after_thinking: true };
        ReplyPart::Thinking(thought)
    }
}

/// Tags that may be closed without being opened. Mistral's do not count: they begin like a citation.
fn written_by_templates() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    TAGS.iter().filter(|(open, _)| open.starts_with('<'))
}

/// Closing tags from `from` on, in order.
fn closings(text: &str, from: usize) -> Vec<(usize, &'static str)> {
    let found = |(_, close): &(&str, &'static str)| {
        text[from..].match_indices(close).map(|(at, _)| (from + at, *close)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = written_by_templates().flat_map(found).collect();
    all.sort_unstable();
    all
}

fn has_opening(text: &str) -> bool {
    written_by_templates().any(|(open, _)| text.contains(open))
}

fn is_quote(before: Option<char>) -> bool {
    before.is_some_and(|c| matches!(c, '`' | '"' | '\'' | '“' | '‘' | '«'))
}

impl ReplyPart {
    fn says_something(&self) -> bool {
        match self {
            Self::Thinking(text) | Self::Answer(text) => !text.is_empty(),
            Self::Retracted => true,
        }
    }
}

/// Number of bytes at the end of `text` with which `tag` may begin.
fn begun(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|&length| text.ends_with(&tag[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests;
