//! A page → its picture, for OCR: the pictures that it draws in their places, with everything else that can be
//! seen.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use hayro_interpret::font::GlyphRun;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, BezPath, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, SoftMask, interpret_page,
};

use super::super::worker::panic_message;
use super::canvas::{Canvas, WHITE};
use super::decode::{Reason, UnreadPicture};
use super::device::Stopped;
use super::painter::Painter;
use super::processor_time::Deadline;
use super::reader::{MAX_HELD, OpenError, open, settings};
use super::{PICTURES, bombs};
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::ocr::WantedPage;
use crate::ocr::GrayImage;

const POINTS_PER_INCH: f64 = 72.0;

/// Lowest resolution; letters of a book are then 15 pixels high.
const MIN_DPI: f64 = 100.0;

/// Highest resolution; more shows the grain of the paper, and takes time.
const MAX_DPI: f64 = 300.0;

/// Resolution for what has no pixels of its own: letters that are shapes.
const SHAPES_DPI: f64 = 200.0;

/// A picture that covers no more than this share of a page cannot stand for the page.
const SMALL: f32 = 0.02;

/// Most pixels of the whole picture.
const MAX_PIXELS: f64 = 25e6;

/// Most pixels along one side.
const MAX_SIDE: f64 = 30_000.0;

/// A page as it is viewed.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::ingest::extract) struct PageView {
    pub(in crate::ingest::extract) picture: GrayImage,
    pub(in crate::ingest::extract) pixels_per_point: f32,
    /// Width and height in points.
    pub(in crate::ingest::extract) width: f32,
    pub(in crate::ingest::extract) height: f32,
    /// Whether something is missing: the interpreter panicked, or a small picture could not be decoded.
    pub(in crate::ingest::extract) is_partial: bool,
}

/// Passes the picture of each page to `take`, until `take` returns false. The file is opened once, and again
/// when it holds too much memory.
///
/// `passwords` are as for the text; `limit` is processor time for each page.
pub(in crate::ingest::extract) fn page_pictures(
    mut bytes: Vec<u8>,
    passwords: &[String],
    pages: &[WantedPage],
    limit: Duration,
    mut take: impl FnMut(Result<PageView, ExtractError>) -> bool,
) {
    // Opening the file counts towards the first page.
    let mut deadline = Deadline::after(limit);
    bombs::defuse(&mut bytes);
    let bytes = Arc::new(bytes);
    let mut pages = pages.iter().copied().peekable();
    while pages.peek().is_some() {
        let pdf = match open(&bytes, passwords) {
            Ok(pdf) => pdf,
            Err(error) => {
                let error = match error {
                    OpenError::Locked => ExtractError::encrypted(),
                    OpenError::Damaged => ExtractError::damaged(&"not a PDF that can be opened"),
                };
                let _ = pages.all(|_| take(Err(error.clone())));
                return;
            }
        };
        let mut held = 0;
        while held <= MAX_HELD
            && let Some(WantedPage { page, pictures_only }) = pages.next()
        {
            let drawn = catch_unwind(AssertUnwindSafe(|| {
                let found = numbered(&pdf, page)?;
                held += found.page_stream().map_or(0, <[u8]>::len);
                picture(&pdf, found, pictures_only, deadline)
                    .map_err(|error| error.of_page(page, limit))
            }));
            let panicked =
                |panic: Box<dyn Any + Send>| Err(ExtractError::new(&panic_message(&*panic)));
            if !take(drawn.unwrap_or_else(panicked)) {
                return;
            }
            deadline = Deadline::after(limit);
        }
    }
}

fn numbered(pdf: &Pdf, page: u32) -> Result<&Page<'_>, ExtractError> {
    let pages = pdf.pages();
    let index = (page as usize).checked_sub(1);
    index
        .and_then(|index| pages.get(index))
        .ok_or_else(|| ExtractError::new(&format!("no page {page}: the file has {}", pages.len())))
}

/// Why a page has no picture.
enum Failure {
    Stopped,
    Unread(Reason),
}

impl Failure {
    fn of_page(self, page: u32, limit: Duration) -> ExtractError {
        match self {
            Self::Stopped => ExtractError::new(&format!(
                "took longer than {} s of processor time (raise ingest.extract_timeout)",
                limit.as_secs_f64()
            )),
            Self::Unread(Reason::Damaged) => {
                ExtractError::damaged(&format!("the picture of page {page} cannot be decoded"))
            }
            Self::Unread(Reason::TooLarge(megapixels)) => ExtractError::new(&format!(
                "too large: page {page} is a picture of {megapixels} megapixels"
            )),
        }
    }
}

