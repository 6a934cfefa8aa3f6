//! OCR in this process: one model finds lines of text, another reads them (PP-OCR).
//!
//! `detect` finds the lines of a page, `recognize` reads each, `order` puts them into reading order; `raster`
//! has the operations on pixels. Each page takes one core.

mod detect;
mod order;
mod paragraphs;
mod raster;
mod recognize;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use async_trait::async_trait;
#[cfg(feature = "onnx")]
use docent_pp_ocrv6_tiny::{CHARACTERS, DETECTOR, RECOGNIZER};
use tokio::sync::Semaphore;

use self::detect::{Region, regions};
use self::order::{RegionRow, columns};
use self::recognize::{LineWord, words};
use super::{GrayImage, OcrLine, OcrModel, OcrUsage, OcrWord, PixelBox};
use crate::error::{BackendError, ExternalService, Fault};
use crate::onnx::{FloatGraph, OnnxError};

/// The model is left out where nothing could run it.
#[cfg(not(feature = "onnx"))]
const DETECTOR: &[u8] = &[];
#[cfg(not(feature = "onnx"))]
const RECOGNIZER: &[u8] = &[];
#[cfg(not(feature = "onnx"))]
const CHARACTERS: &str = "";

/// Name of the model that is part of the program.
const BUNDLED: &str = "pp-ocrv6-tiny";

/// A line with less confidence than this is not text: lines of a drawing, dust, handwriting.
const SURE_ENOUGH: f32 = 0.5;

/// One or two characters alone are specks more often than text, so more confidence is required.
const FEW: usize = 2;
const SURE_OF_FEW: f32 = 0.8;

/// A page whose longest lines have less confidence than this may be upside down.
const DUBIOUS: f32 = 0.8;

/// Number of lines that are tried to find which side of a page is up.
const TRIED: usize = 6;

/// Reads pages in this process.
pub struct LocalOcr {
    id: String,
    files: Files,
    /// Loaded with the first page.
    models: Arc<OnceLock<Result<Models, String>>>,
    /// A permit for each core.
    free: Arc<Semaphore>,
}

#[derive(Clone)]
enum Files {
    Bundled,
    Directory { detector: PathBuf, recognizer: PathBuf, characters: Option<PathBuf> },
}

struct Models {
    detector: FloatGraph,
    recognizer: FloatGraph,
    characters: Vec<String>,
}

impl LocalOcr {
    /// Opens the model in a directory (`det*.onnx`, `rec*.onnx`, and a `*.txt` with one character per line
    /// unless the recognizer contains them), or the one that is part of the program.
    ///
    /// # Errors
    /// The directory lacks one of the two files. Their content is checked with the first page.
    pub fn open(dir: Option<&Path>) -> Result<Self, OnnxError> {
        let models = Arc::default();
        let free = Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from)));
        let Some(dir) = dir else {
            return Ok(Self { id: BUNDLED.to_owned(), files: Files::Bundled, models, free });
        };
        let error = |problem: String| OnnxError {
            path: dir.to_owned(),
            problem,
            hint: "ocr.model is a directory with a PP-OCR model: det*.onnx finds lines, rec*.onnx reads them",
        };
        let entries = fs::read_dir(dir).map_err(|e| error(format!("cannot be read: {e}")))?;
        let mut names: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        names.sort();
        let find = |part: &str, extension: &str| {
            let is = |path: &&PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                name.contains(part) && path.extension().is_some_and(|it| it == extension)
            };
            names.iter().find(is).cloned()
        };
        let missing = |part: &str| error(format!("has no file {part}*.onnx"));
        let files = Files::Directory {
            detector: find("det", "onnx").ok_or_else(|| missing("det"))?,
            recognizer: find("rec", "onnx").ok_or_else(|| missing("rec"))?,
            characters: find("", "txt"),
        };
        let name = dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { id: name, files, models, free })
    }
}

