//! Checks whether an answer's citations hold.

use std::collections::HashMap;
use std::ops::Range;

use super::claims::{Claim, ClaimRole, claims};
use super::excerpt::excerpt;
use super::findings::{CheckedClaim, Citation, CitationCheck, CitationFinding, Citations};
use super::language::TextLanguage;
use super::meaning::{self, Statement};
use super::nearest::Sentences;
use super::quantities::{ParsedQuantities, Quantity, StatedQuantities, is_unspaced, read};
use super::quotations::quotations;
use crate::text::Words;
use crate::types::Passage;

/// Checks every claim of a finished answer against the passages that it cites.
///
/// [`claims`](super::claims) decides which marks cover which words. Quotations are compared by their
/// [`Words`], numbers with what they count, everything else by rules on words. An answer may repeat the
/// names of `question`.
pub fn verify(answer: &str, question: &str, passages: &[Passage]) -> Citations {
    let language = TextLanguage::of_answer(answer, question);
    let sources: Vec<Source> = passages.iter().map(Source::of).collect();
    let most = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    let question = read(question, language);
    let asked = Statement::of(&question, language);
    let mut found = Citations::default();
    for claim in claims(answer, most) {
        let reading = read(&claim.text, language);
        if claim.marks.is_empty() {
            let figures = reading.quantities.iter().filter(|figure| !is_count(&claim, figure));
            let figures: Vec<&Quantity> = figures.collect();
            found.uncited_sentences.extend(claim.uncited(&figures, language));
            continue;
        }
        found.cited_sentences += usize::from(!claim.text.is_empty());
        let cited: Vec<&Source> =
            sources.iter().filter(|source| claim.marks.contains(&source.passage.number)).collect();
        let checked = Checker {
            claim: &claim,
            reading: &reading,
            language,
            asked: &asked,
            given: &question.quantities,
            cited: &cited,
            all: &sources,
        }
        .check();
        for &number in &claim.marks {
            match cited.iter().find(|source| source.passage.number == number) {
                None if claim.inherited || found.invalid.contains(&number) => {}
                None => found.invalid.push(number),
                Some(source) => found.add(source, &checked),
            }
        }
        if !cited.is_empty() {
            let states = matches!(
                claim.role,
                ClaimRole::Text | ClaimRole::Heading | ClaimRole::LeadIn(_) | ClaimRole::Row
            );
            if states && checked.findings.is_empty() && !checked.is_quoted {
                found.undecided.push(CheckedClaim {
                    sentence: on_one_line(&claim.text),
                    citations: cited.iter().map(|source| source.passage.number).collect(),
                });
            }
            found.findings.extend(checked.findings);
        }
    }
    found
}

/// A claim on one line, without the punctuation that separates it from the claim before.
fn on_one_line(claim: &str) -> String {
    let said = claim.trim_start_matches(['.', ',', ';', ' ']);
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    // The space of a mark that was before the full stop.
    match line.char_indices().next_back() {
        Some((at, '.' | '!' | '?')) if line[..at].ends_with(' ') => {
            format!("{}{}", line[..at].trim_end(), &line[at..])
        }
        _ => line,
    }
}

/// Whether a number only says how many items follow: `three reasons:`.
fn is_count(claim: &Claim, figure: &Quantity) -> bool {
    matches!(claim.role, ClaimRole::LeadIn(items) if figure.is_count(items))
}

impl Citations {
    fn add(&mut self, source: &Source, checked: &Checked) {
        let passage = source.passage;
        let at = self.citations.iter().position(|c| c.number == passage.number);
        let at = at.unwrap_or_else(|| {
            self.citations.push(Citation {
                number: passage.number,
                source: passage.source.clone(),
                citation: passage.citation(),
                locator: passage.locator,
                quote: None,
                verified: true,
                checks: Vec::new(),
                unsupported: Vec::new(),
            });
            self.citations.len() - 1
        });
        let citation = &mut self.citations[at];
        if citation.quote.is_none() {
            let quote = checked.quotes.get(&passage.number);
            citation.quote =
                quote.map(|range| excerpt(&passage.text, range, checked.is_code).to_owned());
        }
        for check in &checked.checks {
            if !citation.checks.contains(check) {
                citation.checks.push(*check);
            }
        }
        citation.checks.sort_unstable();
        for said in checked.findings.iter().map(CitationFinding::said) {
            if !citation.unsupported.contains(&said) {
                citation.unsupported.push(said);
            }
        }
        citation.verified = citation.unsupported.is_empty();
    }
}

