//! The quantity, or the name, that an English question asks for.

/// A quantity that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AskedMeasure {
    /// How long something takes, how soon.
    Time,
    /// How long something is: a time or a length.
    Extent,
    Distance,
    Frequency,
    Age,
    Speed,
    /// What it costs.
    Price,
    /// How big: any number.
    Size,
}

const TIMES: &str = "millisecond|second|minute|hour|day|night|week|month|quarter|year|decade|century|centurie|season|ms|sec|min|hr|h|yr";
const LENGTHS: &str = "kilometre|kilometer|metre|meter|centimetre|centimeter|millimetre|millimeter|mile|yard|foot|feet|inch|inche|km|m|\
    cm|mm|ft|mi|nm|league|block|step|light|stop";
/// Units in which texts are measured.
const TEXTS: &str =
    "page|word|line|character|letter|byte|bit|verse|chapter|volume|episode|token|entry|item";
const SPEEDS: &str = "mph|kph|kmh|knot|rpm|hz|mbps|gbps|percent|per";
const RATES: &str = "every|each|daily|hourly|weekly|monthly|quarterly|yearly|annually|annual|nightly|biweekly|once|twice|per|times|\
    always|never|rarely|often|sometimes|continuously|constantly";
const AGES: &str = "aged|age|born|old|since|founded|built|established";
const MONEY: &str = "usd|eur|gbp|chf|jpy|cent|dollar|euro|pound|franc|krone|kroner|krona|kronor|kr|yen|yuan|rupee|rouble|ruble|peso|free|pence|penny";
const PRICED: [&str; 12] = [
    "cost", "costs", "price", "priced", "pay", "paid", "charge", "charged", "charges", "fee",
    "salary", "worth",
];
const VERBS_OF_BEING: [&str; 4] = ["is", "are", "was", "were"];

/// Words for what lasts, besides all words such as "stored" and "delayed".
const LASTING: [&str; 13] = [
    "kept",
    "held",
    "given",
    "valid",
    "open",
    "available",
    "active",
    "live",
    "left",
    "away",
    "good",
    "after",
    "before",
];

impl AskedMeasure {
    /// The quantity that "how" asks for.
    pub(super) fn of(words: &[&str]) -> Option<Self> {
        let at = words.iter().position(|word| *word == "how")?;
        let next = words.get(at + 2);
        match *words.get(at + 1)? {
            "long" if next.is_some_and(|next| VERBS_OF_BEING.contains(next)) => {
                let lasts = words.iter().any(|word| word.ends_with("ed") || LASTING.contains(word));
                Some(if lasts { Self::Time } else { Self::Extent })
            }
            "long" | "soon" | "late" | "early" => Some(Self::Time),
            "far" => Some(Self::Distance),
            "often" | "frequently" => Some(Self::Frequency),
            "old" => Some(Self::Age),
            "fast" | "quick" | "quickly" => Some(Self::Speed),
            "much" if words.iter().any(|word| PRICED.contains(word)) => Some(Self::Price),
            "big" | "large" | "small" | "tall" | "high" | "deep" | "wide" | "heavy" | "thick" => {
                Some(Self::Size)
            }
            _ => None,
        }
    }

    /// Whether the words of a sentence have this quantity; `is_number` is called for words without digits.
    pub(super) fn is_in(
        self,
        text: &str,
        words: &[&str],
        is_number: impl Fn(&str) -> bool,
    ) -> bool {
        let number = |word: &str| word.starts_with(|c: char| c.is_numeric()) || is_number(word);
        let measured = |tables: &[&str]| {
            words.iter().enumerate().any(|(at, word)| {
                let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
                let glued = unit.len() < word.len() && !unit.is_empty();
                let before = &words[at.saturating_sub(3)..at];
                let unit = unit.strip_suffix('s').filter(|it| it.len() > 1).unwrap_or(unit);
                tables.iter().any(|table| has(table, unit))
                    && (glued || before.iter().any(|word| number(word)))
            })
        };
        let said = |table: &str| words.iter().any(|word| has(table, word));
        match self {
            Self::Time => measured(&[TIMES]),
            Self::Extent => measured(&[TIMES, LENGTHS, TEXTS]),
            Self::Distance => measured(&[LENGTHS]),
            Self::Frequency => measured(&[TIMES]) || said(RATES),
            Self::Age => {
                measured(&[TIMES]) || (said(AGES) && words.iter().any(|word| number(word)))
            }
            Self::Speed => {
                measured(&[TIMES, SPEEDS]) || (said(SPEEDS) && words.iter().any(|it| number(it)))
            }
            Self::Price => {
                text.contains(['$', '€', '£', '¥', '₹']) || measured(&[MONEY]) || said("free")
            }
            Self::Size => false,
        }
    }
}

