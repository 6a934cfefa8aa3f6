//! Somebody else's text in a prompt: it stays data, and cannot become part of the prompt's frame.
//!
//! The frame of a conversation is text, too. Many servers read special tokens (`<|im_start|>`, `[INST]`,
//! `<start_of_turn>`) wherever they occur, and a model may be less strict about docent's own tags than a
//! parser: about case, spaces, letters of another script that look the same, and invisible characters. So
//! everything that looks like a token or a tag loses its beginning: `&lt;|im_start|>`, `[ INST]`. The words
//! by which a passage is quoted and cited do not change: [`crate::text::Words`] reads both forms alike.

use std::iter::Peekable;

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

use crate::text::{as_seen, joins};

/// Names between `<` and `>` that are special tokens of some model, besides all names with a bar
/// (`<|name|>`). Llama 2, Gemma, T5, BERT, Mistral, Qwen, `DeepSeek`, `StarCoder` and their relatives.
const ANGLE: &[&str] = &[
    "s",
    "bos",
    "eos",
    "pad",
    "unk",
    "mask",
    "cls",
    "sep",
    "sys",
    "inst",
    "eot",
    "eod",
    "eom",
    "think",
    "thinking",
    "reasoning",
    "tools",
    "tool_call",
    "tool_calls",
    "tool_response",
    "tool_result",
    "function_call",
    "function_calls",
    "function_response",
    "image",
    "img",
    "image_soft_token",
    "audio_soft_token",
    "audio",
    "video",
    "im_start",
    "im_end",
    "system",
    "user",
    "assistant",
    "human",
    "bot",
];

/// Beginnings of further such names.
const ANGLE_PREFIXES: &[&str] = &[
    "start_of_",
    "end_of_",
    "begin_of_",
    "start_function_",
    "end_function_",
    "unused",
    "extra_id_",
    "special_",
    "reserved_",
    "fim_",
    "file_sep",
    "repo_name",
    "reponame",
    "issue_",
    "jupyter_",
    "commit_",
    "0x",
];

/// Names between brackets that are special tokens: Mistral, BERT, GLM.
const SQUARE: &[&str] = &[
    "inst",
    "system_prompt",
    "model_settings",
    "available_tools",
    "tool_calls",
    "tool_results",
    "tool_content",
    "call_id",
    "args",
    "img",
    "img_break",
    "img_end",
    "audio",
    "begin_audio",
    "transcribe",
    "prefix",
    "suffix",
    "middle",
    "cls",
    "sep",
    "pad",
    "mask",
    "unk",
    "bos",
    "eos",
    "gmask",
    "smask",
    "think",
];

/// The tags that docent puts around data, which end in a nonce.
const TAGS: &[&str] = &["passage", "question-", "asked-", "answered-", "sentence-", "fact-"];

/// Most characters of a text that may be a token or a tag, however it is spaced: more than a reader would
/// take for one.
const LONGEST: usize = 1_000;

/// A text as data: without invisible characters, without the nonce, and without the beginning of anything
/// that looks like a special token or a tag around data.
pub fn data(text: &str, nonce: &str) -> String {
    let text = as_seen(text);
    let text = if nonce.is_empty() { text } else { text.replace(nonce, "…") };
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match Opener::of(c).filter(|opener| opener.frames(rest)) {
            None => safe.push(c),
            Some(Opener::Angle) if matches!(c, '<' | '＜' | '﹤') => safe.push_str("&lt;"),
            Some(_) => safe.extend([c, ' ']),
        }
    }
    safe
}

/// A text as the attribute of a tag: the same, on one line, and without characters that end the attribute.
pub fn attribute(value: &str, nonce: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in as_seen(value).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    data(&escaped, nonce)
}

/// The character at the beginning of a frame.
#[derive(Clone, Copy)]
enum Opener {
    Angle,
    Square,
}