/// A passage, read once.
struct Source<'a> {
    passage: &'a Passage,
    words: Words,
    sentences: Sentences,
    /// Readings of the text, and of the title and headings.
    readings: [ParsedQuantities; 2],
    statement: meaning::ComparedPassage,
}

impl<'a> Source<'a> {
    fn of(passage: &'a Passage) -> Self {
        let language = TextLanguage::of(&passage.text);
        let context = format!("{}\n{}", passage.title, passage.headings.join("\n"));
        let (text, context) = (read(&passage.text, language), read(&context, language));
        Self {
            passage,
            words: Words::of(&passage.text),
            sentences: Sentences::of(&passage.text),
            statement: meaning::ComparedPassage::of(&text, &context, language),
            readings: [text, context],
        }
    }
}

/// Minimum number of words between quotation marks that make a quotation and not a name.
const MIN_QUOTE: usize = 3;
/// The same, in letters of scripts without spaces between words.
const MIN_UNSPACED: usize = 6;
/// Minimum number of words in each piece of a quotation with ellipses: single words say nothing.
const MIN_PIECE: usize = 2;

/// The result of checking one claim.
#[derive(Default)]
struct Checked {
    /// The range of the quote in each cited passage.
    quotes: HashMap<u32, Range<usize>>,
    checks: Vec<CitationCheck>,
    findings: Vec<CitationFinding>,
    /// It is the passage's own words from end to end.
    is_quoted: bool,
    is_code: bool,
}

struct Checker<'a> {
    claim: &'a Claim,
    reading: &'a ParsedQuantities,
    language: TextLanguage,
    asked: &'a Statement,
    given: &'a [Quantity],
    cited: &'a [&'a Source<'a>],
    all: &'a [Source<'a>],
}

