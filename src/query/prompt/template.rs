//! The template of a request: text, and slots that are filled for each question.
//!
//! A template is filled in one pass. The value of a slot is never searched for slots, so neither a document
//! nor a question can add to the prompt.

use crate::chat::MessageRole;

/// A slot of a template, written `{{name}}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TemplateSlot {
    /// How passages are fenced, and how to cite them or refuse to answer.
    Rules,
    /// The fenced passages.
    Passages,
    Question,
}

impl TemplateSlot {
    pub const ALL: [Self; 3] = [Self::Rules, Self::Passages, Self::Question];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Passages => "passages",
            Self::Question => "question",
        }
    }
}

/// The line that ends the system message and begins the user's.
const USER: &str = "user";

/// What docent sends after its introduction, or after the user's own introduction.
const REST: &str = "\n\n{{rules}}\n{{user}}\n{{passages}}\n\nQuestion: {{question}}";

const INTRODUCTION: &str =
    "You answer questions from a collection of documents. Be brief and exact.";

/// A prompt with slots. The default is docent's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    system: Vec<Segment>,
    user: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Text(String),
    Slot(TemplateSlot),
    /// The line [`USER`].
    User,
}

/// Why a text is not a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateError {
    pub message: String,
    pub hint: String,
}

impl Default for Template {
    fn default() -> Self {
        Self::introduced_by(INTRODUCTION)
    }
}

impl Template {
    /// docent's own template with another introduction, which is plain text without slots.
    pub fn introduced_by(introduction: &str) -> Self {
        let mut segments = vec![Segment::Text(introduction.trim().to_owned())];
        segments.extend(segments_of(REST).unwrap_or_default());
        Self::of(segments)
    }

    /// A template from a file: the system message, a line `{{user}}`, the user's message; without that
    /// line, all of it is the user's message. `{{rules}}` and `{{passages}}` appear once, `{{question}}` at
    /// least once. `{{` without a name after it is text.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let segments = segments_of(text)?;
        for slot in TemplateSlot::ALL {
            let count = segments.iter().filter(|segment| **segment == Segment::Slot(slot)).count();
            let name = slot.name();
            if count == 0 {
                return Err(error(format!("{{{{{name}}}}} is missing")));
            }
            if count > 1 && slot != TemplateSlot::Question {
                return Err(error(format!("{{{{{name}}}}} appears {count} times: use it once")));
            }
        }
        if segments.iter().filter(|segment| **segment == Segment::User).count() > 1 {
            return Err(error("{{user}} appears more than once".to_owned()));
        }
        Ok(Self::of(segments))
    }

    fn of(mut segments: Vec<Segment>) -> Self {
        match segments.iter().position(|segment| *segment == Segment::User) {
            Some(at) => {
                let user = segments.split_off(at + 1);
                segments.truncate(at);
                Self { system: segments, user }
            }
            None => Self { system: Vec::new(), user: segments },
        }
    }

    /// The messages that are not empty, in order.
    pub(super) fn fill(
        &self,
        value: impl Fn(TemplateSlot) -> String,
    ) -> Vec<(MessageRole, String)> {
        let filled = |segments: &[Segment]| {
            let texts = segments.iter().map(|segment| match segment {
                Segment::Text(text) => text.clone(),
                Segment::Slot(slot) => value(*slot),
                Segment::User => String::new(),
            });
            texts.collect::<String>().trim().to_owned()
        };
        [(MessageRole::System, filled(&self.system)), (MessageRole::User, filled(&self.user))]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }
}

fn segments_of(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let mut segments = Vec::new();
    let mut text_start = 0;
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        at = open + 2;
        let Some((name, end)) = slot_name(text, at) else { continue };
        let line = text[..open].matches('\n').count() + 1;
        let segment = if name == USER {
            if !stands_alone(text, open, end) {
                return Err(error(format!("line {line}: {{{{user}}}} needs a line of its own")));
            }
            Segment::User
        } else {
            let slot = TemplateSlot::ALL.into_iter().find(|slot| slot.name() == name);
            Segment::Slot(slot.ok_or_else(|| unknown(name, line))?)
        };
        segments.push(Segment::Text(text[text_start..open].to_owned()));
        segments.push(segment);
        (text_start, at) = (end, end);
    }
    segments.push(Segment::Text(text[text_start..].to_owned()));
    Ok(segments)
}