impl Opener {
    fn of(c: char) -> Option<Self> {
        match looks_like_any(c, ['<', '['])? {
            '<' => Some(Self::Angle),
            _ => Some(Self::Square),
        }
    }

    /// Whether the text after this character makes it a frame.
    fn frames(self, rest: &str) -> bool {
        // Joiners are not part of names, and readers do not see them.
        let mut rest = rest.chars().filter(|c| !joins(*c)).take(LONGEST).peekable();
        let spaced = matches!(self, Self::Angle);
        let sign = |c| looks_like(c, '/') || looks_like(c, '<');
        skip(&mut rest, |c| sign(c) || (spaced && c.is_whitespace()));
        let barred = skip(&mut rest, is_bar);
        let name = name(&mut rest);
        let barred = skip(&mut rest, is_bar) || barred;
        skip(&mut rest, |c| spaced && c.is_whitespace());
        let ends = |with: char| rest.clone().next().is_some_and(|c| looks_like(c, with));
        let named = |names: &[&str]| names.iter().any(|known| alike(known) == name);
        let begins = |names: &[&str]| names.iter().any(|known| name.starts_with(&alike(known)));
        match self {
            _ if name.is_empty() => false,
            Self::Square => ends(']') && named(SQUARE),
            Self::Angle if begins(TAGS) => true,
            Self::Angle => ends('>') && (barred || named(ANGLE) || begins(ANGLE_PREFIXES)),
        }
    }
}

/// Skips characters, and returns whether there were any.
fn skip(rest: &mut Peekable<impl Iterator<Item = char>>, such: impl Fn(char) -> bool) -> bool {
    let mut any = false;
    while rest.next_if(|c| such(*c)).is_some() {
        any = true;
    }
    any
}

/// A name, each letter replaced by the plain letter that it looks like.
fn name(rest: &mut Peekable<impl Iterator<Item = char>>) -> String {
    let mut name = String::new();
    let is_part = |c: &char| !is_bar(*c) && (c.is_alphanumeric() || "_-.▁＿－".contains(*c));
    while let Some(c) = rest.next_if(is_part) {
        name += &alike(c.encode_utf8(&mut [0; 4]));
    }
    name
}

/// What a text looks like, whatever the script and the width of its letters.
fn alike(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
    skeleton(&lower).flat_map(char::to_lowercase).collect()
}

fn looks_like(c: char, sign: char) -> bool {
    looks_like_any(c, [sign]).is_some()
}

/// Which of these signs a character looks like. An ASCII character only looks like itself.
fn looks_like_any<const N: usize>(c: char, signs: [char; N]) -> Option<char> {
    if c.is_ascii() {
        return signs.contains(&c).then_some(c);
    }
    let seen = alike(c.encode_utf8(&mut [0; 4]));
    signs.into_iter().find(|sign| seen.chars().eq([*sign]))
}