#[async_trait]
impl OcrModel for LocalOcr {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn read(&self, page: GrayImage, _: &OcrUsage) -> Result<Vec<OcrLine>, BackendError> {
        let error = |problem: &str| {
            BackendError::new(ExternalService::Ocr, Fault::Permanent, &self.id, problem)
        };
        if page.pixels.len() as u64 != u64::from(page.width) * u64::from(page.height) {
            return Err(error("the number of pixels does not match the size of the picture"));
        }
        // A page takes a core and about 200 MB.
        let free = Arc::clone(&self.free).acquire_owned().await;
        let free = free.map_err(|closed| error(&closed.to_string()))?;
        let (models, files) = (Arc::clone(&self.models), self.files.clone());
        let work = move || {
            // Released when the page is read, even if nobody waits for it any longer.
            let _free = free;
            let loaded = models.get_or_init(|| Models::load(&files).map_err(|e| e.to_string()));
            loaded.as_ref().map_err(String::clone)?.read(page)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(read) => read.map_err(|problem| error(&problem)),
            Err(ended) => Err(error(&format!("reading a page ended early: {ended}"))),
        }
    }
}

impl Models {
    fn load(files: &Files) -> Result<Self, OnnxError> {
        match files {
            Files::Bundled => Ok(Self {
                detector: FloatGraph::bundled("det.onnx", DETECTOR)?,
                recognizer: FloatGraph::bundled("rec.onnx", RECOGNIZER)?,
                characters: lines(CHARACTERS),
            }),
            Files::Directory { detector, recognizer, characters } => {
                let detector = FloatGraph::open(detector)?;
                let graph = FloatGraph::open(recognizer)?;
                let error = |path: &Path, problem: String| OnnxError {
                    path: path.to_owned(),
                    problem,
                    hint: "put a *.txt beside it with a character on each line",
                };
                let characters = match (characters, graph.metadata("character")) {
                    (Some(path), _) => {
                        fs::read_to_string(path).map_err(|e| error(path, e.to_string()))?
                    }
                    (None, Some(known)) => known.to_owned(),
                    (None, None) => {
                        return Err(error(recognizer, "has no list of characters".to_owned()));
                    }
                };
                Ok(Self { detector, recognizer: graph, characters: lines(&characters) })
            }
        }
    }

    fn read(&self, mut page: GrayImage) -> Result<Vec<OcrLine>, String> {
        if page.width == 0 || page.height == 0 {
            return Ok(Vec::new());
        }
        let original = (page.width, page.height);
        let mut found = regions(&self.detector, &page)?;
        let mut quarters = 0;
        if found.iter().filter(|region| region.is_upright()).count() * 2 > found.len() {
            // Its lines run up or down; which of the two is found out below.
            quarters = 3;
            page = page.turned(quarters);
            found = regions(&self.detector, &page)?;
        }
        let mut read = self.lines(&page, &found)?;
        if self.is_upside_down(&page, &found, &read)? {
            quarters = (quarters + 2) % 4;
            page = page.turned(2);
            found = regions(&self.detector, &page)?;
            read = self.lines(&page, &found)?;
        }
        read.iter_mut().filter(|words| !is_sure(words)).for_each(Vec::clear);
        let back = |area: PixelBox| turned_back(area, original, quarters);
        Ok(in_order(&found, &read)
            .into_iter()
            .map(|line| OcrLine {
                words: line
                    .words
                    .into_iter()
                    .map(|word| OcrWord { area: word.area.map(back), ..word })
                    .collect(),
                ..line
            })
            .collect())
    }

    /// The words in each region.
    fn lines(&self, page: &GrayImage, found: &[Region]) -> Result<Vec<Vec<LineWord>>, String> {
        found.iter().map(|region| self.line(page, region)).collect()
    }

    fn line(&self, page: &GrayImage, region: &Region) -> Result<Vec<LineWord>, String> {
        words(&self.recognizer, &self.characters, page, region)
    }