fn picture<'a>(
    pdf: &'a Pdf,
    page: &Page<'a>,
    pictures_only: bool,
    deadline: Deadline,
) -> Result<PageView, Failure> {
    let cache = InterpreterCache::new();
    let (width, height) = page.render_dimensions();
    let size = (f64::from(width), f64::from(height));
    let mut survey = Survey { page: size, pictures: Vec::new(), deadline, calls: 0 };
    let mut is_partial = draw(pdf, page, &cache, 1.0, &mut survey)?;
    let scale = scale(&survey.pictures, size);
    let pixels = |points: f64| (points * scale).round().clamp(1.0, MAX_SIDE) as u32;
    let canvas = Canvas::new(pixels(size.0), pixels(size.1), WHITE);
    let mut painter = Painter::new(canvas, deadline);
    painter.leaves_letters_out = pictures_only;
    is_partial |= draw(pdf, page, &cache, scale, &mut painter)?;
    let Painter { canvas, unread, .. } = painter;
    is_partial |= !unread.is_empty();
    // If the picture that covers the page is missing, the page would be taken for a blank one.
    let largest = unread.into_iter().max_by(|one, other| one.share.total_cmp(&other.share));
    let covered: f64 = survey.pictures.iter().map(|picture| picture.area).sum();
    let covered = (covered / (size.0 * size.1).max(1.0)) as f32;
    let is_page = |unread: &UnreadPicture| {
        let most = unread.share > SMALL && unread.share * 2.0 > covered;
        unread.share > PICTURES || most
    };
    if let Some(UnreadPicture { reason, .. }) = largest.filter(is_page) {
        return Err(Failure::Unread(reason));
    }
    let pixels_per_point = scale as f32;
    Ok(PageView { picture: canvas.image, pixels_per_point, width, height, is_partial })
}

/// Draws a page as it is viewed. If the interpreter panics, the rest is missing, and the result says so.
fn draw<'a>(
    pdf: &'a Pdf,
    page: &Page<'a>,
    cache: &InterpreterCache<'a>,
    scale: f64,
    device: &mut impl Device<'a>,
) -> Result<bool, Failure> {
    let (width, height) = page.render_dimensions();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let area = Rect::new(0.0, 0.0, f64::from(width) * scale, f64::from(height) * scale);
        let to_page = Affine::new(page.initial_transform(true).as_coeffs());
        let to_pixels = Affine::scale(scale) * to_page;
        let mut context = Context::new(to_pixels, area, cache, pdf.xref(), settings());
        interpret_page(page, &mut context, device);
    }));
    match outcome {
        Ok(()) => Ok(false),
        Err(panic) if panic.is::<Stopped>() => Err(Failure::Stopped),
        Err(_) => Ok(true),
    }
}

/// A picture on a page measured in points.
#[derive(Clone, Copy, Debug)]
struct Placed {
    /// The area of the page that it covers, in square points.
    area: f64,
    pixels_per_point: f64,
}

/// Pixels per point: those of the picture that covers most of the page, within limits.
fn scale(pictures: &[Placed], page: (f64, f64)) -> f64 {
    let dpi = |dpi: f64| dpi / POINTS_PER_INCH;
    let page_area = (page.0 * page.1).max(1.0);
    let most = pictures.iter().map(|picture| picture.area).fold(0.0, f64::max);
    // The picture of the paper may be coarse, with a fine one of the letters above it.
    let large = pictures.iter().filter(|picture| picture.area * 2.0 >= most);
    let mut scale = large.map(|picture| picture.pixels_per_point).fold(0.0, f64::max);
    let covered: f64 = pictures.iter().map(|picture| picture.area).sum();
    if covered / page_area <= f64::from(PICTURES) {
        scale = scale.max(dpi(SHAPES_DPI));
    }
    let fits = (MAX_PIXELS / page_area).sqrt().min(MAX_SIDE / page.0.max(page.1).max(1.0));
    scale.clamp(dpi(MIN_DPI), dpi(MAX_DPI)).min(fits)
}

/// Finds the places of pictures, without decoding them.
struct Survey {
    page: (f64, f64),
    pictures: Vec<Placed>,
    deadline: Deadline,
    calls: u32,
}

impl Survey {
    fn tick(&mut self) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(64) && self.deadline.is_over() {
            resume_unwind(Box::new(Stopped));
        }
    }
}

impl<'a> Device<'a> for Survey {
    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.tick();
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let [a, b, c, d, ..] = props.transform.as_coeffs();
        let place = props.transform.transform_rect_bbox(Rect::new(0.0, 0.0, width, height));
        let page = Rect::new(0.0, 0.0, self.page.0, self.page.1);
        let area = place.intersect(page).area();
        // Fax pictures have a higher resolution across than down.
        let pixels_per_point = 1.0 / a.hypot(b).min(c.hypot(d));
        if area > 0.0 && pixels_per_point.is_finite() {
            self.pictures.push(Placed { area, pixels_per_point });
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn draw_glyph_run(&mut self, _: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.tick();
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
