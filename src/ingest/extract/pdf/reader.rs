//! Opens a file and draws its pages one by one.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hayro_font::FontCache;
use hayro_interpret::font::FontQuery;
use hayro_interpret::hayro_cmap::load_embedded;
use hayro_interpret::hayro_syntax::object::ObjectIdentifier;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, RenderContent, interpret_page,
};

use super::annotations;
use super::blank_font::blank_font;
use super::bold_fonts::is_bold_name;
use super::device::{GlyphDevice, Stopped};
use super::glyph::PageDrawing;
use super::labels;
use super::outline::{self, OutlineEntry};
use super::processor_time::Deadline;
use super::strings::text_string;
use super::structure::Texts;

/// Most bytes of page contents that are held in memory before the file is opened again.
pub(super) const MAX_HELD: usize = 64 << 20;

/// Why a file was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OpenError {
    Locked,
    Damaged,
}

/// Opens a file with the empty password, which most encrypted files have, else with the first of `passwords`
/// that fits.
pub(super) fn open(bytes: &Arc<Vec<u8>>, passwords: &[String]) -> Result<Pdf, OpenError> {
    let mut error = OpenError::Damaged;
    for password in std::iter::once("").chain(passwords.iter().map(String::as_str)) {
        let open = || Pdf::new_with_password(Arc::clone(bytes), password);
        match catch_unwind(AssertUnwindSafe(open)) {
            Ok(Ok(pdf)) => return Ok(pdf),
            Ok(Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected))) => {
                error = OpenError::Locked;
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(error)
}

/// What is known about a file besides its pages.
#[derive(Debug)]
pub(super) struct PdfFile {
    pub(super) pages: usize,
    pub(super) title: Option<String>,
    pub(super) outline: Vec<OutlineEntry>,
    /// The label of each page, if it differs from its number.
    pub(super) labels: Vec<Option<String>>,
}

impl PdfFile {
    fn of(pdf: &Pdf) -> Self {
        let outline = catch_unwind(AssertUnwindSafe(|| outline::entries(pdf)));
        let labels = catch_unwind(AssertUnwindSafe(|| labels::labels(pdf)));
        Self {
            pages: pdf.pages().len(),
            title: pdf.metadata().title.as_deref().map(text_string),
            outline: outline.unwrap_or_default(),
            labels: labels.unwrap_or_default(),
        }
    }
}

/// Draws the pages in order and passes each to `take`, until `take` returns false.
pub(super) fn draw_pages(
    bytes: &Arc<Vec<u8>>,
    passwords: &[String],
    deadline: Deadline,
    mut take: impl FnMut(PageDrawing) -> bool,
) -> Result<PdfFile, OpenError> {
    let mut next = 0;
    loop {
        let pdf = open(bytes, passwords)?;
        let cache = InterpreterCache::new();
        let (fonts, settings) = (FontCache::new(), settings());
        let structure = OnceCell::new();
        let mut held = 0;
        while let Some(page) = pdf.pages().get(next).filter(|_| held <= MAX_HELD) {
            let draw = |texts| draw(&pdf, page, &cache, (&fonts, &settings), texts, deadline);
            let mut drawn = draw(None);
            if drawn.says_nothing()
                && let Some(page) = page.raw().obj_id()
            {
                let texts = structure.get_or_init(|| Texts::of(&pdf));
                if !texts.is_empty() {
                    drawn = draw(Some((texts, page)));
                }
            }
            if !take(drawn) {
                return Ok(PdfFile::of(&pdf));
            }
            held += page.page_stream().map_or(0, <[u8]>::len);
            next += 1;
        }
        if next >= pdf.pages().len() {
            return Ok(PdfFile::of(&pdf));
        }
    }
}

fn draw<'a>(
    pdf: &'a Pdf,
    page: &Page<'a>,
    cache: &InterpreterCache<'a>,
    fonts: (&FontCache<'a>, &InterpreterSettings),
    structure: Option<(&Texts, ObjectIdentifier)>,
    deadline: Deadline,
) -> PageDrawing {
    let (width, height) = page.render_dimensions();
    let mut device = GlyphDevice::new((width, height), page.resources(), fonts, deadline);
    device.structure = structure;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let area = Rect::new(0.0, 0.0, width.into(), height.into());
        let to_page = Affine::new(page.initial_transform(true).as_coeffs());
        let mut context = Context::new(to_page, area, cache, pdf.xref(), fonts.1.clone());
        interpret_page(page, &mut context, &mut device);
        device.drawn.notes = annotations::texts(page.raw());
    }));
    device.drawn.broken = outcome.is_err_and(|panic| !panic.is::<Stopped>());
    device.drawn
}

fn is_bold(query: &FontQuery) -> bool {
    match query {
        FontQuery::Standard(font) => is_bold_name(font.postscript_name()),
        FontQuery::Fallback(font) => font.is_bold,
    }
}

pub(super) fn settings() -> InterpreterSettings {
    InterpreterSettings {
        font_resolver: Arc::new(|query| Some((blank_font(is_bold(query)), 0))),
        cmap_resolver: Arc::new(load_embedded),
        warning_sink: Arc::new(|_| {}),
        render_content: RenderContent::all(),
    }
}
