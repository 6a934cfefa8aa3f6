//! Questions that name a document: "what does facts.md say", "summarise notes/plan.txt".

use super::candidates::Candidate;
use super::question::content;
use crate::text::Words;
use crate::types::Passage;

/// Number of sentences that are quoted of a document as a whole.
const SENTENCES: usize = 4;

/// Words that ask what a document as a whole says.
const WHOLE: &str = "say|says|said|tell|tells|contain|contains|contained|content|contents|in|inside|about|summary|summarise|summarize|\
    summarised|summarized|overview|gist|file|document|doc|page|text|read|reads|cover|covers|describe|describes|is|are|the|a|an|of|there|\
    written|state|states|found|show|shows|sum|up|main|points|key|all|this|that|it|to|from|for|please|says|does|do|what|and|\
    steht|sagt|enthalt|inhalt|datei|dokument|zusammenfassung|fasse|zusammen|zum|im|in|der|die|das|was|worum|geht|es|\
    dit|contient|contenu|resume|resumer|fichier|dans|du|le|la|un|que|dice|contiene|contenido|archivo|resumen|resumir|el|en|hay|\
    il|riassumi|riassunto|contenuto|nel|diz|contem|conteudo|arquivo";

/// Words about the document that speaks, and not about what it says: "what does it say about fees".
const SAYING: [&str; 14] = [
    "say",
    "says",
    "said",
    "tell",
    "tells",
    "mention",
    "mentions",
    "state",
    "states",
    "contain",
    "contains",
    "about",
    "according",
    "file",
];

/// A document that a question names.
pub(super) struct NamedDocument<'a> {
    pub(super) source: &'a str,
    /// The question without the name; empty if it asks for nothing else.
    pub(super) rest: String,
}

/// The first document of the passages whose file name, with its extension, is in the question.
pub(super) fn by_file<'a>(question: &str, passages: &'a [Passage]) -> Option<NamedDocument<'a>> {
    passages.iter().find_map(|passage| {
        let file = file_name(&passage.source);
        if !file.trim_matches('.').contains('.') {
            return None;
        }
        let (start, end) = place(question, file)?;
        // With the directories before the name, if they are the document's own.
        let path = &question[..start];
        let begin = path
            .rfind([' ', '"', '\'', '`', '“', '‘', '('])
            .map_or(0, |at| at + path[at..].chars().next().map_or(0, char::len_utf8));
        let path = path[begin..].trim_start_matches("./");
        let above = passage.source[..passage.source.len() - file.len()].to_lowercase();
        let is_own = above.ends_with(&path.to_lowercase());
        let rest = format!("{} {}", &question[..begin], &question[end..]);
        is_own.then(|| NamedDocument { source: &passage.source, rest: asked(&rest) })
    })
}

/// The first document of the passages that is all that the question is about, by its title or by its file
/// name without the extension.
pub(super) fn by_title<'a>(question: &str, passages: &'a [Passage]) -> Option<&'a str> {
    let words = Words::of(question);
    let is_named = |name: &str| {
        let name = Words::of(name);
        let rest = words.find(&name).map(|range| {
            // Words are found in the question as it is written.
            format!("{} {}", &question[..range.start], &question[range.end..])
        });
        !name.is_empty() && rest.is_some_and(|rest| asked(&rest).is_empty())
    };
    let of = |passage: &&Passage| {
        let file = file_name(&passage.source);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        is_named(&passage.title) || is_named(stem)
    };
    passages.iter().find(of).map(|passage| passage.source.as_str())
}