fn has(table: &str, word: &str) -> bool {
    table.split('|').any(|known| known == word)
}

/// Kinds of things that have proper names.
const NAMED: &str = "company|companies|firm|business|corporation|organization|organisation|agency|institution|institute|university|\
    universities|school|college|country|countries|nation|nations|state|city|cities|town|village|region|province|county|continent|\
    river|lake|sea|ocean|island|mountain|king|queen|president|emperor|pope|person|people|man|woman|actor|actress|author|writer|\
    artist|singer|band|team|player|scientist|philosopher|composer|director|league|planet|newspaper|magazine|publisher|bank|\
    religion|tribe|dynasty|empire|museum|church|street|station|airport|vendor|supplier|manufacturer|researcher|general|\
    leader|poet|painter|architect|engineer|club|studio|network|brand|department|committee";

/// Words after "which" and "what" that do not name a kind of thing.
const NO_NOUN: [&str; 22] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "of", "the", "a", "an",
    "kind", "type", "sort", "part", "can", "could", "will", "would",
];

/// Whether a question asks for a proper name: "which company", "what German city", "what is the name of".
pub(super) fn asks_name(words: &[&str]) -> bool {
    let named = |at: usize| {
        let noun = words[at..].iter().take(3).take_while(|word| !NO_NOUN.contains(word));
        noun.into_iter().any(|word| has(NAMED, word))
    };
    let asks = |word: &str| matches!(word, "which" | "what" | "whose");
    // A thing in lower case can be named, too: a process.
    let name_of = words.windows(3).position(|it| it == ["the", "name", "of"]);
    let after_of = name_of.map_or(words.len(), |at| at + 3);
    let thing = after_of + usize::from(words.get(after_of) == Some(&"the"));
    words.iter().position(|word| asks(word)).is_some_and(|at| named(at + 1))
        || (thing < words.len() && named(thing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        crate::text::Words::of(text).iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_measured_is_in_a_sentence() {
        for (question, sentence, expected) in [
            ("How long is the pier?", "The pier of 1904 is 240 m long.", true),
            ("How long is the pier?", "The pier was built in 1904 by 30 workers.", false),
            ("How long is the report?", "It has forty pages.", true),
            ("How long does it take?", "It takes 30min.", true),
            ("How long does it take?", "It takes 30 workers and 20 m of rope.", false),
            ("How far is the port?", "It is five miles from here.", true),
            ("How far is the port?", "It takes two hours.", false),
            ("How old is the mill?", "It is 90 years old.", true),
            ("How old is the mill?", "It was built in 1880.", true),
            ("How old is the mill?", "It has 4 sails.", false),
            ("How often is it wound?", "It is wound every week.", true),
            ("How often is it wound?", "It is wound by 2 people.", false),
            ("How fast is the ferry?", "It makes 20 knots.", true),
            ("How fast is the ferry?", "It carries 20 cars.", false),
            ("How much does it cost?", "It costs 12 euros.", true),
            ("How much does it cost?", "It is $12.", true),
            ("How much does it cost?", "There are 3 fares.", false),
        ] {
            let (asked, said) = (words(question), words(sentence));
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            let measure = AskedMeasure::of(&asked).expect("a measure");
            let is_number = |word: &str| ["two", "five", "forty"].contains(&word);
            assert_eq!(
                measure.is_in(sentence, &said, is_number),
                expected,
                "{question} {sentence}"
            );
        }
    }

    #[test]
    fn a_name_is_asked_for() {
        for (question, expected) in [
            ("Which company founded the port?", true),
            ("In what German city is it?", true),
            ("What was the name of the town?", true),
            ("What is the name of the process?", false),
            ("What is the company's fee?", false),
            ("What kind of company is it?", false),
            ("Which of the fees is due?", false),
            ("How is a company founded?", false),
        ] {
            let asked = words(question);
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            assert_eq!(asks_name(&asked), expected, "{question}");
        }
    }
}
