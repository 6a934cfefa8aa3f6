//! Splits inputs into batches of similar length, and computes them on several cores at a time.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::session::OnnxSession;
use super::values::{Encoded, OnnxOutput};

/// Maximum number of tokens in a batch, including padding. Larger batches are not faster, and take more
/// memory.
const BATCH_TOKENS: usize = 1024;

/// See [`Onnx::run`](super::Onnx::run).
pub(super) fn run<T: Send>(
    session: &OnnxSession,
    inputs: &[Encoded],
    pad_id: u32,
    output: &str,
    read: &(impl Fn(OnnxOutput<'_>) -> Result<T, String> + Sync),
) -> Result<Vec<T>, String> {
    // The longest inputs come first: the last batches are short, so all cores finish at about the same time.
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(inputs[place].ids.len()));
    let padded = |place: &usize| session.length().unwrap_or(inputs[*place].ids.len());
    let lengths: Vec<usize> = order.iter().map(padded).collect();
    let batches = batches(&lengths, BATCH_TOKENS);

    let results = Mutex::new((0..inputs.len()).map(|_| None).collect::<Vec<Option<T>>>());
    let failure = Mutex::new(None);
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed))
            && !failed.load(Ordering::Relaxed)
        {
            let places = &order[batch.clone()];
            let batch: Vec<&Encoded> = places.iter().map(|&place| &inputs[place]).collect();
            match session.run(&batch, pad_id, output, read) {
                Ok(answers) => {
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    for (&place, answer) in places.iter().zip(answers) {
                        results[place] = Some(answer);
                    }
                }
                Err(problem) => {
                    failed.store(true, Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..session.cores().min(batches.len()) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(problem) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(problem);
    }
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(results.into_iter().flatten().collect())
}

/// Consecutive ranges of `lengths`, which are in descending order. Each has at most `limit` tokens when
/// padded to its first input; an input over `limit` is alone.
fn batches(lengths: &[usize], limit: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let fit = (limit / lengths[start].max(1)).max(1);
        let end = (start + fit).min(lengths.len());
        ranges.push(start..end);
        start = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_what_fits_when_padded() {
        assert!(batches(&[], 10).is_empty());
        assert_eq!(batches(&[30, 5, 5, 4, 1], 10), [0..1, 1..3, 3..5]);
        assert_eq!(batches(&[2; 7], 4), [0..2, 2..4, 4..6, 6..7]);
    }
}
