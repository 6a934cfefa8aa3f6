//! PP-OCRv6 tiny by PaddlePaddle: the model of the OCR that is part of docent. A crate of its own, since a crate may
//! have ten megabytes, and docent has as many without it.

#![no_std]

/// ONNX: where lines of text are on a picture.
pub static DETECTOR: &[u8] = include_bytes!("det.onnx");

/// ONNX: which characters a line has.
pub static RECOGNIZER: &[u8] = include_bytes!("rec.onnx");

/// The characters that it knows, one a line.
pub static CHARACTERS: &str = include_str!("characters.txt");
