//! Reads what surrounds a number: its noun, its limit, and what its sentence says about it.

use std::sync::LazyLock;

use super::super::super::language::TextLanguage;
use super::super::super::lexicon::{Lexicon, words};
use super::super::bounds::{self, Bound};
use super::super::tokens::{QuantityToken, TokenShape, is_unspaced};
use super::Parser;

impl Parser<'_> {
    /// Whether the word that is counted looks like a noun in the plural, and not like a verb.
    pub(super) fn is_plural(&self, at: usize) -> bool {
        let joined =
            usize::from(self.tokens.get(at).is_some_and(|token| token.is('-') && !token.spaced));
        let Some(token) = self.tokens.get(at + joined) else { return false };
        match self.language {
            TextLanguage::English
            | TextLanguage::French
            | TextLanguage::Spanish
            | TextLanguage::Portuguese => token.lower.ends_with(['s', 'x']),
            TextLanguage::German => token.text.starts_with(char::is_uppercase),
            TextLanguage::Dutch => token.lower.ends_with("en") || token.lower.ends_with('s'),
            TextLanguage::Italian => token.lower.ends_with(['i', 'e']),
            TextLanguage::Other => false,
        }
    }

    /// Whether the sentence of a token denies something, and whether it speaks of less.
    pub(super) fn sentence_says(&self, at: usize) -> (bool, bool) {
        let start = (0..at)
            .rev()
            .find(|before| ends(&self.tokens[*before]) || self.tokens[before + 1].begins_line)
            .map_or(0, |end| end + 1);
        let length = self.tokens[at..]
            .iter()
            .position(|token| ends(token) && token.shape != TokenShape::Sign(':'))
            .unwrap_or(self.tokens.len() - at);
        let words = &self.tokens[start..at + length];
        let phrase = |at: usize| {
            words.get(at + 1).is_some_and(|next| {
                matches!(
                    next.lower.as_str(),
                    "more"
                        | "less"
                        | "fewer"
                        | "mehr"
                        | "weniger"
                        | "plus"
                        | "moins"
                        | "más"
                        | "menos"
                        | "più"
                        | "meno"
                        | "mais"
                        | "meer"
                        | "minder"
                        | "only"
                        | "nur"
                        | "более"
                        | "менее"
                        | "больше"
                        | "меньше"
                )
            })
        };
        let denied =
            words.iter().enumerate().any(|(at, token)| DENYING.has(&token.lower) && !phrase(at))
                || words.windows(2).any(|pair| pair[0].is('\'') && pair[1].lower == "t");
        let falls = words.iter().any(|token| FALLING.has(&token.lower));
        (denied, falls)
    }

    /// Whether the text up to the end of the next sentence says what holds beyond the number.
    pub(super) fn has_complement(&self, end: usize) -> bool {
        let rest = &self.tokens[end.min(self.tokens.len())..];
        let ends = rest.iter().enumerate().filter(|(_, token)| token.is('.') || token.is(';'));
        let length = ends.map(|(at, _)| at).nth(1).unwrap_or(rest.len());
        let words: Vec<&str> = rest[..length].iter().map(|token| token.lower.as_str()).collect();
        let said = format!(" {} ", words.join(" "));
        COMPLEMENTS.split('|').any(|phrase| said.contains(&format!(" {phrase} ")))
    }

    /// The word that is counted, and its position: the word after a number, or, if that is not a plural,
    /// one of the next two that is: `25 legal holds`. `None` if a sign or a small word comes first.
    pub(super) fn noun(&self, at: usize) -> Option<(String, usize)> {
        let first = self.noun_at(at)?;
        let adjectives = matches!(
            self.language,
            TextLanguage::English | TextLanguage::German | TextLanguage::Dutch
        );
        let plural = |at: &usize| self.noun_at(*at).is_some() && self.is_plural(*at);
        let further = [at, at + 1, at + 2];
        let mut run = further.into_iter().take_while(|at| self.noun_at(*at).is_some());
        let head = run.find(plural).filter(|_| adjectives);
        let head = head.and_then(|at| Some((self.noun_at(at)?, at)));
        Some(head.unwrap_or((first, at)))
    }

    fn noun_at(&self, at: usize) -> Option<String> {
        let joined =
            usize::from(self.tokens.get(at).is_some_and(|token| token.is('-') && !token.spaced));
        let token = self.tokens.get(at + joined)?;
        let is_noun = token.is_word()
            && !(token.begins_line && token.spaced)
            && !self.language.has_small(&token.lower)
            && token.lower.chars().count() > 1;
        is_noun.then(|| token.lower.clone())
    }

    /// How many tokens before and after a number make it a limit.
    pub(super) fn bound_lengths(&self, from: usize, end: usize) -> (usize, usize) {
        let before: Vec<&str> = self.tokens[from.saturating_sub(5)..from]
            .iter()
            .map(|token| token.lower.as_str())
            .collect();
        let after: Vec<&str> = self.tokens[end.min(self.tokens.len())..]
            .iter()
            .take(4)
            .map(|token| token.lower.as_str())
            .collect();
        (
            bounds::before(&before, self.language).map_or(0, |(_, length)| length),
            bounds::after(&after, self.language).map_or(0, |(_, length)| length),
        )
    }

    pub(super) fn bound(&self, from: usize, end: usize) -> Option<Bound> {
        // Only within the line of the number.
        let line = (0..from)
            .rev()
            .take(5)
            .take_while(|at| !self.tokens[at + 1].begins_line || *at + 1 == from)
            .min()
            .unwrap_or(from);
        let before: Vec<&str> =
            self.tokens[line..from].iter().map(|token| token.lower.as_str()).collect();
        let after: Vec<&str> = self.tokens[end.min(self.tokens.len())..]
            .iter()
            .take(4)
            .map(|token| token.lower.as_str())
            .collect();
        bounds::before(&before, self.language)
            .or_else(|| bounds::after(&after, self.language))
            .map(|(bound, _)| bound)
            .or_else(|| {
                self.tokens.get(end.saturating_sub(1)).and_then(|token| bound_in(&token.text))
            })
    }

    /// Whether the word before a number makes it part of a name: a word for that purpose, or one in upper
    /// case within a sentence. In German, where all nouns begin in upper case, only the former.
    pub(super) fn refers(&self, from: usize) -> bool {
        let Some(before) = from.checked_sub(1).filter(|_| self.label(from).is_some()) else {
            return false;
        };
        let token = &self.tokens[before];
        let within = before > 0 && !token.begins_line && !ends(&self.tokens[before - 1]);
        let capital = token.text.starts_with(char::is_uppercase) && within;
        REFERENCES.has(&token.lower) || (capital && self.language != TextLanguage::German)
    }

    pub(super) fn label(&self, from: usize) -> Option<String> {
        let token = &self.tokens[from.checked_sub(1)?];
        let begins = self.tokens.get(from).is_some_and(|token| token.begins_line);
        let is_label = token.is_word() && !self.language.has_small(&token.lower) && !begins;
        is_label.then(|| token.lower.clone())
    }
}

