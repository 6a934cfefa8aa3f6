//! Subtitles (`WebVTT`, `SubRip`) → what is said, without times and styles, cited by the seconds in which it is
//! said.
//!
//! A cue is what fits a screen, not a sentence. Cues are joined into paragraphs, which end where the speaker
//! changes, after a silence, or at the end of a sentence once they are long.

use super::encoding::Decoded;
use super::{ExtractError, text};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax, UnitMark, single_spaced};
use crate::types::DocumentKind;

/// Length of a silence that ends a paragraph, in milliseconds.
const SILENCE: u64 = 4_000;

/// Length from which a paragraph ends with its sentence, in bytes.
const LONG: usize = 500;

/// What is said from one time to another, in milliseconds.
#[derive(Debug)]
struct Cue {
    start: u64,
    end: u64,
    /// The speaker, if the file names one, and the words.
    lines: Vec<(Option<String>, String)>,
}

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let Decoded { text, warnings } = text::read(DocumentKind::Subtitles, bytes)?;
    let (title, cues) = cues(&text);
    if cues.is_empty() {
        return Err(ExtractError::new("no subtitles: there is no line `00:01.000 --> 00:04.000`"));
    }
    let mut writer = Writer::default();
    for cue in &cues {
        writer.push(cue);
    }
    Ok(Document {
        title,
        text: writer.text,
        syntax: Syntax::Plain,
        places: SourceMap::Marked(LocatorUnit::Second, writer.marks),
        warnings,
        ..Document::default()
    })
}

/// The text after `WEBVTT` on the first line, and the cues. Text outside of cues (notes, styles, identifiers)
/// is skipped.
fn cues(text: &str) -> (String, Vec<Cue>) {
    let mut title = String::new();
    let mut cues: Vec<Cue> = Vec::new();
    let mut open = false;
    let mut speaker = None;
    for (number, line) in text.lines().map(str::trim_end).enumerate() {
        if number == 0
            && let Some(rest) = line.strip_prefix("WEBVTT")
        {
            title = single_spaced(rest.trim_start_matches([' ', '\t', '-']));
        } else if let Some((start, end)) = times(line) {
            // A file without blank lines has the number of the next cue above its times.
            if open && let Some(cue) = cues.last_mut() {
                cue.lines.pop_if(|(_, words)| words.bytes().all(|b| b.is_ascii_digit()));
            }
            cues.push(Cue { start, end, lines: Vec::new() });
            (open, speaker) = (true, None);
        } else if line.is_empty() {
            open = false;
        } else if open && let Some(cue) = cues.last_mut() {
            spoken(line, &mut speaker, &mut cue.lines);
        }
    }
    cues.retain(|cue| !cue.lines.is_empty());
    (title, cues)
}

/// Parses `00:01:02.500 --> 01:04,000 align:start` into milliseconds.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    Some((time(start.trim())?, time(rest.split_whitespace().next()?)?))
}

