//! Words that reverse a statement: denials, and pairs of opposites.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::super::language::TextLanguage;
use super::super::lexicon::Lexicon;
use super::opposites::OPPOSITES;
use super::statement::StatementWord;

/// Words that deny what their clause says.
const DENIALS: &[(&str, &str)] = &[
    (
        "en",
        "not never no none nothing nobody neither nor cannot without hardly don't doesn't didn't isn't aren't wasn't weren't won't can't couldn't shouldn't wouldn't needn't mustn't nowhere unable",
    ),
    (
        "de",
        "nicht nie niemals kein keine keinen keinem keiner keines nichts niemand weder noch ohne kaum keinesfalls keineswegs",
    ),
    ("fr", "ne n pas jamais aucun aucune rien ni sans nul nulle personne"),
    ("es", "no nunca jamás ningún ninguno ninguna nada ni sin tampoco nadie"),
    ("it", "non mai nessun nessuno nessuna niente nulla né senza neanche"),
    ("pt", "não nunca jamais nenhum nenhuma nada nem sem ninguém"),
    ("nl", "niet nooit geen niets noch zonder niemand"),
    (
        "other",
        "не нет ни без никогда 不 没 没有 未 ない ません ず δεν μην μη χωρίς ποτέ değil yok hayır لا لم لن ليس بدون नहीं न बिना לא אין בלי אסור",
    ),
];

/// Words with which a clause may deny something without a denial.
const WEAK: &[&str] = &[
    "except",
    "unless",
    "excluding",
    "exempt",
    "exception",
    "dropped",
    "drops",
    "removed",
    "ended",
    "withdrawn",
    "lacks",
    "missing",
    "fails",
    "failed",
    "refuse",
    "refused",
    "forbidden",
    "prohibited",
    "only",
    "instead",
    "rather",
    "stays",
    "remains",
    "unlocked",
    "unknown",
    "außer",
    "ausgenommen",
    "verboten",
    "untersagt",
    "nur",
    "entfällt",
    "abgelehnt",
    "statt",
    "sauf",
    "excepté",
    "hormis",
    "interdit",
    "interdits",
    "seulement",
    "salvo",
    "excepto",
    "prohibido",
    "prohibida",
    "solo",
    "cerrado",
    "tranne",
    "eccetto",
    "vietato",
    "vietati",
    "soltanto",
    "exceto",
    "proibido",
    "proibidas",
    "apenas",
    "fechado",
    "behalve",
    "uitgezonderd",
    "verboden",
    "alleen",
    "slechts",
    "impossible",
    "unmöglich",
    "imposible",
    "stopped",
    "stops",
    "ceased",
    "ceases",
    "ausgeschlossen",
    "exclu",
    "exclue",
    "excluido",
    "escluso",
    "excluído",
    "uitgesloten",
];

/// Comparatives whose direction depends on the word after them.
const COMPARATIVES: &[&str] = &[
    "more", "less", "most", "least", "mehr", "weniger", "plus", "moins", "más", "menos", "più",
    "meno", "mais", "meer", "minder",
];

/// Verbs that say that something may or must be done.
const MODALS: &[&str] = &[
    "may", "must", "can", "muss", "müssen", "darf", "dürfen", "kann", "können", "peut", "peuvent",
    "doit", "doivent", "puede", "pueden", "debe", "deben", "può", "possono", "deve", "devono",
    "pode", "podem", "devem", "mag", "mogen", "moet", "moeten", "kan", "kunnen",
];

/// Words that say which of two events came first.
const ORDERS: &[&str] = &[
    "before", "after", "vor", "nach", "bevor", "nachdem", "avant", "après", "antes", "después",
    "prima", "dopo", "depois", "após", "voor", "vóór", "na",
];

/// Words before the agent of a passive sentence.
const AGENTS: &[&str] =
    &["by", "von", "vom", "durch", "par", "por", "pelo", "pela", "da", "dal", "dalla", "door"];

/// Verbs of succession: the subject comes after the object.
const SUCCESSIONS: &[&str] = &[
    "replac*",
    "succeed*",
    "follow*",
    "took",
    "ersetz*",
    "folg*",
    "abgelöst",
    "löst*",
    "remplac*",
    "succéd*",
    "suivi*",
    "sustituy*",
    "sucedi*",
    "sucede*",
    "sostitui*",
    "succed*",
    "substitui*",
    "sucedeu",
    "volg*",
    "opvolg*",
    "vervang*",
    "смени*",
    "接替*",
    "pris",
    "preso",
    "assumiu",
    "reemplaz*",
];

/// Words that say that the converse is another matter.
const REVERSALS: &[&str] = &[
    "round",
    "around",
    "versa",
    "umgekehrt",
    "inverse",
    "revés",
    "viceversa",
    "contrario",
    "contrário",
    "omgekeerd",
];

pub(super) fn denies_weakly(word: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| WEAK.iter().copied().collect());
    KNOWN.contains(word)
}

pub(super) fn is_comparative(word: &str) -> bool {
    COMPARATIVES.contains(&word)
}

pub(super) fn is_modal(word: &str) -> bool {
    MODALS.contains(&word)
}

