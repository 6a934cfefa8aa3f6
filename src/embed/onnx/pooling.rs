//! Combines the vectors of a text's tokens into one.

use crate::onnx::layout::Pooling;

/// `values` are the vectors of the tokens one after the other, each `width` long, without padding. The
/// results of several poolings are concatenated, as in sentence-transformers.
pub(super) fn pool(poolings: &[Pooling], values: &[f32], width: usize) -> Vec<f32> {
    poolings.iter().flat_map(|pooling| pool_one(*pooling, values, width)).collect()
}

fn pool_one(pooling: Pooling, values: &[f32], width: usize) -> Vec<f32> {
    let tokens = || values.chunks_exact(width);
    let count = tokens().len();
    let mean_of = |weights: &dyn Fn(usize) -> f32, divisor: f32| {
        let mut sum = vec![0.0; width];
        for (place, token) in tokens().enumerate() {
            let weight = weights(place);
            sum.iter_mut().zip(token).for_each(|(sum, value)| *sum += weight * value);
        }
        for sum in &mut sum {
            *sum /= divisor;
        }
        sum
    };
    match pooling {
        Pooling::Cls => tokens().next().unwrap_or_default().to_vec(),
        Pooling::LastToken => tokens().next_back().unwrap_or_default().to_vec(),
        Pooling::Max => {
            let mut most = vec![f32::NEG_INFINITY; width];
            for token in tokens() {
                most.iter_mut().zip(token).for_each(|(most, value)| *most = most.max(*value));
            }
            most
        }
        Pooling::Mean => mean_of(&|_| 1.0, count as f32),
        Pooling::MeanSqrtLength => mean_of(&|_| 1.0, (count as f32).sqrt()),
        Pooling::WeightedMean => {
            mean_of(&|place| (place + 1) as f32, (count * (count + 1)) as f32 / 2.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_one_vector() {
        let values = [1.0, 8.0, 3.0, -2.0, 2.0, 0.0, 6.0, 6.0];
        for (pooling, expected) in [
            (Pooling::Cls, [1.0, 8.0]),
            (Pooling::LastToken, [6.0, 6.0]),
            (Pooling::Max, [6.0, 8.0]),
            (Pooling::Mean, [3.0, 3.0]),
            (Pooling::MeanSqrtLength, [6.0, 6.0]),
            (Pooling::WeightedMean, [3.7, 2.8]),
        ] {
            let pooled = pool(&[pooling], &values, 2);
            let near = pooled.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6);
            assert!(near && pooled.len() == 2, "{pooling:?}: {pooled:?}");
        }
        let both = pool(&[Pooling::Cls, Pooling::Mean], &values, 2);
        assert_eq!(both, [1.0, 8.0, 3.0, 3.0]);
    }
}