fn ends(token: &QuantityToken) -> bool {
    matches!(token.shape, TokenShape::Sign('.' | ';' | '!' | '?' | ':' | '。'))
}

/// Words whose number identifies a thing instead of counting.
static REFERENCES: LazyLock<Lexicon<()>> = LazyLock::new(|| {
    words(
        "section sections chapter page pages version release article figure table step level code \
         error number no nr abschnitt kapitel seite artikel absatz schritt stufe ziffer abbildung tabelle nummer \
         chapitre article étape niveau numéro sección capítulo página artículo paso nivel número \
         sezione capitolo pagina articolo passo livello numero seção capítulo artigo etapa nível \
         hoofdstuk pagina artikel stap niveau nummer versie versión versione versão",
    )
});

/// The bound within a run of letters: `10個以上`.
fn bound_in(run: &str) -> Option<Bound> {
    if !run.starts_with(is_unspaced) {
        return None;
    }
    [
        ("以上", Bound::AtLeast),
        ("以下", Bound::AtMost),
        ("以内", Bound::AtMost),
        ("未満", Bound::LessThan),
    ]
    .into_iter()
    .find(|(word, _)| run.contains(word))
    .map(|(_, bound)| bound)
}

/// Phrases that refer to the other side of a limit.
const COMPLEMENTS: &str = "above that|beyond that|over that|more than that|in excess of that|darüber|was darüber hinausgeht|\
     au - delà|au-delà|lo que exceda|por encima de eso|al di sopra|oltre tale|acima disso|além disso|daarboven";

static DENYING: LazyLock<Lexicon<()>> = LazyLock::new(|| words(DENIALS));
static FALLING: LazyLock<Lexicon<()>> = LazyLock::new(|| words(FALLS));

/// Words of denial.
const DENIALS: &str = "not never cannot nicht nie niemals kein keine keinen keiner keinem ne n jamais no nunca \
     non mai não niet nooit geen не нет 不 δεν μη değil لا without ohne sans sin senza sem \
     zonder nur only forbidden verboten prohibited";

/// Words that say that something became less, or is below something.
const FALLS: &str = "fell fall falls fallen dropped drop declined decline decreased decrease shrank shrunk \
     sank lost loss losses down below less fewer reduced reduction lower lowered minus sanken \
     gesunken fiel fielen gefallen verringert weniger unter rückgang verlust baissé baisse \
     diminué recul reculé chuté perte moins bajó bajado cayó caído redujo descendió descenso \
     menos pérdida sceso calato diminuito ridotto calo meno perdita caiu baixou diminuiu \
     reduziu queda gedaald daalde minder verlies unterhalb négatif negativos";
