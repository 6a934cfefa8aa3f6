//! Tells what a model thinks from what it answers, where it writes both into one text.
//!
//! Thinking stands at the beginning of the text, between tags. Tags that come later are part of the
//! answer.

/// A part of what a model writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    Thinking(String),
    Answer(String),
}

const TAGS: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
];

/// Takes a text apart while it arrives, however it is split.
#[derive(Debug)]
pub struct ThinkingParser {
    state: State,
    /// What may still become part of a tag, and space at the beginning.
    held: String,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing but space so far, or nothing but space since a closing tag.
    Beginning {
        after_thinking: bool,
    },
    /// Up to this tag.
    Thinking(&'static str),
    Answer,
}

impl Default for ThinkingParser {
    fn default() -> Self {
        Self { state: State::Beginning { after_thinking: false }, held: String::new() }
    }
}

impl ThinkingParser {
    /// The parts that are certain by now, in order.
    pub fn push(&mut self, text: &str) -> Vec<Part> {
        self.held.push_str(text);
        let mut parts = Vec::new();
        while let Some(part) = self.step() {
            parts.extend(Some(part).filter(|part| !part.text().is_empty()));
        }
        parts
    }

    /// What was held back when the text ended. Thinking that never ended stays thinking.
    pub fn finish(&mut self) -> Option<Part> {
        let held = std::mem::take(&mut self.held);
        let part = match self.state {
            State::Thinking(_) => Part::Thinking(held),
            State::Beginning { after_thinking: true } => Part::Answer(held.trim_start().to_owned()),
            State::Beginning { .. } | State::Answer => Part::Answer(held),
        };
        Some(part).filter(|part| !part.text().is_empty())
    }

    /// Takes from what is held; `None` where that has to wait for more.
    fn step(&mut self) -> Option<Part> {
        match self.state {
            State::Beginning { after_thinking } => {
                let text = self.held.trim_start();
                if let Some((open, close)) = TAGS.iter().find(|(open, _)| text.starts_with(open)) {
                    self.held = text[open.len()..].to_owned();
                    self.state = State::Thinking(close);
                    return Some(Part::Thinking(String::new()));
                }
                if TAGS.iter().any(|(open, _)| open.starts_with(text)) {
                    return None;
                }
                if after_thinking {
                    self.held = text.to_owned();
                }
                self.state = State::Answer;
                Some(Part::Answer(std::mem::take(&mut self.held)))
            }
            State::Thinking(close) => {
                if let Some(at) = self.held.find(close) {
                    let rest = self.held.split_off(at + close.len());
                    let mut thought = std::mem::replace(&mut self.held, rest);
                    thought.truncate(at);
                    self.state = State::Beginning { after_thinking: true };
                    return Some(Part::Thinking(thought));
                }
                let certain = self.held.len() - begun(&self.held, close);
                let rest = self.held.split_off(certain);
                let thought = std::mem::replace(&mut self.held, rest);
                (!thought.is_empty()).then_some(Part::Thinking(thought))
            }
            State::Answer if self.held.is_empty() => None,
            State::Answer => Some(Part::Answer(std::mem::take(&mut self.held))),
        }
    }
}

impl Part {
    pub fn text(&self) -> &str {
        match self {
            Self::Thinking(text) | Self::Answer(text) => text,
        }
    }
}

/// Bytes at the end of `text` that `tag` may begin with.
fn begun(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|&length| text.ends_with(&tag[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is thought, and what is answered.
    fn parse<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut parser = ThinkingParser::default();
        let mut parts: Vec<Part> = pieces.into_iter().flat_map(|p| parser.push(p)).collect();
        parts.extend(parser.finish());
        let (mut thought, mut answer) = (String::new(), String::new());
        for part in parts {
            match part {
                Part::Thinking(text) => thought.push_str(&text),
                Part::Answer(text) => answer.push_str(&text),
            }
        }
        (thought, answer)
    }

    #[test]
    fn thinking_is_what_stands_between_tags_at_the_beginning() {
        for (text, thought, answer) in [
            ("<think>hm</think>\n\nYes [1].", "hm", "Yes [1]."),
            (" \n<thinking>a < b </think> </thinking>Yes", "a < b </think> ", "Yes"),
            ("[THINK]hm[/THINK]Yes", "hm", "Yes"),
            ("<think>one</think> <think>two</think> Yes", "onetwo", "Yes"),
            ("<think></think>Yes", "", "Yes"),
            ("<think>never closed </thin", "never closed </thin", ""),
            ("<think>hm</think> \n", "hm", ""),
            ("<think>hm</think><th", "hm", "<th"),
            ("Use <think>tags</think>.", "", "Use <think>tags</think>."),
            ("<think>hm</think>The tag <think> opens.", "hm", "The tag <think> opens."),
            ("<thinks>Yes", "", "<thinks>Yes"),
            ("  Yes", "", "  Yes"),
            ("<thi", "", "<thi"),
            ("", "", ""),
        ] {
            assert_eq!(parse([text]), (thought.to_owned(), answer.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_held_longer_than_it_must() {
        let mut parser = ThinkingParser::default();
        assert_eq!(parser.push("\n<thin"), []);
        assert_eq!(parser.push("k>so </th"), [Part::Thinking("so ".to_owned())]);
        assert_eq!(parser.push("e "), [Part::Thinking("</the ".to_owned())]);
        assert_eq!(parser.push("</think>\n"), []);
        assert_eq!(parser.push("\nYes <"), [Part::Answer("Yes <".to_owned())]);
        assert_eq!(parser.push("think>"), [Part::Answer("think>".to_owned())]);
        assert_eq!(parser.finish(), None);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_answer(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("<think>"), Just("</think>"), Just("<thinking>"), Just("</thinking>"),
                    Just("[THINK]"), Just("[/THINK]"), Just("<"), Just("/"), Just("think"),
                    Just(">"), Just(" "), Just("\n"), Just("word"), Just("é"), Just("[1]")
                ], 0..20),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let text = parts.concat();
            let mut at: Vec<usize> = cuts
                .iter()
                .map(|cut| cut.index(text.len() + 1))
                .filter(|&at| text.is_char_boundary(at))
                .chain([0, text.len()])
                .collect();
            at.sort_unstable();
            let whole = parse([text.as_str()]);
            prop_assert_eq!(&parse(at.windows(2).map(|w| &text[w[0]..w[1]])), &whole);
            let single: Vec<String> = text.chars().map(String::from).collect();
            prop_assert_eq!(&parse(single.iter().map(String::as_str)), &whole);
            let tagged = TAGS.iter().any(|(open, _)| text.trim_start().starts_with(open));
            if !tagged {
                prop_assert_eq!(&whole.1, &text);
            }
        }
    }
}
