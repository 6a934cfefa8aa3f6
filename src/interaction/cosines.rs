//! The cosine of each token of a question with each token of its passages, computed once however often a
//! token occurs. Integer arithmetic on the quantised rows.

use super::question::QuestionTokens;
use crate::embed::builtin::table::{DIMENSIONS, ROW_COUNT, norm, row};

/// Cosines that are processed together: as many as fit into one or two registers of the processor.
pub(super) const LANES: usize = 8;

/// Cosines of one token with [`LANES`] tokens of the question.
pub(super) type Lanes = [f32; LANES];

/// Less than any cosine.
pub(super) const NONE: Lanes = [f32::NEG_INFINITY; LANES];

/// Cosines by token of the passages.
pub(super) struct Cosines {
    /// By token id, the number of its place; 0 if no passage has the token, or it has no vector.
    places: Vec<u16>,
    /// At each place, one cosine for each token of the question; [`NONE`] at place 0.
    lanes: Vec<Lanes>,
    /// Number of [`Lanes`] at one place.
    width: usize,
}

impl Cosines {
    /// `tokens` are the tokens of the passages.
    pub(super) fn of<'a>(question: &QuestionTokens, tokens: impl Iterator<Item = &'a u16>) -> Self {
        let width = question.tokens.len().div_ceil(LANES);
        let mut places = vec![0; ROW_COUNT];
        let mut distinct = Vec::new();
        for &token in tokens {
            let place = &mut places[usize::from(token)];
            if *place == 0 && norm(token.into()) > 0.0 {
                distinct.push(u32::from(token));
                *place = distinct.len() as u16;
            }
        }
        Self { places, lanes: compare(question, &distinct, width), width }
    }

    /// The place of a token's cosines, for [`Cosines::at`].
    pub(super) fn place(&self, token: u16) -> usize {
        usize::from(self.places[usize::from(token)]) * self.width
    }

    /// The cosines in `column`, which is less than the width, of the token with this place.
    pub(super) fn at(&self, place: usize, column: usize) -> &Lanes {
        &self.lanes[place + column]
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }
}

fn compare(question: &QuestionTokens, distinct: &[u32], width: usize) -> Vec<Lanes> {
    let asked: Vec<(Wide, f32)> =
        question.tokens.iter().map(|&(token, _)| (wide(token), norm(token))).collect();
    let mut lanes = vec![NONE; (distinct.len() + 1) * width];
    for (&token, lanes) in distinct.iter().zip(lanes[width..].chunks_exact_mut(width)) {
        let (row, norm) = (wide(token), norm(token));
        for (cosine, (other, other_norm)) in lanes.as_flattened_mut().iter_mut().zip(&asked) {
            *cosine = dot(&row, other) as f32 / (norm * other_norm);
        }
    }
    lanes
}

/// A row in the form that the processor multiplies.
type Wide = [i16; DIMENSIONS];

fn wide(token: u32) -> Wide {
    row(token).map(|x| i16::from(x.cast_signed()))
}

/// The dot product of two rows, at most 2²² for [`DIMENSIONS`] values of up to 2⁷. There are 16 sums side
/// by side, since with a single sum the compiler's code is less than half as fast as the processor's vector
/// instructions allow.
fn dot(a: &Wide, b: &Wide) -> i32 {
    let mut sums = [0; 16];
    for (a, b) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += i32::from(a) * i32::from(b);
        }
    }
    sums.iter().sum()
}

const _: () = assert!(DIMENSIONS.is_multiple_of(16));