pub(super) fn orders(word: &str) -> bool {
    ORDERS.contains(&word)
}

pub(super) fn is_agent(word: &str) -> bool {
    AGENTS.contains(&word)
}

pub(super) fn succeeds(word: &str) -> bool {
    SUCCESSIONS.iter().any(|known| is(known, word))
}

/// Whether a word begins the French `ne … que`, which means “only” and is not a denial.
pub(super) fn restricts(word: &str, clause: &[StatementWord]) -> bool {
    let has = |words: &[&str]| clause.iter().any(|word| words.contains(&word.lower.as_str()));
    matches!(word, "ne" | "n")
        && has(&["que", "qu"])
        && !has(&["pas", "jamais", "plus", "aucun", "aucune", "rien", "ni"])
}

/// Words that exempt something from a rule.
const EXEMPTIONS: [&str; 12] = [
    "exempt*",
    "except*",
    "excluded",
    "ausgenommen",
    "befreit",
    "sauf",
    "dispens*",
    "exent*",
    "exceto",
    "salvo",
    "tranne",
    "uitgezonderd",
];

/// Verbs of waiting.
const WAITING: [&str; 9] =
    ["wait*", "wart*", "attend*", "esperar", "espera*", "aspett*", "attes*", "aguard*", "wacht*"];

pub(super) fn exempts(word: &str) -> bool {
    EXEMPTIONS.iter().any(|known| is(known, word))
}

pub(super) fn waits(word: &str) -> bool {
    WAITING.iter().any(|known| is(known, word))
}

/// Whether a word is a rank that is the opposite of another, rather than a number to be compared.
pub(super) fn ranks(word: &str) -> bool {
    const FIRST: [&str; 14] = [
        "first",
        "erste",
        "ersten",
        "erster",
        "erstes",
        "premier",
        "première",
        "primer",
        "primero",
        "primera",
        "primo",
        "prima",
        "primeiro",
        "eerste",
    ];
    FIRST.contains(&word)
}

/// Whether a word connects two things that are compared.
pub(super) fn compares(word: &str) -> bool {
    matches!(word, "than" | "als" | "que" | "che" | "dan")
}

/// Verbs of acquisition: the subject is the later owner.
const ACQUISITIONS: [&str; 25] = [
    "acquir*",
    "bought",
    "buys",
    "purchas*",
    "kauft*",
    "erwarb",
    "erwirbt",
    "erworben",
    "übernahm",
    "übernimmt",
    "übernommen",
    "acquis",
    "acheté",
    "rachet*",
    "compró",
    "compra*",
    "adquiri*",
    "acquist*",
    "comprat*",
    "comprou",
    "kocht",
    "gekocht",
    "overgenomen",
    "took",
    "rilev*",
];

pub(super) fn acquires(word: &str) -> bool {
    ACQUISITIONS.iter().any(|known| is(known, word))
}

pub(super) fn reverses(word: &str) -> bool {
    REVERSALS.contains(&word)
}

fn is(known: &str, word: &str) -> bool {
    known.strip_suffix('*').map_or(known == word, |beginning| word.starts_with(beginning))
}

/// The languages in which a word denies; for a word in other letters, none of the known ones.
static DENYING: LazyLock<Lexicon<u8>> = LazyLock::new(|| {
    let rows = DENIALS.iter().map(|(codes, words)| (set(codes), words));
    Lexicon::new(rows.flat_map(|(set, words)| words.split(' ').map(move |word| (word, set))))
});

/// The pairs of opposites that words belong to: the languages, the pair, the side.
static POLES: LazyLock<Lexicon<(u8, usize, bool)>> = LazyLock::new(|| {
    let rows = OPPOSITES.iter().enumerate().filter_map(|(pair, (codes, words))| {
        let (one, other) = words.split_once(" | ")?;
        Some((set(codes), pair, one, other))
    });
    Lexicon::new(rows.flat_map(|(set, pair, one, other)| {
        let of_side = move |words: &'static str, side| {
            words.split(' ').map(move |word| (word, (set, pair, side)))
        };
        of_side(one, true).chain(of_side(other, false))
    }))
});

/// An empty set for [`OTHER`].
fn set(codes: &str) -> u8 {
    if codes == OTHER { 0 } else { TextLanguage::set(codes) }
}

/// The row of the languages that are not known by name.
const OTHER: &str = "other";

pub(super) fn denies(word: &str, language: TextLanguage) -> bool {
    DENYING.of(word).any(|set| language.is_in_set(*set))
}

/// The pairs of opposites that a word belongs to, and its side in each.
pub(super) fn poles(word: &str, language: TextLanguage) -> Vec<(usize, bool)> {
    let known: Vec<(usize, bool)> = POLES
        .of(word)
        .filter(|(set, _, _)| language.is_in_set(*set))
        .map(|(_, pair, side)| (*pair, *side))
        .collect();
    let one_side = |(pair, side): &(usize, bool)| !known.contains(&(*pair, !side));
    let mut poles: Vec<(usize, bool)> =
        known.iter().filter(|pole| one_side(pole)).copied().collect();
    poles.sort_unstable();
    poles.dedup();
    poles
}
