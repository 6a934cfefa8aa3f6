use super::super::quantities::read;
use super::*;

/// What a passage lacks of a claim.
fn missing(claim: &str, passage: &str) -> Vec<String> {
    let language = TextLanguage::of(&format!("{claim} {passage}"));
    let of = |text: &str| Statement::of(&read(text, language), language);
    let source = ComparedPassage::of(&read(passage, language), &read("", language), language);
    let verdict = compare(&of(claim), &of(""), &[&source], &[]);
    verdict.missing.into_iter().map(|missing| missing.claimed).collect()
}

/// Each case is a claim that the passage supports, a claim that it does not, and the passage.
#[track_caller]
fn told_apart(cases: &[(&str, &str, &str)]) {
    for (right, wrong, passage) in cases {
        assert_eq!(missing(right, passage), Vec::<String>::new(), "{right:?} from {passage:?}");
        assert!(!missing(wrong, passage).is_empty(), "{wrong:?} from {passage:?}");
    }
}

#[test]
fn a_denial_on_one_side() {
    told_apart(&[
        (
            "The fee is not refunded after the start.",
            "The fee is refunded after the start.",
            "The fee is not refunded after the start of the course.",
        ),
        (
            "Smoking was recorded.",
            "Smoking was not recorded.",
            "Smoking was recorded, diet was not.",
        ),
        (
            "Die Gebühr wird nicht erstattet.",
            "Die Gebühr wird erstattet.",
            "Die Gebühr wird nach Beginn nicht erstattet.",
        ),
        (
            "Les nouveautés ne peuvent pas être renouvelées.",
            "Les nouveautés peuvent être renouvelées.",
            "Les nouveautés ne peuvent pas être renouvelées en ligne.",
        ),
    ]);
    let exempt = "Animals must stay on the outer deck; guide dogs are exempt from this rule.";
    assert!(missing("Guide dogs need not stay on the outer deck.", exempt).is_empty());
}

#[test]
fn opposites_in_place_of_one_another() {
    told_apart(&[
        (
            "Dogs may travel in the last carriage.",
            "Dogs may travel in the first carriage.",
            "Dogs are allowed in the last carriage only.",
        ),
        (
            "After that the webhook is disabled.",
            "After that the webhook is enabled.",
            "A delivery is repeated, after that the webhook is disabled.",
        ),
        (
            "Die Tropfen nimmt man vor dem Essen ein.",
            "Die Tropfen nimmt man nach dem Essen ein.",
            "Die Tropfen werden vor dem Essen eingenommen.",
        ),
        ("As receitas subiram.", "As receitas caíram.", "Em 2023 as receitas subiram muito."),
    ]);
}

#[test]
fn what_has_changed_places() {
    told_apart(&[
        (
            "The difference was larger among women than among men.",
            "The difference was larger among men than among women.",
            "The difference was greater among women than among men.",
        ),
        (
            "IPv6 is preferred over IPv4.",
            "IPv4 is preferred over IPv6.",
            "IPv6 is preferred over IPv4.",
        ),
        (
            "In 2023 Northmoor acquired Pennywise.",
            "In 2023 Pennywise acquired Northmoor.",
            "In May 2023 Northmoor bought the snack maker Pennywise.",
        ),
        (
            "Inés Robledo sustituyó a Pablo Cano.",
            "Pablo Cano sustituyó a Inés Robledo.",
            "La directora, Inés Robledo, sustituyó en enero a Pablo Cano.",
        ),
    ]);
}

#[test]
fn names_that_the_passage_lacks() {
    told_apart(&[
        (
            "The audit was done by Cobalt Labs.",
            "The audit was done by Basalt Labs.",
            "An independent audit by Cobalt Labs found one fault.",
        ),
        (
            "Den Vorsitz im Rat hat Helga Brandt.",
            "Den Vorsitz im Rat hat Petra Lang.",
            "Der Rat unter Vorsitz von Helga Brandt tagte.",
        ),
        (
            "La directrice est Claire Dumas.",
            "La directrice est Anne Leroy.",
            "La directrice, Claire Dumas, a été nommée en mars.",
        ),
    ]);
}
