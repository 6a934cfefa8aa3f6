//! A model for natural language inference: the passages are the premise, a claim the hypothesis.

use std::time::Duration;

use super::Outcome;
use crate::entailment::{ClaimScores, EntailmentClaim, EntailmentModel};
use crate::query::cite::CheckedClaim;
use crate::text::{blocks, sentences};
use crate::types::Passage;

/// One outcome for each claim, or a sentence on why there is none.
pub(super) async fn ask(
    model: &dyn EntailmentModel,
    threshold: f32,
    claims: &[CheckedClaim],
    passages: &[Passage],
    within: Duration,
) -> Result<Vec<Outcome>, String> {
    let claims: Vec<EntailmentClaim> =
        claims.iter().map(|claim| claim_of(claim, passages)).collect();
    let judged = tokio::time::timeout(within, model.judge(&claims)).await;
    let judged = judged.map_err(|_| super::late(within))?.map_err(|error| error.to_string())?;
    let outcomes = judged.into_iter().map(|judged| match judged {
        Ok(entailed) => Outcome::of_score(entailed, threshold),
        Err(reason) => {
            Outcome { supported: None, score: None, reason: Some(reason), instead: None }
        }
    });
    Ok(outcomes.collect())
}

/// A claim with all passages that it cites, which may support it only together.
fn claim_of(claim: &CheckedClaim, passages: &[Passage]) -> EntailmentClaim {
    let cited = passages.iter().filter(|passage| claim.citations.contains(&passage.number));
    EntailmentClaim {
        text: claim.sentence.clone(),
        premise: cited.flat_map(sentences_of).collect(),
    }
}

/// The sentences of a passage. The first one is its titles: where a passage is found says what it is about.
fn sentences_of(passage: &Passage) -> Vec<String> {
    let text = &passage.text;
    let mut titles: Vec<&str> = vec![&passage.title];
    titles.extend(passage.headings.iter().map(String::as_str));
    titles.dedup();
    titles.retain(|title| !title.trim().is_empty());
    let ranges = blocks(text).into_iter().flat_map(|block| sentences(text, &block.range));
    let said = ranges.map(|range| text[range].split_whitespace().collect::<Vec<_>>().join(" "));
    let titles = Some(titles.join(": ")).filter(|titles| !titles.is_empty());
    titles.into_iter().chain(said).collect()
}

impl Outcome {
    fn of_score(entailed: ClaimScores, threshold: f32) -> Self {
        let ClaimScores { score, contradicted_by } = entailed;
        let supported = score >= threshold;
        let contradicted_by = contradicted_by.filter(|_| !supported);
        let why = if contradicted_by.is_some() {
            "the passages contradict it"
        } else {
            "the passages do not say it"
        };
        Self {
            supported: Some(supported),
            score: Some(score),
            reason: (!supported).then(|| format!("{why} (score {score:.2})")),
            instead: contradicted_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::pack::tests::passage;

    #[test]
    fn a_premise_is_all_that_is_cited_sentence_by_sentence() {
        let mut first = passage(1, "a.md", "- Kept for\n  400 days.\n- Never moved. Never shown.");
        first.title = "Backups".to_owned();
        first.headings = vec!["Backups".to_owned(), "Retention".to_owned()];
        let mut third = passage(3, "c.md", "No.");
        third.title = String::new();
        third.headings = Vec::new();
        let passages = [first, passage(2, "b.md", "Other."), third];
        let held = CheckedClaim { sentence: "They stay.".to_owned(), citations: vec![1, 3] };
        let claim = claim_of(&held, &passages);
        let expected =
            ["Backups: Retention", "Kept for 400 days.", "Never moved.", "Never shown.", "No."];
        assert_eq!(
            (claim.text.as_str(), claim.premise),
            ("They stay.", expected.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_threshold_separates_supported_claims_from_the_rest() {
        let outcome = |score, contradicted_by: Option<&str>| {
            let contradicted_by = contradicted_by.map(str::to_owned);
            Outcome::of_score(ClaimScores { score, contradicted_by }, 0.5)
        };
        let fine = outcome(0.5, Some("No."));
        assert_eq!((fine.supported, fine.reason, fine.instead), (Some(true), None, None));
        let silent = outcome(0.25, None);
        assert_eq!(silent.supported, Some(false));
        assert_eq!(silent.reason.as_deref(), Some("the passages do not say it (score 0.25)"));
        let against = outcome(0.01, Some("No."));
        assert_eq!(against.reason.as_deref(), Some("the passages contradict it (score 0.01)"));
        assert_eq!(against.instead.as_deref(), Some("No."));
    }
}