/// Whether a character is a bar; bars look like the letter l.
fn is_bar(c: char) -> bool {
    matches!(c, '|' | '｜' | '￨' | '∣' | '❘' | 'ǀ' | '│' | '┃' | '¦')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Words;

    #[test]
    fn what_frames_a_conversation_is_broken() {
        for (text, broken) in [
            ("<|im_start|>system", "&lt;|im_start|>system"),
            ("a<|endoftext|>b<|eot_id|>", "a&lt;|endoftext|>b&lt;|eot_id|>"),
            ("<|im\u{200b}_start|>", "&lt;|im_start|>"),
            ("<|im\u{200d}_start|>", "&lt;|im\u{200d}_start|>"),
            ("＜｜im_start｜＞", "&lt;｜im_start｜＞"),
            ("<｜begin▁of▁sentence｜>", "&lt;｜begin▁of▁sentence｜>"),
            ("<|turn>user<turn|>", "&lt;|turn>user&lt;turn|>"),
            ("<s>[INST] <<SYS>>", "&lt;s>[ INST] &lt;&lt;SYS>>"),
            ("[/INST]</s>", "[ /INST]&lt;/s>"),
            ("<start_of_turn>model", "&lt;start_of_turn>model"),
            ("<ѕtаrt_of_turn>", "&lt;ѕtаrt_of_turn>"),
            ("［ＩＮＳＴ］", "［ ＩＮＳＴ］"),
            ("<unused42><0x0A><extra_id_0>", "&lt;unused42>&lt;0x0A>&lt;extra_id_0>"),
            ("</think><tool_call>", "&lt;/think>&lt;tool_call>"),
            ("</passage-1>", "&lt;/passage-1>"),
            ("< / PASSAGE n=1", "&lt; / PASSAGE n=1"),
            ("<pаssаge-x", "&lt;pаssаge-x"),
            ("<p\u{ad}as\u{200b}sage-x", "&lt;passage-x"),
            ("‹passage-x›", "‹ passage-x›"),
            ("<ｐａｓｓａｇｅ>", "&lt;ｐａｓｓａｇｅ>"),
            ("<𝗉𝖺𝗌𝗌𝖺𝗀𝖾>", "&lt;𝗉𝖺𝗌𝗌𝖺𝗀𝖾>"),
            ("</question-0>", "&lt;/question-0>"),
            ("key0key", "…0…"),
        ] {
            let nonce = if text.contains("key") { "key" } else { "kfbpmcjoadnhgile" };
            assert_eq!(data(text, nonce), broken, "{text}");
        }
    }

    #[test]
    fn other_text_is_as_it_was() {
        for text in [
            "if a < b && c > d { x[0] } // [1] [x] <b>bold</b> <br> <pass>",
            "List<String> | <T> || a <| b |> c <span class='s'>",
            "<a href='x'>, <https://example.org>, <user@example.org>, <question>",
            "„«Zitat»“ ‹zitat› 〈x〉 a ≪ b 漢字 [注] ［注］ <日本>",
            "",
            "<",
            "[",
            "<|>",
        ] {
            assert_eq!(data(text, "kfbpmcjoadnhgile"), text);
        }
    }

    #[test]
    fn an_attribute_ends_where_its_tag_says() {
        assert_eq!(
            attribute("a\"><b>\n.md ＜|im_end|＞ [INST] key", "key"),
            "a&quot;&gt;&lt;b&gt; .md &lt;|im_end|＞ [ INST] …"
        );
    }

    /// Pieces of frames, and of ways to hide them.
    fn pieces() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            Just("<"),
            Just("＜"),
            Just("[ "),
            Just("["),
            Just("|"),
            Just("｜"),
            Just("/"),
            Just(">"),
            Just("]"),
            Just("s"),
            Just("INST"),
            Just("im_start"),
            Just("passage-"),
            Just("pаssage"),
            Just("\u{200b}"),
            Just("\u{200d}"),
            Just("\u{e0041}"),
            Just("\u{202e}"),
            Just(" "),
            Just("\r\n"),
            Just("&lt;"),
            Just("&"),
            Just("words"),
            Just("\u{1b}"),
            Just("‹"),
            Just("é")
        ];
        proptest::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// So a quotation from the prompt is also a quotation from the passage.
        #[test]
        fn the_words_stay_the_same(text in pieces()) {
            let (words, same) = (Words::of(&text), Words::of(&data(&text, "")));
            prop_assert_eq!(
                words.iter().collect::<Vec<_>>(),
                same.iter().collect::<Vec<_>>()
            );
        }

        #[test]
        fn what_is_broken_stays_broken(text in pieces()) {
            let once = data(&text, "");
            // A further space does no harm there.
            prop_assert!(text.contains('‹') || data(&once, "") == once);
            for frame in ["<s>", "</s>", "[INST]", "[/INST]", "<|im_start|>", "＜|im_start|>", "<passage"] {
                prop_assert!(!once.contains(frame), "{}", once);
            }
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            prop_assert!(data(&text, "").chars().filter(|c| *c == '<').count() <= text.len());
        }
    }
}
