//! The table of token vectors, as it is in the model file (see `static-minilm-en-256/README.md`).

// ROW_COUNT, DIMENSIONS, SCALES_AT, MODEL_SHA256: from the header of the model file.
include!(concat!(env!("OUT_DIR"), "/table.rs"));

pub(super) static MODEL: &[u8] = include_bytes!("../static-minilm-en-256/model.safetensors");

/// The scales, and after them the rows.
const TENSORS: (&[u8], &[u8]) = MODEL.split_at(SCALES_AT).1.split_at(4 * ROW_COUNT);
/// Per token, the factor of its row: `f32`, little-endian, not aligned.
static SCALES: &[[u8; 4]] = TENSORS.0.as_chunks().0;
/// Per token, its quantised vector: `i8`.
static ROWS: &[[u8; DIMENSIONS]] = TENSORS.1.as_chunks().0;
/// Per token, the L2 norm of its row: `f32`, little-endian, not aligned.
static NORMS: &[[u8; 4]] = include_bytes!(concat!(env!("OUT_DIR"), "/norms")).as_chunks().0;

/// The quantised vector of a token: `i8`.
pub(crate) fn row(token: u32) -> &'static [u8; DIMENSIONS] {
    &ROWS[token as usize]
}

/// The factor of a token's row.
pub(crate) fn scale(token: u32) -> f32 {
    f32::from_le_bytes(SCALES[token as usize])
}

/// L2 norm of the quantised row, without its scale; 0 for a token that has no vector.
pub(crate) fn norm(token: u32) -> f32 {
    f32::from_le_bytes(NORMS[token as usize])
}
