//! How certain a number is: intervals, a test of paired differences, percentiles. Deterministic: the same
//! values give the same result on every machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap. The ends of the interval are then off by a hundredth of its length.
const RESAMPLES: usize = 2_000;

/// Random assignments of signs, if there are too many to try them all.
const ASSIGNMENTS: usize = 10_000;

/// Up to this many differences are tested exactly.
const EXACT: u32 = 13;

/// Seed of the generator.
const SEED: u64 = 0x646f_6365_6e74;

/// The range that contains the true mean in 95 of 100 cases.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// `None` if there are no values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The 95 % interval of the mean by the percentile bootstrap (Efron and Tibshirani, 1993): cases are drawn
/// again with replacement. `None` for fewer than two values, which say nothing about their spread.
pub fn interval(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let mut random = Random(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| values[random.below(values.len())]);
            drawn.sum::<f64>() / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    Some(Interval { low: means[tail], high: means[RESAMPLES - 1 - tail] })
}

/// How likely differences at least this large on average are by chance, if their signs were random: the
/// two-sided p of Fisher's randomisation test on paired values, which Smucker, Allan and Carterette (2007)
/// recommend for comparing retrieval runs. Exact for few differences.
pub fn randomisation_test(differences: &[f64]) -> f64 {
    let differences: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let observed = differences.iter().sum::<f64>().abs();
    // Sums of the same values in another order differ in their last digits.
    let extreme = |sum: f64| sum.abs() >= observed - 1e-9;
    let signed = |signs: &mut dyn FnMut(usize) -> bool| {
        let one = |(i, d): (usize, &f64)| if signs(i) { *d } else { -*d };
        differences.iter().enumerate().map(one).sum::<f64>()
    };
    if differences.len() <= EXACT as usize {
        let all = 1_u32 << differences.len();
        let count = (0..all).filter(|bits| extreme(signed(&mut |i| bits >> i & 1 == 1))).count();
        return count as f64 / f64::from(all);
    }
    let mut random = Random(SEED);
    let mut bits = 0;
    let count = (0..ASSIGNMENTS)
        .filter(|_| {
            extreme(signed(&mut |i| {
                if i % 64 == 0 {
                    bits = random.next();
                }
                bits >> (i % 64) & 1 == 1
            }))
        })
        .count();
    // The observed assignment is one of them.
    (count + 1) as f64 / (ASSIGNMENTS + 1) as f64
}

/// The smallest value that `share` (0..=1) of the values do not exceed: the nearest rank. `None` if there
/// are no values.
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n`, without `n`.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_interval_is_around_the_mean_and_narrows_with_more_cases() {
        let few: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        let many: Vec<f64> = (0..2_000).map(|i| f64::from(i % 2)).collect();
        let (few, many) = (interval(&few).unwrap(), interval(&many).unwrap());
        // The normal approximation says 0.28 to 0.72, and 0.478 to 0.522.
        assert!((0.25..0.35).contains(&few.low) && (0.65..0.75).contains(&few.high), "{few:?}");
        assert!((0.47..0.49).contains(&many.low) && (0.51..0.53).contains(&many.high), "{many:?}");
        assert_eq!(interval(&[1.0]), None);
        assert_eq!(interval(&[0.5; 9]), Some(Interval { low: 0.5, high: 0.5 }));
    }

    #[test]
    fn the_test_is_exact_for_few_and_close_for_many() {
        // Only all pluses and all minuses are equally extreme.
        assert!((randomisation_test(&[1.0; 5]) - 2.0 / 32.0).abs() < 1e-12);
        assert!((randomisation_test(&[1.0, -1.0]) - 1.0).abs() < 1e-12);
        assert!((randomisation_test(&[]) - 1.0).abs() < 1e-12);
        assert!((randomisation_test(&[0.0, 0.0]) - 1.0).abs() < 1e-12);
        // 60 of 100 signs: the binomial test says 0.057.
        let signs: Vec<f64> = (0..100).map(|i| if i < 60 { 0.1 } else { -0.1 }).collect();
        let p = randomisation_test(&signs);
        assert!((0.045..0.07).contains(&p), "{p}");
        let clear: Vec<f64> = (0..100).map(|i| if i < 80 { 0.1 } else { -0.1 }).collect();
        assert!(randomisation_test(&clear) < 0.001);
    }

    #[test]
    fn percentiles_are_values_that_were_there() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        for (share, value) in [(0.0, 1.0), (0.2, 1.0), (0.5, 3.0), (0.95, 5.0), (1.0, 5.0)] {
            assert_eq!(percentile(&values, share), Some(value));
        }
        assert_eq!(percentile(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn p_depends_on_neither_sign_nor_scale(values in prop::collection::vec(-1.0..1.0_f64, 0..40)) {
            let p = randomisation_test(&values);
            prop_assert!(p > 0.0 && p <= 1.0);
            let turned: Vec<f64> = values.iter().map(|value| -value).collect();
            prop_assert!((randomisation_test(&turned) - p).abs() < 1e-12);
            let doubled: Vec<f64> = values.iter().map(|value| value * 2.0).collect();
            prop_assert!((randomisation_test(&doubled) - p).abs() < 1e-9);
        }

        #[test]
        fn an_interval_is_within_the_values(values in prop::collection::vec(0.0..1.0_f64, 2..40)) {
            let Interval { low, high } = interval(&values).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(least - 1e-9 <= low && low <= high && high <= most + 1e-9);
        }
    }
}
