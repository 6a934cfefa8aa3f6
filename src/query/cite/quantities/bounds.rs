//! Whether a number is a limit: at least, at most, about.

use std::sync::LazyLock;

use super::super::language::TextLanguage;
use super::super::lexicon::Lexicon;

/// The side of the number on which the counted value may lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Bound {
    #[default]
    Exactly,
    About,
    AtLeast,
    MoreThan,
    AtMost,
    LessThan,
}

use Bound::{About, AtLeast, AtMost, LessThan, MoreThan};

/// Languages, bound, and phrases separated by `|`.
type Row = (&'static str, Bound, &'static str);

/// Phrases right before a number.
const BEFORE: &[Row] = &[
    (
        "en",
        AtLeast,
        "at least|no less than|not less than|no fewer than|not fewer than|a minimum of|\
         minimum of|minimum|min|not below|from|starting at|as of|>=|≥",
    ),
    (
        "en",
        MoreThan,
        "more than|more often than|over|above|exceeding|exceeds|exceed|greater than|\
         longer than|larger than|older than|in excess of|higher than|bigger than|>",
    ),
    (
        "en",
        AtMost,
        "at most|up to|no more than|not more than|a maximum of|maximum of|maximum|max|within|\
         not exceed|not exceeding|no longer than|not over|limited to|no later than|<=|≤",
    ),
    (
        "en",
        LessThan,
        "less than|fewer than|under|below|shorter than|smaller than|younger than|lower than|\
         colder than|<",
    ),
    ("en", About, "about|around|approximately|approx|roughly|some|nearly|almost|circa|~|≈"),
    (
        "de",
        AtLeast,
        "mindestens|wenigstens|zumindest|nicht weniger als|minimum|minimal|ab|frühestens|\
         frühestens nach|nicht früher als",
    ),
    (
        "de",
        MoreThan,
        "mehr als|öfter als|über|länger als|größer als|älter als|höher als|oberhalb von",
    ),
    (
        "de",
        AtMost,
        "höchstens|maximal|bis zu|nicht mehr als|nicht länger als|längstens|innerhalb von|\
         binnen|bis|spätestens nach|spätestens",
    ),
    (
        "de",
        LessThan,
        "weniger als|unter|kürzer als|kleiner als|jünger als|kälter als|unterhalb von",
    ),
    ("de", About, "etwa|ungefähr|rund|circa|ca|zirka|annähernd|knapp|fast"),
    ("fr", AtLeast, "au moins|au minimum|minimum|pas moins de|à partir de|à partir du"),
    (
        "fr",
        MoreThan,
        "plus de|plus d '|supérieur à|supérieure à|supérieurs à|dépasse|au-delà de|\
         au - delà de",
    ),
    (
        "fr",
        AtMost,
        "au plus|au maximum|maximum|jusqu ' à|pas plus de|dans un délai de|sous|dans les|\
         limité à",
    ),
    ("fr", LessThan, "moins de|moins d '|inférieur à|inférieure à"),
    ("fr", About, "environ|à peu près|près de|autour de|quelque|approximativement"),
    (
        "es",
        AtLeast,
        "al menos|por lo menos|como mínimo|mínimo de|mínimo|no menos de|a partir de|desde",
    ),
    (
        "es",
        MoreThan,
        "más de|superior a|superiores a|mayor que|mayor de|mayores de|supera los|superar los",
    ),
    (
        "es",
        AtMost,
        "como máximo|máximo de|máximo|hasta|no más de|como mucho|a lo sumo|un plazo de|\
         dentro de",
    ),
    ("es", LessThan, "menos de|inferior a|inferiores a|menor que|menor de|menores de"),
    ("es", About, "aproximadamente|unos|unas|alrededor de|cerca de|casi"),
    ("it", AtLeast, "almeno|come minimo|minimo|un minimo di|non meno di|a partire da"),
    ("it", MoreThan, "più di|oltre|superiore a|superiori a|maggiore di|maggiori di"),
    ("it", AtMost, "al massimo|massimo|un massimo di|fino a|non più di|entro|al più"),
    ("it", LessThan, "meno di|inferiore a|inferiori a|sotto i|minore di|minori di"),
    ("it", About, "circa|approssimativamente|intorno a|quasi"),
    ("pt", AtLeast, "pelo menos|no mínimo|mínimo de|não menos de|a partir de|ao menos"),
    ("pt", MoreThan, "mais de|maiores de|mais do que|acima de|superior a|superiores a"),
    ("pt", AtMost, "no máximo|máximo de|até|não mais de|dentro de|em até"),
    ("pt", LessThan, "menos de|menores de|abaixo de|inferior a|inferiores a"),
    ("pt", About, "cerca de|aproximadamente|por volta de|quase|uns|umas"),
    ("nl", AtLeast, "minstens|ten minste|tenminste|minimaal|niet minder dan|vanaf"),
    ("nl", MoreThan, "meer dan|langer dan|groter dan|ouder dan|hoger dan"),
    ("nl", AtMost, "hoogstens|maximaal|ten hoogste|tot|niet meer dan|binnen|uiterlijk"),
    ("nl", LessThan, "minder dan|korter dan|kleiner dan|jonger dan|onder de"),
    ("nl", About, "ongeveer|circa|zowat|rond de|bijna"),
    ("", AtLeast, "最低|至少|少なくとも|не менее|минимум|en az|τουλάχιστον|לפחות|على الأقل"),
    ("", AtMost, "最大|最多|不超过|не более|максимум|en fazla|en çok|το πολύ|עד"),
    ("", MoreThan, "超过|более|больше|превышает|άνω των|fazla"),
    ("", LessThan, "менее|меньше|κάτω από"),
];

