//! Unfinished runs over a collection: one over all sources, or several over parts of them at the same time.
//!
//! [`Manifest::unfinished`] is set as long as there is any. What a run over all sources has left may be
//! anywhere, so each part has to be checked before it is over. What a run over a part has left is in that
//! part, and runs over other parts neither repair it nor have to wait for it.

use super::{IngestRun, Manifest, Partition};

impl Manifest {
    /// The run that a run over this part, or over all sources, has to complete: everything stored of these
    /// sources is then compared with the records.
    pub fn unfinished_of(&self, partition: Option<Partition>) -> Option<&IngestRun> {
        let left = self.unfinished.as_ref()?;
        let Some(partition) = partition.filter(|_| left.partition.is_some()) else {
            return Some(left);
        };
        let mut parts = self.unfinished_parts.iter();
        parts.find(|run| run.partition.is_none_or(|it| it == partition || !it.is_beside(partition)))
    }

    /// Notes that a run begins to change its sources.
    pub fn begin(&mut self, run: &IngestRun) {
        match run.partition {
            None => self.unfinished_parts.clear(),
            Some(partition) => {
                self.spread(partition);
                self.unfinished_parts.push(run.clone());
            }
        }
        self.unfinished = Some(run.clone());
    }

    /// Notes that everything in `partition`, or in all sources if `None`, agrees with its records.
    pub fn complete(&mut self, partition: Option<Partition>) {
        match partition {
            None => self.unfinished_parts.clear(),
            Some(partition) => self.spread(partition),
        }
        self.unfinished = self.unfinished_parts.last().cloned();
    }

    /// Notes that stored chunks may disagree with their records anywhere: each part has to be checked.
    pub fn doubt(&mut self, partition: Partition, since: &IngestRun) {
        self.unfinished_parts = partition.all().map(|part| since.over(part)).collect();
        self.unfinished = self.unfinished_parts.last().cloned();
    }

    /// Removes this part. If a run over all sources, or over another division, is unfinished, its work is
    /// first spread over all parts of this division.
    fn spread(&mut self, partition: Partition) {
        let is_beside = |run: &IngestRun| run.partition.is_some_and(|it| it.is_beside(partition));
        let whole = self.unfinished.iter().filter(|run| run.partition.is_none());
        let other = whole.chain(&self.unfinished_parts).find(|run| !is_beside(run)).cloned();
        if let Some(other) = other {
            self.doubt(partition, &other);
        }
        self.unfinished_parts.retain(|run| run.partition != Some(partition));
    }
}

impl IngestRun {
    fn over(&self, part: Partition) -> Self {
        Self { partition: Some(part), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use uuid::Uuid;

    use super::*;
    use crate::store::contract::manifest;

    fn part(typed: &str) -> Partition {
        typed.parse().unwrap()
    }

    fn run(number: u128, partition: Option<&str>) -> IngestRun {
        IngestRun {
            run_id: Uuid::from_u128(number),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            docent: "0.1.0".to_owned(),
            roots: Vec::new(),
            partition: partition.map(part),
        }
    }

    fn begun(runs: &[IngestRun]) -> Manifest {
        let mut manifest = manifest();
        for run in runs {
            manifest.begin(run);
        }
        manifest
    }

    /// The parts that have to be checked.
    fn left(manifest: &Manifest, of: u32) -> Vec<String> {
        let parts = part(&format!("1/{of}")).all();
        let left = parts.filter(|it| manifest.unfinished_of(Some(*it)).is_some());
        left.map(|it| it.to_string()).collect()
    }

    #[test]
    fn runs_over_parts_end_in_any_order() {
        let mut manifest = begun(&[run(1, Some("1/3")), run(2, Some("2/3")), run(3, Some("3/3"))]);
        assert_eq!(left(&manifest, 3), ["1/3", "2/3", "3/3"]);
        for (ended, rest) in [("2/3", &["1/3", "3/3"][..]), ("3/3", &["1/3"]), ("1/3", &[])] {
            manifest.complete(Some(part(ended)));
            assert_eq!(left(&manifest, 3), rest);
            assert_eq!(manifest.unfinished.is_some(), !rest.is_empty());
            assert_eq!(manifest.unfinished_of(None).is_some(), !rest.is_empty());
        }
        assert_eq!(manifest, begun(&[]));
    }

    #[test]
    fn one_that_was_cut_off_is_completed_by_its_own_part_alone() {
        let mut manifest = begun(&[run(1, Some("1/2"))]);
        assert_eq!(left(&manifest, 2), ["1/2"]);
        manifest.begin(&run(2, Some("2/2")));
        manifest.complete(Some(part("2/2")));
        assert_eq!(left(&manifest, 2), ["1/2"]);
        manifest.begin(&run(3, Some("1/2")));
        assert_eq!(manifest.unfinished_parts.len(), 1, "it is the same part");
        manifest.complete(Some(part("1/2")));
        assert_eq!(manifest.unfinished, None);
    }

    #[test]
    fn what_was_left_by_another_kind_of_run_is_in_each_part() {
        for before in [
            &[run(1, None)][..],
            &[run(1, Some("2/3"))],
            &[run(1, Some("3/3")), run(2, Some("1/3"))],
        ] {
            let mut manifest = begun(before);
            assert_eq!(left(&manifest, 2), ["1/2", "2/2"]);
            manifest.begin(&run(5, Some("1/2")));
            assert_eq!(left(&manifest, 2), ["1/2", "2/2"]);
            manifest.complete(Some(part("1/2")));
            assert_eq!(left(&manifest, 2), ["2/2"]);
            // Without having begun: nothing was left to do.
            manifest.complete(Some(part("2/2")));
            assert_eq!(manifest.unfinished, None);
        }
    }

    #[test]
    fn a_run_over_all_sources_ends_what_any_other_has_left() {
        let mut manifest = begun(&[run(1, Some("1/2")), run(2, Some("2/2")), run(3, None)]);
        assert_eq!(manifest.unfinished_of(None).map(|run| run.run_id), Some(Uuid::from_u128(3)));
        assert_eq!(left(&manifest, 2), ["1/2", "2/2"], "it is cut off here");
        manifest.complete(None);
        assert_eq!(manifest, begun(&[]));
    }
}
