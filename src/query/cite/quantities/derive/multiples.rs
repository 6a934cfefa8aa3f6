//! Words that say how many times as much something is.

use std::sync::LazyLock;

use super::super::super::lexicon::Lexicon;
use super::super::facts::Fact;
use super::super::units::Dimension;
use super::{Place, Term};

/// Words of texts that multiply a number beside them: `tandems pay the double`.
pub(super) fn multiples(facts: &[Fact]) -> Vec<Term> {
    let mut seen = Vec::new();
    let mut terms = Vec::new();
    for fact in facts {
        let place = Place { text: fact.text, sentence: fact.sentence };
        if seen.contains(&place) {
            continue;
        }
        seen.push(place);
        let words = fact.reading.words.iter().filter(|word| word.sentence == fact.sentence);
        let values = words.filter_map(|word| MULTIPLES.of(&word.lower).next());
        terms.extend(values.map(|value| Term {
            value: *value,
            dimension: Some(Dimension::Times),
            place,
            on_topic: false,
            named: false,
            is_clock: false,
        }));
    }
    terms
}

/// Words for a multiple, which are seldom numbers elsewhere.
static MULTIPLES: LazyLock<Lexicon<f64>> = LazyLock::new(|| {
    let of = |value: f64, names: &'static str| names.split(' ').map(move |name| (name, value));
    Lexicon::new(
        of(2.0, "double doubled doubles twice doppelt doppelte doppelten doble doppio dobro dubbel dubbele")
            .chain(of(3.0, "triple tripled dreifache triplo")),
    )
});
