use proptest::prelude::*;

use super::*;

/// The thinking and the answer.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
    let mut parser = ThinkingParser::default();
    let mut parts: Vec<ReplyPart> = pieces.into_iter().flat_map(|p| parser.push(p)).collect();
    parts.extend(parser.finish());
    let (mut thought, mut answer) = (String::new(), String::new());
    for part in parts {
        match part {
            ReplyPart::Thinking(text) => thought.push_str(&text),
            ReplyPart::Answer(text) => answer.push_str(&text),
            ReplyPart::Retracted => thought.push_str(&std::mem::take(&mut answer)),
        }
    }
    (thought, answer)
}

#[test]
fn thinking_is_between_tags_at_the_beginning() {
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
        (
            "Okay, the user asks [1]. </think>\nAt 07:45 [1].",
            "Okay, the user asks [1]. ",
            "At 07:45 [1].",
        ),
        ("Use <think>x</think>\nso.", "", "Use <think>x</think>\nso."),
        ("Okay, <think>x</think>\nso.", "", "Okay, <think>x</think>\nso."),
        ("Okay, so be it.", "", "Okay, so be it."),
        ("It leaves early.\n</think>\n\nAt 07:45.", "It leaves early.\n", "At 07:45."),
        ("It leaves early. </think>\n", "It leaves early. ", ""),
        ("It leaves early. </think>", "It leaves early. ", ""),
        ("</think>\n\nAt 07:45.", "", "At 07:45."),
        (
            "The tag is `</think>`\nor </think> itself.",
            "",
            "The tag is `</think>`\nor </think> itself.",
        ),
        ("Okay, it is \"</think>\".", "", "Okay, it is \"</think>\"."),
    ] {
        assert_eq!(parse([text]), (thought.to_owned(), answer.to_owned()), "{text:?}");
    }
}

#[test]
fn nothing_is_held_longer_than_it_must() {
    let mut parser = ThinkingParser::default();
    assert_eq!(parser.push("\n<thin"), []);
    assert_eq!(parser.push("k>so </th"), [ReplyPart::Thinking("so ".to_owned())]);
    assert_eq!(parser.push("e "), [ReplyPart::Thinking("</the ".to_owned())]);
    assert_eq!(parser.push("</think>\n"), []);
    assert_eq!(parser.push("\nYes <"), [ReplyPart::Answer("Yes <".to_owned())]);
    assert_eq!(parser.push("think>"), [ReplyPart::Answer("think>".to_owned())]);
    assert_eq!(parser.finish(), None);
}

#[test]
fn what_may_be_thinking_is_held_and_what_was_passed_on_is_taken_back() {
    let mut parser = ThinkingParser::default();
    assert_eq!(parser.push("Okay, the user"), []);
    assert_eq!(
        parser.push(" asks</think>At 7"),
        [
            ReplyPart::Thinking("Okay, the user asks".to_owned()),
            ReplyPart::Answer("At 7".to_owned())
        ]
    );
    let mut parser = ThinkingParser::of("org/DeepSeek-R1:free");
    assert_eq!(parser.push("Ferries leave early."), []);
    assert_eq!(parser.finish(), Some(ReplyPart::Answer("Ferries leave early.".to_owned())));
    let mut parser = ThinkingParser::default();
    assert_eq!(parser.push("Ferries <"), [ReplyPart::Answer("Ferries ".to_owned())]);
    assert_eq!(parser.push("/think>"), []);
    assert_eq!(
        parser.push("\n\nAt 7"),
        [ReplyPart::Retracted, ReplyPart::Answer("At 7".to_owned())]
    );
    let mut parser = ThinkingParser::default();
    parser.told_apart();
    assert_eq!(parser.push("Okay, </think>\n"), [ReplyPart::Answer("Okay, </think>\n".to_owned())]);
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
        let closed = TAGS.iter().any(|(_, close)| text.contains(close));
        if !tagged && !closed {
            prop_assert_eq!(&whole.1, &text);
        }
    }
}