impl Checker<'_> {
    fn check(&self) -> Checked {
        let is_code = self.claim.role == ClaimRole::Code;
        let mut checked = Checked { is_code, ..Checked::default() };
        let whole = Words::of(&self.claim.text);
        let quoted_whole = whole.iter().count() >= MIN_QUOTE && self.find(&[&whole], &mut checked);
        checked.is_quoted = quoted_whole;
        if quoted_whole {
            checked.checks.push(CitationCheck::Quoted);
        } else {
            self.check_quotations(&mut checked);
        }
        self.check_numbers(&mut checked);
        self.check_code(&mut checked);
        let by_words = !matches!(self.claim.role, ClaimRole::Code | ClaimRole::TableHeader);
        if !quoted_whole && by_words {
            self.check_words(&mut checked);
        }
        for source in self.cited {
            let number = source.passage.number;
            if !checked.quotes.contains_key(&number)
                && let Some(range) = source.sentences.nearest(&whole)
            {
                checked.quotes.insert(number, range);
            }
        }
        checked
    }

    /// Whether one of the passages has these pieces, one after the other.
    fn find(&self, words: &[&Words], checked: &mut Checked) -> bool {
        let words: Vec<Words> = words.iter().map(|words| (*words).clone()).collect();
        let mut found = false;
        for source in self.cited {
            if let Some(range) = source.words.find_in_order(&words) {
                checked.quotes.entry(source.passage.number).or_insert(range);
                found = true;
            }
        }
        found
    }

    /// Whether a passage has a number as it is written, with no sign and no more digits next to it. If the
    /// words of a claim are the passage's own, its numbers may still read differently, because the markup
    /// is gone.
    fn has_figure(&self, shown: &str) -> bool {
        let goes_on = |c: char| c.is_ascii_digit() || "+-−.,".contains(c);
        self.cited.iter().map(|source| &source.passage.text).any(|text| {
            text.match_indices(shown).any(|(at, _)| {
                let after = text[at + shown.len()..].trim_start_matches(['.', ',']);
                !text[..at].ends_with(goes_on) && !after.starts_with(|c: char| c.is_ascii_digit())
            })
        })
    }

    fn finding(
        &self,
        check: CitationCheck,
        claimed: &str,
        instead: Option<&str>,
    ) -> CitationFinding {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        CitationFinding {
            sentence: on_one_line(&self.claim.text),
            citations: self.claim.marks.clone(),
            check,
            claimed: line(claimed),
            instead: instead.map(line),
        }
    }

    fn check_quotations(&self, checked: &mut Checked) {
        for span in quoted(&self.claim.text) {
            checked.checks.push(CitationCheck::Quoted);
            let pieces: Vec<&str> = pieces(span);
            let words: Vec<Words> = pieces.iter().map(|piece| Words::of(piece)).collect();
            let long =
                words.len() == 1 || words.iter().all(|piece| piece.iter().count() >= MIN_PIECE);
            // Part of a run without spaces may be quoted, too.
            let within = span.contains(is_unspaced)
                && self.cited.iter().any(|source| source.passage.text.contains(span));
            let found = within || (long && self.find(&words.iter().collect::<Vec<_>>(), checked));
            if !found {
                // The piece that no passage has, if there is one.
                let missing = pieces.iter().zip(&words).find(|(_, words)| {
                    !self.cited.iter().any(|source| source.words.find(words).is_some())
                });
                let claimed = missing.map_or(span, |(piece, _)| *piece);
                checked.findings.push(self.finding(CitationCheck::Quoted, claimed.trim(), None));
            }
        }
    }

    fn check_numbers(&self, checked: &mut Checked) {
        let facts = StatedQuantities::of(
            self.cited.iter().flat_map(|source| &source.readings).collect(),
            self.given,
        );
        let claimed = self.reading.quantities.iter().filter(|figure| !is_count(self.claim, figure));
        for figure in claimed {
            checked.checks.push(CitationCheck::Numbers);
            let copied = checked.is_quoted && self.has_figure(&figure.shown);
            if !copied && !facts.bear_out(figure, self.reading) {
                let instead = facts.instead_of(figure);
                checked.findings.push(self.finding(CitationCheck::Numbers, &figure.shown, instead));
            }
        }
    }

    /// Values in quotation marks and options in code have to be in the passages; its names may be the
    /// answer's own.
    fn check_code(&self, checked: &mut Checked) {
        let code = &self.claim.text;
        let is_code = self.claim.role == ClaimRole::Code;
        let strings = code.split('"').skip(1).step_by(2).filter(|_| is_code);
        let options = code.split_whitespace().filter(|word| word.starts_with("--"));
        let given: Vec<&str> = strings.chain(options).collect();
        let missing = given.iter().find(|part| {
            let words = Words::of(part);
            !words.is_empty()
                && !self.cited.iter().any(|source| source.words.find(&words).is_some())
        });
        if !given.is_empty() {
            checked.checks.push(CitationCheck::Quoted);
        }
        checked
            .findings
            .extend(missing.map(|part| self.finding(CitationCheck::Quoted, part, None)));
    }

    fn check_words(&self, checked: &mut Checked) {
        let statement = Statement::of(self.reading, self.language);
        let sources: Vec<&meaning::ComparedPassage> =
            self.cited.iter().map(|source| &source.statement).collect();
        let is_cited = |source: &&Source| self.claim.marks.contains(&source.passage.number);
        let others: Vec<&meaning::ComparedPassage> = self
            .all
            .iter()
            .filter(|source| !is_cited(source))
            .map(|source| &source.statement)
            .collect();
        let verdict = meaning::compare(&statement, self.asked, &sources, &others);
        if verdict.compared {
            checked.checks.push(CitationCheck::Words);
        }
        for missing in verdict.missing {
            checked.findings.push(self.finding(
                CitationCheck::Words,
                &missing.claimed,
                missing.instead.as_deref(),
            ));
        }
    }
}

/// The quoted spans of three words or more; a run of letters without spaces is a sentence.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    quotations(text).map(|range| &text[range]).filter(|span| {
        let unspaced = span.chars().filter(|c| is_unspaced(*c)).count();
        Words::of(span).iter().count() >= MIN_QUOTE || unspaced >= MIN_UNSPACED
    })
}

/// The pieces of a quotation between its ellipses.
fn pieces(span: &str) -> Vec<&str> {
    let parts = span.split("...").flat_map(|part| part.split('…'));
    parts
        .map(|part| part.trim_matches(['[', ']', '(', ')', ' ']))
        .filter(|part| !Words::of(part).is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