    /// Decides by the longest lines: if the page is upside down, they are read with more confidence from the
    /// other side. Short lines may be numbers, which look like numbers from both sides.
    fn is_upside_down(
        &self,
        page: &GrayImage,
        found: &[Region],
        read: &[Vec<LineWord>],
    ) -> Result<bool, String> {
        let mut longest: Vec<(&Region, &Vec<LineWord>)> = found.iter().zip(read).collect();
        longest.retain(|(region, _)| region.half_width > region.half_height * 2.0);
        longest.sort_by(|(a, _), (b, _)| b.half_width.total_cmp(&a.half_width));
        longest.truncate(TRIED);
        let mean = |sum: f32| sum / longest.len().max(1) as f32;
        let upright = mean(longest.iter().map(|(_, words)| sureness(words)).sum());
        if longest.is_empty() || upright >= DUBIOUS {
            return Ok(false);
        }
        let mut sum = 0.0;
        for (region, _) in &longest {
            let (ux, uy) = region.along;
            sum += sureness(&self.line(page, &Region { along: (-ux, -uy), ..**region })?);
        }
        Ok(mean(sum) > upright + 0.1)
    }
}

/// Whether the line is text at all.
fn is_sure(words: &[LineWord]) -> bool {
    let length: usize = words.iter().map(|word| word.text.chars().count()).sum();
    sureness(words) >= if length <= FEW { SURE_OF_FEW } else { SURE_ENOUGH }
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end_matches(['\n', '\r'])
        .split('\n')
        .map(|line| line.trim_end_matches('\r').to_owned())
        .collect()
}

/// Confidence in the words of a line, weighted by their length.
fn sureness(words: &[LineWord]) -> f32 {
    let length = |word: &LineWord| word.text.chars().count() as f32;
    let all: f32 = words.iter().map(length).sum();
    words.iter().map(|word| word.mean * length(word)).sum::<f32>() / all.max(1.0)
}

/// Lines of text in reading order.
fn in_order(found: &[Region], read: &[Vec<LineWord>]) -> Vec<OcrLine> {
    // Empty regions are left out, so that dust between two rows does not split a paragraph.
    let legible: Vec<usize> = (0..found.len()).filter(|at| !read[*at].is_empty()).collect();
    let regions: Vec<Region> = legible.iter().map(|at| found[*at]).collect();
    let columns = columns(&regions);
    let usual = paragraphs::usual(&columns);
    let line = |(row, begins_paragraph): (&RegionRow, bool)| {
        let words = row.iter().flat_map(|placed| {
            let region = &regions[placed.index];
            read[legible[placed.index]].iter().map(move |word| placed_word(region, word))
        });
        OcrLine { words: words.collect(), begins_paragraph }
    };
    let lines = columns.iter().flat_map(|rows| rows.iter().zip(paragraphs::begins(rows, usual)));
    lines.map(line).collect()
}

fn placed_word(region: &Region, word: &LineWord) -> OcrWord {
    let along = |share: f32| share * 2.0 - 1.0;
    let corners = [(word.from, -1.0), (word.to, -1.0), (word.from, 1.0), (word.to, 1.0)];
    let corners = corners.map(|(share, across)| region.point(along(share), across));
    let pixel = |value: f32| value.max(0.0).round() as u32;
    let (mut left, mut top, mut right, mut bottom) = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
    for (x, y) in corners {
        (left, right) = (left.min(x), right.max(x));
        (top, bottom) = (top.min(y), bottom.max(y));
    }
    let area =
        PixelBox { left: pixel(left), top: pixel(top), right: pixel(right), bottom: pixel(bottom) };
    OcrWord { text: word.text.clone(), confidence: Some(word.confidence), area: Some(area) }
}

/// Where an area of a page that was turned clockwise is on the original page, which has this size.
fn turned_back(area: PixelBox, (width, height): (u32, u32), quarters: u8) -> PixelBox {
    let PixelBox { left, top, right, bottom } = area;
    let (from_right, from_bottom) =
        (|x: u32| width.saturating_sub(x), |y: u32| height.saturating_sub(y));
    match quarters % 4 {
        0 => area,
        1 => PixelBox {
            left: top,
            top: from_bottom(right),
            right: bottom,
            bottom: from_bottom(left),
        },
        2 => PixelBox {
            left: from_right(right),
            top: from_bottom(bottom),
            right: from_right(left),
            bottom: from_bottom(top),
        },
        _ => {
            PixelBox { left: from_right(bottom), top: left, right: from_right(top), bottom: right }
        }
    }
}

#[cfg(test)]
mod tests;
