//! Distances between two samples, and how large they get by chance.

/// One false alarm in a thousand looks, for each signal.
const CHANCE: f64 = 0.001;

/// Two-sided quantile of the standard normal distribution for [`CHANCE`].
const NORMAL: f64 = 3.290_526_731_491_926;

/// Upper bounds of the bins of the share of unknown words, without the last bound, which is 1. See
/// [`oov_rate`](crate::interaction::oov_rate()): English is in the first two bins, languages written
/// with Latin letters are in the next two, others in the last.
pub(super) const BINS: [f32; 4] = [0.05, 0.1, 0.2, 0.5];

/// Quantile of the chi-squared distribution for [`CHANCE`], with as many degrees of freedom as there are
/// [`BINS`].
const CHI_SQUARED: f64 = 18.466_826_952_903_17;

/// The index from which on a population counts as shifted: N. Siddiqi, Credit Risk Scorecards (2006), who
/// follows E. M. Lewis, An Introduction to Credit Scoring (1994).
const SHIFTED: f64 = 0.25;

/// The Kolmogorov-Smirnov statistic: the largest distance between the two empirical distribution functions,
/// from 0 to 1. N. Smirnov, Table for Estimating the Goodness of Fit of Empirical Distributions, Ann. Math.
/// Stat. 19 (1948).
pub(super) fn kolmogorov_smirnov(a: &[f32], b: &[f32]) -> f64 {
    let sorted = |sample: &[f32]| {
        let mut sorted = sample.to_vec();
        sorted.sort_by(f32::total_cmp);
        sorted
    };
    let (a, b) = (sorted(a), sorted(b));
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        // Equal values step together.
        let here = if x.total_cmp(y).is_le() { *x } else { *y };
        while a.get(i).is_some_and(|x| x.total_cmp(&here).is_le()) {
            i += 1;
        }
        while b.get(j).is_some_and(|y| y.total_cmp(&here).is_le()) {
            j += 1;
        }
        let apart = (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs();
        largest = largest.max(apart);
    }
    largest
}

/// The distance in [`kolmogorov_smirnov`] that two samples of one distribution have by [chance](CHANCE)
/// alone: `c √((n + m) / n m)` with `c = √(-ln(α/2) / 2)`, the asymptotic form (D. Knuth, The Art of
/// Computer Programming, volume 2, 3.3.1).
pub(super) fn kolmogorov_smirnov_threshold(n: usize, m: usize) -> f64 {
    let c = (-(CHANCE / 2.0).ln() / 2.0).sqrt();
    c * (1.0 / n as f64 + 1.0 / m as f64).sqrt()
}

/// How many values of a sample are in each of the [`BINS`].
fn binned(sample: &[f32]) -> [usize; BINS.len() + 1] {
    let mut counts = [0; BINS.len() + 1];
    for value in sample {
        counts[BINS.iter().position(|end| value <= end).unwrap_or(BINS.len())] += 1;
    }
    counts
}

/// The population stability index: the sum of `(q - p) ln(q / p)` over the shares of each bin, which is
/// Jeffreys' divergence. Each bin gets half an observation more, since an empty one would make the index
/// infinite.
pub(super) fn stability_index(base: &[f32], now: &[f32]) -> f64 {
    let shares = |sample: &[f32]| {
        let all = sample.len() as f64 + 0.5 * (BINS.len() + 1) as f64;
        binned(sample).map(|count| (count as f64 + 0.5) / all)
    };
    let pairs = shares(base).into_iter().zip(shares(now));
    pairs.map(|(p, q)| (q - p) * (q / p).ln()).sum()
}

/// The value of [`stability_index`] that means a shift and is not due to small samples: for two samples of
/// one population it is distributed as chi-squared times `1/n + 1/m` (B. Yurdakul, Statistical Properties
/// of Population Stability Index, Western Michigan University, 2018).
pub(super) fn stability_index_threshold(n: usize, m: usize) -> f64 {
    (CHI_SQUARED * (1.0 / n as f64 + 1.0 / m as f64)).max(SHIFTED)
}

/// Share of values that are 1.
pub(super) fn rate(sample: &[f32]) -> f64 {
    let ones = sample.iter().filter(|value| **value > 0.5).count();
    ones as f64 / sample.len().max(1) as f64
}