fn time(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| {
        let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if is_number { text.parse::<u64>().ok() } else { None }
    };
    let mut seconds = 0;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for part in parts {
        seconds = seconds * 60 + digits(part)?;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(seconds * 1000 + digits(&thousandths)?)
}

/// Adds the words of a cue's line, by speaker (`<v Name>`), without tags.
fn spoken(line: &str, speaker: &mut Option<String>, lines: &mut Vec<(Option<String>, String)>) {
    let mut words = String::new();
    let mut reading = false;
    let mut end = |speaker: &Option<String>, words: &mut String| {
        let said = single_spaced(&std::mem::take(words));
        if !said.is_empty() {
            lines.push((speaker.clone(), said));
        }
    };
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{', '&']) {
        if !reading {
            words.push_str(&rest[..at]);
        }
        rest = &rest[at..];
        let close = match rest.as_bytes()[0] {
            b'<' => rest.find('>').filter(|_| is_tag(rest)),
            // Positions from `SubStation` Alpha, which `SubRip` files have adopted: `{\an8}`.
            b'{' => rest.find('}').filter(|_| rest.starts_with("{\\")),
            _ => rest.find(';').filter(|end| *end <= 8),
        };
        let Some(close) = close else {
            words.push_str(&rest[..1]);
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[1..close];
        match rest.as_bytes()[0] {
            b'<' => match tag.split([' ', '.', '\t']).next().unwrap_or_default() {
                "v" => {
                    end(speaker, &mut words);
                    let name = tag.split_once([' ', '\t']).map_or("", |(_, name)| name);
                    *speaker = Some(single_spaced(name)).filter(|name| !name.is_empty());
                }
                "/v" => {
                    end(speaker, &mut words);
                    *speaker = None;
                }
                "rt" => reading = true,
                "/rt" | "/ruby" => reading = false,
                _ => {}
            },
            b'&' => words.push_str(match tag {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "nbsp" => " ",
                "lrm" | "rlm" => "",
                _ => &rest[..=close],
            }),
            _ => {}
        }
        rest = &rest[close + 1..];
    }
    if !reading {
        words.push_str(rest);
    }
    end(speaker, &mut words);
}

/// Whether `<` starts a tag, and is not a less-than sign.
fn is_tag(text: &str) -> bool {
    let next = text[1..].trim_start_matches('/').bytes().next();
    next.is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[derive(Default)]
struct Writer {
    text: String,
    marks: Vec<UnitMark>,
    /// The last speaker.
    speaker: Option<String>,
    /// When the last cue ended.
    end: u64,
    /// Where the current paragraph started.
    paragraph: usize,
    /// The lines of the previous cue: rolling captions repeat them.
    before: Vec<String>,
}

impl Writer {
    fn push(&mut self, cue: &Cue) {
        let silence = cue.start >= self.end + SILENCE;
        let mut apart = silence;
        let rolled = self.rolled(cue);
        for (speaker, words) in &cue.lines[rolled..] {
            let turned = *speaker != self.speaker;
            let full = self.text.len() - self.paragraph >= LONG && ends_sentence(&self.text);
            let begins = self.text.is_empty() || apart || turned || full;
            if begins && !self.text.is_empty() {
                self.text.push_str("\n\n");
            } else if !begins {
                self.text.push(' ');
            }
            let offset = self.text.len();
            let (first, last) = (cue.start / 1000, cue.end.div_ceil(1000));
            let second = |time: u64| u32::try_from(time).unwrap_or(u32::MAX);
            self.marks.push(UnitMark {
                offset,
                first: second(first),
                last: second(last.max(first + 1)),
            });
            if begins {
                self.paragraph = offset;
                if let Some(name) = speaker {
                    self.text.push_str(name);
                    self.text.push_str(": ");
                }
            }
            self.text.push_str(words);
            self.speaker.clone_from(speaker);
            apart = false;
        }
        self.end = self.end.max(cue.end);
        self.before = cue.lines.iter().map(|(_, words)| words.clone()).collect();
    }

    /// How many of a cue's first lines repeat the last lines of the previous cue.
    fn rolled(&self, cue: &Cue) -> usize {
        if cue.start > self.end + 100 {
            return 0;
        }
        let most = self.before.len().min(cue.lines.len());
        let is_rolled = |count: &usize| {
            let lines = cue.lines[..*count].iter().map(|(_, words)| words);
            self.before[self.before.len() - count..].iter().eq(lines)
        };
        (1..=most).rev().find(is_rolled).unwrap_or(0)
    }
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', '”', '’', ')', ']'])
        .ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::ingest::extract::parts::tests::units;

    #[test]
    fn cues_are_joined_by_speaker() {
        let talk = "\u{feff}WEBVTT - Harbour talk\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE not said\n\n\
            intro\n00:01.000 --> 00:04.200 align:start\n<v Ann Lee>The <c.loud>harbour</c> opens\n<i>at</i> nine,\n\n\
            2\n00:00:04.200 --> 00:00:06.000\n<v Ann Lee>if 3 < 4 &amp; tide&nbsp;allows.</v>\n\n\
            01:06.000 --> 01:07.000\n<v Bo><00:01:06.500>Good.\n";
        let document = document(talk.as_bytes()).unwrap();
        assert_eq!(document.title, "Harbour talk");
        let text = "Ann Lee: The harbour opens at nine, if 3 < 4 & tide allows.\n\nBo: Good.";
        assert_eq!(document.text, text);
        let expected = [
            (1, 5, "Ann Lee: The harbour opens"),
            (1, 5, "at nine,"),
            (4, 6, "if 3 < 4 & tide allows."),
            (66, 67, "Bo: Good."),
        ];
        assert_eq!(units(&document), expected);
    }

    #[test]
    fn subrip_has_commas_and_numbers() {
        let film = "1\r\n00:01:23,400 --> 00:01:25,000\r\n{\\an8}<font color=\"#fff\">Cast off!</font>\r\n\r\n\
            2\r\n01:00:00,000 --> 01:00:01,000\r\n- Aye.\r\n- Aye, aye.\r\n";
        let document = document(film.as_bytes()).unwrap();
        assert_eq!(document.text, "Cast off!\n\n- Aye. - Aye, aye.");
        assert_eq!(units(&document)[0], (83, 85, "Cast off!"));
        assert_eq!(units(&document)[1].0, 3600);
        let tight =
            "1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:02,000 --> 00:00:03,000\nTwo\n";
        assert_eq!(super::document(tight.as_bytes()).unwrap().text, "One Two");
    }

    #[test]
    fn captions_that_roll_are_read_once() {
        let rolling = "WEBVTT\n\n00:00.000 --> 00:02.000\nfirst line\n\n00:02.000 --> 00:04.000\nfirst line\nsecond line\n\n\
            00:04.000 --> 00:06.000\nsecond line\nthird line\n\n00:20.000 --> 00:22.000\nthird line\n";
        let text = document(rolling.as_bytes()).unwrap().text;
        assert_eq!(text, "first line second line third line\n\nthird line");
    }

    #[test]
    fn long_speech_has_paragraphs() {
        let mut talk = "WEBVTT\n\n".to_owned();
        for second in 0..200 {
            talk += &format!(
                "{:02}:{:02}.000 --> 59:59.000\nWord {second} is said.\n\n",
                second / 60,
                second % 60
            );
        }
        let text = document(talk.as_bytes()).unwrap().text;
        assert!(text.split("\n\n").count() > 5);
        assert!(text.split("\n\n").all(|paragraph| paragraph.len() < 2 * LONG));
    }

    #[test]
    fn files_without_cues_have_a_reason() {
        let reason = document(b"WEBVTT\n\njust words\n").unwrap_err().to_string();
        assert!(reason.starts_with("no subtitles"), "{reason}");
        for odd in ["00:99999999999.000", "1:2:3:4", "x:y", "", "-1:00"] {
            assert_eq!(time(odd), None, "{odd}");
        }
        let mut lines = Vec::new();
        spoken("<<v <&;{\\ 5 < 6 <v", &mut None, &mut lines);
        assert_eq!(lines.len(), 1);
    }
}