/// The name after `{{`, and where its `}}` ends.
fn slot_name(text: &str, at: usize) -> Option<(&str, usize)> {
    let end = at + text[at..].find("}}")?;
    let name = text[at..end].trim();
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    plain.then_some((name, end + 2))
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].rsplit('\n').next().unwrap_or_default();
    let after = text[end..].split('\n').next().unwrap_or_default();
    before.trim().is_empty() && after.trim().is_empty()
}

fn unknown(name: &str, line: usize) -> TemplateError {
    let known = TemplateSlot::ALL.into_iter().map(TemplateSlot::name).chain([USER]);
    let near = known
        .map(|known| (strsim::osa_distance(name, known), known))
        .min()
        .filter(|(edits, known)| *edits <= known.len() / 2);
    let mut error = error(format!("line {line}: {{{{{name}}}}} is not a slot"));
    if let Some((_, near)) = near {
        error.hint = format!("did you mean {{{{{near}}}}}? {}", error.hint);
    }
    error
}

fn error(message: String) -> TemplateError {
    let hint = "a template has {{rules}}, {{passages}} and {{question}}; a line {{user}} ends the \
                system message";
    TemplateError { message, hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Vec<(MessageRole, String)> {
        Template::parse(text).unwrap().fill(|slot| slot.name().to_uppercase())
    }

    #[test]
    fn slots_are_filled_and_the_rest_is_text() {
        let messages = filled(
            "Be {\"kind\": {{}}}.\n{{ rules }}\n {{user}} \n{{passages}}: {{question}}? {{question}}\n",
        );
        assert_eq!(messages[0], (MessageRole::System, "Be {\"kind\": {{}}}.\nRULES".to_owned()));
        assert_eq!(messages[1], (MessageRole::User, "PASSAGES: QUESTION? QUESTION".to_owned()));
        assert_eq!(
            filled("{{rules}}{{passages}}{{question}}"),
            [(MessageRole::User, "RULESPASSAGESQUESTION".to_owned())]
        );
        assert_eq!(filled("{{user}}\n{{rules}}{{passages}}{{question}}").len(), 1);
    }

    #[test]
    fn a_bad_template_is_reported_with_the_nearest_slot() {
        let table = [
            ("{{rules}} {{passages}}", "{{question}} is missing", false),
            ("{{passages}} {{question}}", "{{rules}} is missing", false),
            ("", "{{rules}} is missing", false),
            (
                "{{rules}}{{rules}}{{passages}}{{question}}",
                "{{rules}} appears 2 times: use it once",
                false,
            ),
            ("a\n{{pasages}}", "line 2: {{pasages}} is not a slot", true),
            ("{{context_window}}", "line 1: {{context_window}} is not a slot", false),
            (
                "{{rules}}{{user}}{{passages}}{{question}}",
                "line 1: {{user}} needs a line of its own",
                false,
            ),
            (
                "{{user}}\n{{rules}}\n{{user}}\n{{passages}}{{question}}",
                "{{user}} appears more than once",
                false,
            ),
        ];
        for (text, message, near) in table {
            let error = Template::parse(text).unwrap_err();
            assert_eq!(error.message, message);
            assert_eq!(error.hint.contains("did you mean {{passages}}?"), near, "{}", error.hint);
        }
    }

    proptest! {
        #[test]
        fn what_fills_a_slot_is_not_expanded(
            value in proptest::collection::vec(
                prop_oneof![Just("{{"), Just("}}"), Just("rules"), Just("question"), Just("user"),
                            Just("{{passages}}"), Just("\n{{user}}\n"), Just("x")], 0..12)
        ) {
            let value = format!("[{}]", value.concat());
            let template = Template::parse("{{rules}}\n{{user}}\n{{passages}}|{{question}}").unwrap();
            let messages = template.fill(|_| value.clone());
            prop_assert_eq!(&messages[0].1, &value);
            prop_assert_eq!(&messages[1].1, &format!("{value}|{value}"));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "[{}a-z \n]{0,40}") {
            let _ = Template::parse(&text);
        }
    }
}