/// The distance of two rates of one population by [chance](CHANCE) alone. Each sample gets one more success
/// and one more failure, so that rates of 0 have a width: A. Agresti and B. Caffo, Simple and Effective
/// Confidence Intervals for Proportions, Am. Stat. 54 (2000).
pub(super) fn rates_threshold(base: &[f32], now: &[f32]) -> f64 {
    let variance = |sample: &[f32]| {
        let n = sample.len() as f64 + 2.0;
        let p = (rate(sample) * sample.len() as f64 + 1.0) / n;
        p * (1.0 - p) / n
    };
    NORMAL * (variance(base) + variance(now)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, what: &str) {
        assert!((found - expected).abs() < 5e-4, "{what}: {found}, not {expected}");
    }

    #[test]
    fn the_distance_of_kolmogorov_and_smirnov() {
        let ten = [1., 2., 3., 4., 5., 6., 7., 8., 9., 10.];
        for (a, b, expected) in [
            (&ten[..], &ten[..], 0.0),
            (&ten, &[11., 12.], 1.0),
            (&[11., 12.], &ten, 1.0),
            (&ten, &[6., 7., 8., 9., 10.], 0.5),
            // scipy.stats.ks_2samp([1, 2, 2, 3], [2, 2, 2, 5]).statistic
            (&[1., 2., 2., 3.], &[2., 2., 2., 5.], 0.25),
            // scipy.stats.ks_2samp([.1, .4, .7], [.2, .3, .5, .6, .9]).statistic
            (&[0.1, 0.4, 0.7], &[0.2, 0.3, 0.5, 0.6, 0.9], 1.0 / 3.0),
            (&[3.0; 9], &[3.0; 4], 0.0),
        ] {
            near(kolmogorov_smirnov(a, b), expected, &format!("{a:?} {b:?}"));
        }
        // c(.001) = 1.949, as in the tables.
        near(kolmogorov_smirnov_threshold(100, 100), 1.9495 * 0.02_f64.sqrt(), "100");
        near(kolmogorov_smirnov_threshold(200, 50), 1.9495 * 0.025_f64.sqrt(), "200, 50");
    }

    #[test]
    fn the_population_stability_index() {
        let sample = |counts: [usize; 5]| {
            let middles = [0.02, 0.07, 0.15, 0.3, 0.9];
            let repeated = counts.iter().zip(middles).map(|(count, middle)| vec![middle; *count]);
            repeated.collect::<Vec<_>>().concat()
        };
        let base = sample([600, 200, 100, 50, 50]);
        near(stability_index(&base, &base), 0.0, "the same");
        // By hand: (.4 - .6) ln(.4/.6) + (.4 - .2) ln(.4/.2), with large samples.
        let shifted = sample([400, 400, 100, 50, 50]);
        assert!((stability_index(&base, &shifted) - 0.2197).abs() < 2e-3);
        assert!((stability_index(&shifted, &base) - 0.2197).abs() < 2e-3, "of both sides");
        let foreign = sample([0, 0, 0, 0, 1_000]);
        assert!(stability_index(&base, &foreign) > 5.0);
        assert_eq!(binned(&[0.0, 0.05, 0.051, 0.5, 0.51, 1.0]), [2, 1, 0, 1, 2]);
        near(stability_index_threshold(1_000, 1_000), 0.25, "many");
        near(stability_index_threshold(100, 100), 0.3693, "few");
    }

    #[test]
    fn rates_are_apart_by_more_than_chance() {
        let sample = |ones: usize, all: usize| {
            (0..all).map(|at| if at < ones { 1.0 } else { 0.0 }).collect::<Vec<f32>>()
        };
        near(rate(&sample(3, 12)), 0.25, "a quarter");
        near(rate(&[]), 0.0, "none");
        for (base, now, differ) in [
            ((0, 200), (0, 200), false),
            ((10, 200), (14, 200), false),
            ((10, 200), (40, 200), true),
            ((0, 200), (3, 200), false),
            ((0, 200), (20, 200), true),
            ((5, 50), (12, 50), false),
        ] {
            let (base, now) = (sample(base.0, base.1), sample(now.0, now.1));
            let apart = (rate(&now) - rate(&base)).abs();
            let threshold = rates_threshold(&base, &now);
            assert_eq!(apart > threshold, differ, "{apart} {threshold}");
        }
        // 3.2905 √(2 × .06931 × .93069 / 202), by hand.
        near(rates_threshold(&sample(13, 200), &sample(13, 200)), 0.0832, "13 of 200");
    }
}