/// Phrases after a number and its unit.
const AFTER: &[Row] = &[
    (
        "en",
        AtLeast,
        "or more|and more|or longer|or older|or above|and above|or higher|and up|at least|\
         minimum|+",
    ),
    ("en", About, "or so|approximately|roughly"),
    ("de", About, "etwa|ungefähr|circa"),
    ("fr", About, "environ"),
    ("es", About, "aproximadamente"),
    ("it", About, "circa"),
    ("pt", About, "aproximadamente"),
    ("nl", About, "ongeveer"),
    (
        "en",
        AtMost,
        "or less|or fewer|at most|maximum|or under|or below|or younger|or shorter|\
         at the latest|max",
    ),
    ("de", AtLeast, "oder mehr|und mehr|oder länger|oder älter|mindestens|+"),
    ("de", AtMost, "oder weniger|höchstens|maximal|oder kürzer"),
    ("fr", AtLeast, "ou plus|et plus|ou davantage|et davantage|au moins|au minimum|minimum|+"),
    ("fr", AtMost, "ou moins|au plus|au maximum|maximum"),
    ("es", AtLeast, "o más|y más|como mínimo|al menos|+"),
    ("es", AtMost, "o menos|como máximo|como mucho"),
    ("it", AtLeast, "o più|e oltre|come minimo|+"),
    ("it", AtMost, "o meno|al massimo"),
    ("pt", AtLeast, "ou mais|e mais|no mínimo|+"),
    ("pt", AtMost, "ou menos|no máximo"),
    ("nl", AtLeast, "of meer|en meer|minimaal|+"),
    ("nl", AtMost, "of minder|maximaal"),
    ("", AtLeast, "以上"),
    ("", AtMost, "以下|以内|以内に"),
];

/// A phrase: its languages, its bound, its words.
type Phrase = (u8, Bound, Vec<&'static str>);

/// The phrases of a table, by the word next to the number.
fn phrases(
    rows: &'static [Row],
    next: fn(&[&'static str]) -> Option<&'static str>,
) -> Lexicon<Phrase> {
    let all = rows.iter().flat_map(|(codes, bound, phrases)| {
        let set = TextLanguage::set(codes);
        phrases.split('|').filter_map(move |phrase| {
            let words: Vec<&str> = phrase.split(' ').collect();
            Some((next(&words)?, (set, *bound, words)))
        })
    });
    Lexicon::new(all)
}

static PHRASES_BEFORE: LazyLock<Lexicon<Phrase>> =
    LazyLock::new(|| phrases(BEFORE, |words| words.last().copied()));
static PHRASES_AFTER: LazyLock<Lexicon<Phrase>> =
    LazyLock::new(|| phrases(AFTER, |words| words.first().copied()));

/// The bound at the end of the words before a number, and how many words it takes.
pub(super) fn before(words: &[&str], language: TextLanguage) -> Option<(Bound, usize)> {
    let last = words.last()?;
    let known = PHRASES_BEFORE.of(last).filter(|(_, _, phrase)| words.ends_with(phrase));
    longest(known, language).or_else(|| {
        // A run of unspaced letters may contain it.
        let unspaced = BEFORE.iter().filter(|(codes, _, _)| codes.is_empty());
        let mut phrases = unspaced
            .flat_map(|(_, bound, phrases)| phrases.split('|').map(move |phrase| (bound, phrase)));
        let is_run = last.starts_with(super::tokens::is_unspaced);
        phrases.find(|(_, phrase)| is_run && last.contains(phrase)).map(|(bound, _)| (*bound, 1))
    })
}

/// The bound at the beginning of the words after a number, and how many words it takes.
pub(super) fn after(words: &[&str], language: TextLanguage) -> Option<(Bound, usize)> {
    let known = PHRASES_AFTER.of(words.first()?);
    longest(known.filter(|(_, _, phrase)| words.starts_with(phrase)), language)
}

fn longest<'a>(
    known: impl Iterator<Item = &'a Phrase>,
    language: TextLanguage,
) -> Option<(Bound, usize)> {
    let known = known.filter(|(set, _, _)| language.is_in_set(*set));
    known.map(|(_, bound, words)| (*bound, words.len())).max_by_key(|(_, length)| *length)
}

impl Bound {
    /// Whether a number with this bound supports the same number with the bound `claimed`. `denied`: one of
    /// the two sentences denies what the other says, so that `not above` is `at most`.
    pub(super) fn bears_out(self, claimed: Self, denied: bool) -> bool {
        let other_side = match self {
            AtLeast => LessThan,
            LessThan => AtLeast,
            AtMost => MoreThan,
            MoreThan => AtMost,
            bound => bound,
        };
        match claimed {
            _ if denied && other_side == claimed && other_side != self => true,
            Self::Exactly | About => true,
            AtLeast | MoreThan => !matches!(self, AtMost | LessThan),
            AtMost | LessThan => !matches!(self, AtLeast | MoreThan),
        }
    }
}
