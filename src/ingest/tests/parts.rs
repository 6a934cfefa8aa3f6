//! Several runs, each over a partition of the sources, make the same collection as one run.

use std::collections::BTreeMap;

use futures::future::join_all;
use proptest::prelude::*;

use super::*;
use crate::store::scripted::well_behaved;
use crate::types::{ChunkTally, ContentHash, Manifest};

/// Files to be ingested: texts by name.
type Files = BTreeMap<u8, String>;

fn files() -> impl Strategy<Value = Files> {
    let text = ("[a-d]{1,3}", 1usize..4).prop_map(|(word, paragraphs)| {
        let paragraph = |n| format!("Paragraph {n} is about the {word} and no other.");
        (0..paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n")
    });
    proptest::collection::btree_map(0u8..12, text, 0..10)
}

/// A project and its collection on a server.
struct Site {
    project: Project,
    collection: Arc<dyn Collection>,
}

impl Site {
    fn new() -> Self {
        Self { project: Project::new(), collection: Arc::new(well_behaved()) }
    }

    fn have(&self, files: &Files) {
        let docs = self.project.path("");
        fs::remove_dir_all(&docs).unwrap();
        fs::create_dir(&docs).unwrap();
        for (name, text) in files {
            self.project.write(&format!("{name}.txt"), text);
        }
    }

    async fn run(&self, partition: Option<Partition>) -> IngestReport {
        let writer = match partition {
            None => self.collection.write().await,
            Some(partition) => self.collection.write_part(partition).await,
        };
        Box::pin(self.project.bring_in(writer.unwrap(), partition)).await.0
    }

    /// Runs all partitions, in this order or at the same time.
    async fn run_parts(&self, of: u32, order: &[u32], together: bool) -> Vec<IngestReport> {
        let parts = order.iter().filter(|number| **number <= of);
        let parts = parts.map(|number| format!("{number}/{of}").parse().unwrap());
        let runs = parts.map(|partition| self.run(Some(partition)));
        if together {
            return join_all(runs).await;
        }
        let mut reports = Vec::new();
        for run in runs {
            reports.push(run.await);
        }
        reports
    }

    async fn manifest(&self) -> Manifest {
        Manifest::clone(self.collection.read().await.unwrap().unwrap().manifest())
    }

    /// Records and chunks of each document, without times and run ids, and the totals of the manifest.
    async fn contents(
        &self,
    ) -> (Vec<DocumentRecord>, Vec<ChunkTally>, Option<ContentHash>, Vec<String>) {
        let reader = self.collection.read().await.unwrap().unwrap();
        let neutral = |record: DocumentRecord| DocumentRecord {
            mtime: 1,
            ingested_at: String::new(),
            run_id: Uuid::nil(),
            ..record
        };
        let records = reader.documents().await.unwrap().into_iter().map(neutral).collect();
        let Manifest { content_hash, roots, .. } = self.manifest().await;
        (records, reader.tally().await.unwrap(), content_hash, roots)
    }
}

fn count(reports: &[IngestReport]) -> [usize; 5] {
    let sum = |of: fn(&IngestReport) -> usize| reports.iter().map(of).sum();
    [
        sum(|report| report.added),
        sum(|report| report.changed + report.moved),
        sum(|report| report.chunks),
        sum(|report| report.unchanged),
        sum(|report| report.documents_total),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn parts_in_any_order_or_at_once_equal_one_run(
        first in files(),
        then in files(),
        of in 1u32..6,
        order in Just((1..6).collect::<Vec<u32>>()).prop_shuffle(),
        together: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (parts, whole) = (Site::new(), Site::new());
            for files in [&first, &then] {
                parts.have(files);
                whole.have(files);
                let by_parts = parts.run_parts(of, &order, together).await;
                let one = whole.run(None).await;
                if files.is_empty() && parts.collection.read().await.unwrap().is_none() {
                    // No run had a reason to create it.
                    continue;
                }
                assert_eq!(parts.contents().await, whole.contents().await);
                let manifest = parts.manifest().await;
                assert_eq!(manifest.unfinished, None);
                assert_eq!(manifest.unfinished_parts, []);
                let [added, _, chunks, unchanged, total] = count(&by_parts);
                let [one_added, one_changed, one_chunks, one_unchanged, one_total] = count(&[one]);
                // One run moves a renamed file; with partitions, one may delete it and another add it.
                prop_assert!(added >= one_added && added + unchanged <= one_total + one_changed);
                assert_eq!((chunks, unchanged, total), (one_chunks, one_unchanged, one_total));
            }
            Ok(())
        })?;
    }
}

/// A partition whose run was cut off is completed by its own next run; the others end meanwhile.
#[tokio::test]
async fn a_part_that_fails_keeps_none_of_the_others_from_its_end() {
    let mut parts = Site::new();
    let names: Vec<String> = (0..12).map(|number| format!("{number}.txt")).collect();
    for name in &names {
        parts.project.write(name, &format!("{name} is about the walrus."));
    }
    let second: Partition = "2/3".parse().unwrap();
    let ill = names.iter().rfind(|name| second.holds(&format!("docs/{name}"))).unwrap();
    parts.project.write(ill, &long("seal", "poison"));
    parts.project.refuses = Some(("poison", Fault::Unauthorized));
    let reports = parts.run_parts(3, &[1, 2, 3], true).await;
    let failed: Vec<bool> = reports.iter().map(|report| report.aborted.is_some()).collect();
    assert_eq!(failed, [false, true, false]);
    let manifest = parts.manifest().await;
    let left: Vec<_> = manifest.unfinished_parts.iter().map(|run| run.partition).collect();
    assert_eq!(left, [Some(second)]);
    assert_eq!(manifest.unfinished.unwrap().partition, Some(second));

    parts.project.refuses = None;
    let report = parts.run(Some(second)).await;
    assert_eq!(report.partition, Some(second));
    let whole = Site::new();
    for name in &names {
        whole.project.write(name, &fs::read_to_string(parts.project.path(name)).unwrap());
    }
    whole.run(None).await;
    assert_eq!(parts.contents().await, whole.contents().await);
    assert_eq!(parts.manifest().await.unfinished, None);
}

/// Another number of partitions completes what was cut off, and so does one run over everything.
#[tokio::test]
async fn what_was_cut_off_is_completed_by_other_parts_too() {
    for of in [None, Some(2)] {
        let mut site = Site::new();
        let third: Partition = "3/3".parse().unwrap();
        for number in 0..8 {
            let name = format!("{number}.txt");
            let is_third = third.holds(&format!("docs/{name}"));
            let text = if is_third { long("seal", "poison") } else { name.clone() };
            site.project.write(&name, &text);
        }
        site.project.refuses = Some(("poison", Fault::Unauthorized));
        assert!(site.run(Some(third)).await.aborted.is_some());
        assert_eq!(site.manifest().await.unfinished.unwrap().partition, Some(third));
        site.project.refuses = None;
        match of {
            None => drop(site.run(None).await),
            Some(of) => drop(site.run_parts(of, &[2, 1], false).await),
        }
        assert_eq!(site.manifest().await.unfinished, None, "{of:?}");
        assert_eq!(site.contents().await.0.len(), 8);
    }
}