/// The beginning of a document, as far as it was retrieved: its first sentence, and the sentences that open
/// its sections, or else those that follow.
pub(super) fn beginning(
    candidates: Vec<Candidate>,
    source: &str,
    passages: &[Passage],
) -> Vec<Candidate> {
    let mut own: Vec<&Passage> = passages.iter().filter(|it| it.source == source).collect();
    own.sort_by_key(|passage| passage.locator);
    let place = |candidate: &Candidate| own.iter().position(|it| it.number == candidate.number);
    let mut said: Vec<(usize, Candidate)> = candidates
        .into_iter()
        .filter(|candidate| !candidate.aside && !candidate.leads_in())
        .filter_map(|candidate| Some((place(&candidate)?, candidate)))
        .collect();
    said.sort_by_key(|(place, candidate)| (*place, candidate.position));
    // A file of code is introduced by its beginning.
    let code = said.iter().all(|(_, candidate)| candidate.is_code());
    let said: Vec<Candidate> =
        said.into_iter().map(|(_, it)| it).filter(|it| code || !it.is_code()).collect();
    let most = if code { 1 } else { SENTENCES };
    let mut chosen: Vec<usize> = (0..said.len()).filter(|&at| at == 0 || said[at].opens).collect();
    chosen.truncate(most);
    let others: Vec<usize> = (0..said.len()).filter(|at| !chosen.contains(at)).collect();
    chosen.extend(others.into_iter().take(most - chosen.len()));
    chosen.sort_unstable();
    chosen.into_iter().map(|at| said[at].clone()).collect()
}

/// What is asked besides what a document says; empty if nothing is.
fn asked(rest: &str) -> String {
    let words = Words::of(&content(rest));
    let others = words.iter().any(|word| !WHOLE.split('|').any(|known| known == word));
    let is_content = |word: &&str| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        !SAYING.contains(&plain.as_str())
    };
    if others {
        rest.split_whitespace().filter(is_content).collect::<Vec<_>>().join(" ")
    } else {
        String::new()
    }
}

fn file_name(source: &str) -> &str {
    source.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Where a question has a name, as a whole, in any case.
fn place(question: &str, name: &str) -> Option<(usize, usize)> {
    // ASCII only: full lower-casing can change lengths, and with them positions.
    let (lower, wanted) = (question.to_ascii_lowercase(), name.to_ascii_lowercase());
    lower.match_indices(&wanted).map(|(at, _)| (at, at + wanted.len())).find(|&(start, end)| {
        let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        !lower[..start].ends_with(goes_on) && !lower[end..].starts_with(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::pack::tests::passage;

    #[test]
    fn a_document_is_named_by_its_file() {
        let passages = [
            passage(1, "notes/plan.txt", "a"),
            passage(2, "old/Annual Report.pdf", "a"),
            passage(3, "https://a.org/guide", "a"),
        ];
        for (question, expected) in [
            ("What does plan.txt say?", Some("notes/plan.txt|")),
            ("What is in notes/plan.txt?", Some("notes/plan.txt|")),
            ("what is in `./notes/plan.txt`", Some("notes/plan.txt|")),
            ("Summarise PLAN.TXT", Some("notes/plan.txt|")),
            ("was steht in plan.txt", Some("notes/plan.txt|")),
            ("que dit plan.txt ?", Some("notes/plan.txt|")),
            ("give me a summary of annual report.pdf", Some("old/Annual Report.pdf|")),
            ("What does plan.txt say about fees?", Some("notes/plan.txt|What does fees?")),
            ("What is in other/plan.txt?", None),
            ("What does floorplan.txt say?", None),
            ("What does plan.txt.bak-2 say?", Some("notes/plan.txt|What does .bak-2")),
            ("what does the guide say", None),
        ] {
            let named = by_file(question, &passages).map(|it| format!("{}|{}", it.source, it.rest));
            assert_eq!(named.as_deref(), expected, "{question}");
        }
    }

    #[test]
    fn or_by_its_title() {
        let mut facts = passage(1, "notes/facts.md", "a");
        facts.title = "Ten Facts of the Port".to_owned();
        let passages = [facts];
        for (question, expected) in [
            ("what do the facts say", true),
            ("Summarise ten facts of the port", true),
            ("What facts of the port are old?", false),
            ("What does it say?", false),
        ] {
            assert_eq!(by_title(question, &passages).is_some(), expected, "{question}");
        }
    }
}
