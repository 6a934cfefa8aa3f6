//! The device that the interpreter draws text on: it records the glyphs, and ends a page that takes too much.
//! Only this file, `placed`, `reader`, `reloaded`, `structure`, `heavy`, `double_byte`, `blank_font` and `cjk`
//! know the interpreter.

use std::panic::resume_unwind;

use encoding_rs::Encoding;
use hayro_font::FontCache;
use hayro_interpret::font::{Glyph as Shape, GlyphRun, OutlineGlyph, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::{Dict, ObjectIdentifier, String as PdfString};
use hayro_interpret::hayro_syntax::page::Resources;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape as _, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterSettings,
    SoftMask,
};

use super::blank_font::is_blank;
use super::bold_fonts::{self, is_bold_name};
use super::charmap::{self, Charmaps};
use super::cjk::CjkFonts;
use super::core_fonts;
use super::double_byte;
use super::font_matching::Reloaded;
use super::glyph::{FontLook, Glyph, Letters, PageDrawing, PagePoint};
use super::placed;
use super::processor_time::Deadline;
use super::replacement::Replacement;
use super::strings::text_string;
use super::structure::Texts;

/// Most glyphs of a page; the densest newspaper has some 60,000.
const MAX_GLYPHS: usize = 400_000;

/// The clock is read once in this many calls, since reading it is a system call.
const CALLS_PER_LOOK: u32 = 64;

/// A path with more elements is a drawing, and not a border of a table.
const MAX_RULES: usize = 1_000;

/// Units of the interpreter per height of a font.
const EM: f64 = 1000.0;

/// The payload that unwinds the interpreter, which cannot be stopped otherwise. It is not a panic: no hook
/// runs.
pub(super) struct Stopped;

pub(super) struct GlyphDevice<'p, 'a> {
    pub(super) drawn: PageDrawing,
    resources: &'p Resources<'a>,
    /// Used to load fonts of the page a second time.
    fonts: (&'p FontCache<'a>, &'p InterpreterSettings),
    /// Loaded at the first glyph without a known weight.
    heavy: Option<Reloaded<'a, ()>>,
    /// Loaded at the first code that is not ASCII.
    double_byte: Option<Reloaded<'a, &'static Encoding>>,
    deadline: Deadline,
    calls: u32,
    /// The text that the structure of the file gives for this page; set if its letters say nothing.
    pub(super) structure: Option<(&'p Texts, ObjectIdentifier)>,
    /// Open marked content, with the text that replaces its glyphs if it has one.
    marks: Vec<Option<Replacement>>,
    /// Loaded at the first glyph without letters.
    cjk: Option<CjkFonts>,
    charmaps: Charmaps,
    /// How often a code was the ASCII code of its letter, and how often it was not.
    plain_codes: (u32, u32),
    /// The codes of this run so far: a run has one font, and looking up letters takes long.
    run: Vec<Known>,
    /// The place of the run that was filled last: text that is both filled and outlined comes twice.
    filled: Option<(Affine, usize)>,
}

/// What a code means in a run.
struct Known {
    code: u32,
    letters: Letters,
    width: f32,
    /// Whether it is the ASCII code of its letter, if that is known.
    is_plain: Option<bool>,
}

/// Most codes of a run that are kept, since they are searched one by one.
const MAX_KNOWN: usize = 48;

impl<'p, 'a> GlyphDevice<'p, 'a> {
    pub(super) fn new(
        size: (f32, f32),
        resources: &'p Resources<'a>,
        fonts: (&'p FontCache<'a>, &'p InterpreterSettings),
        deadline: Deadline,
    ) -> Self {
        let drawn = PageDrawing { width: size.0, height: size.1, ..PageDrawing::default() };
        Self {
            drawn,
            resources,
            fonts,
            heavy: None,
            double_byte: None,
            deadline,
            calls: 0,
            structure: None,
            marks: Vec::new(),
            cjk: None,
            charmaps: Charmaps::default(),
            plain_codes: (0, 0),
            run: Vec::new(),
            filled: None,
        }
    }

    /// Every call comes through here: even forms that draw nothing set a clip path.
    fn tick(&mut self) {
        self.calls = self.calls.wrapping_add(1);
        let too_many = self.drawn.glyphs.len() > MAX_GLYPHS;
        if too_many || (self.calls.is_multiple_of(CALLS_PER_LOOK) && self.deadline.is_over()) {
            self.drawn.stopped = true;
            resume_unwind(Box::new(Stopped));
        }
    }

    fn take(
        &mut self,
        glyph: &PositionedGlyph<'a>,
        page: Affine,
        vertical: bool,
        font: u16,
        visible: bool,
    ) {
        let to_page = page * glyph.transform();
        let direction = if vertical { Vec2::new(0.0, -EM) } else { Vec2::new(EM, 0.0) };
        let below = if vertical { Vec2::new(-EM, 0.0) } else { Vec2::new(0.0, -EM) };
        // The origin of an upright glyph is at its left; vertical text is aligned by the middle.
        let origin = if vertical { Point::new(EM / 2.0, EM * 0.88) } else { Point::ORIGIN };
        let at = to_page * origin;
        let right = (to_page * (origin + direction)) - at;
        let down = (to_page * (origin + below)) - at;
        let (along, across) = (right.hypot(), (right.cross(down) / right.hypot()).abs());
        if !along.is_finite() || !across.is_finite() || along == 0.0 || across == 0.0 {
            return;
        }
        let (letters, width) = self.read(glyph);
        let width =
            if vertical && matches!(**glyph, Shape::Outline(_)) { EM as f32 } else { width };
        let right = right / along;
        // At a right angle to `right`, on the side of the font's feet.
        let side = if right.cross(down) >= 0.0 { 1.0 } else { -1.0 };
        let glyph = Glyph {
            letters,
            at: vector(at.to_vec2()),
            advance: (along * f64::from(width) / EM) as f32,
            right: vector(right),
            down: vector(Vec2::new(-right.y, right.x) * side),
            size: across as f32,
            font,
            visible,
        };
        self.add(glyph);
    }

    /// Adds a glyph, as the text of the innermost marked content with a replacement.
    fn add(&mut self, mut glyph: Glyph) {
        let index = self.drawn.glyphs.len();
        if let Some(replacement) = self.marks.iter_mut().rev().flatten().next() {
            glyph.letters = replacement.take(index, glyph.letters);
        }
        self.drawn.glyphs.push(glyph);
    }

    /// The letters and the width of a glyph.
    fn read(&mut self, glyph: &Shape<'_>) -> (Letters, f32) {
        let code = glyph.char_code();
        let place = self.run.iter().position(|known| known.code == code);
        if place.is_none() {
            let letters = glyph.as_unicode();
            let ascii = char::from_u32(code).filter(char::is_ascii_graphic);
            let is_plain =
                letters.as_ref().and_then(|letters| Some(*letters == BfString::Char(ascii?)));
            let letters = letters.map_or_else(|| self.letters(glyph, ascii), known);
            let width = match glyph {
                Shape::Outline(outline) => outline.advance_width(),
                Shape::Type3(glyph) => glyph.advance_width(),
            };
            self.run.truncate(MAX_KNOWN);
            self.run.push(Known { code, letters, width: width.unwrap_or(0.0), is_plain });
        }
        let last = self.run.len() - 1;
        let known = &self.run[place.unwrap_or(last)];
        if let Some(is_plain) = known.is_plain {
            let (same, others) = &mut self.plain_codes;
            *if is_plain { same } else { others } += 1;
        }
        (known.letters.clone(), known.width)
    }

    /// The letters of a glyph that is not in the tables of its font.
    fn letters(&mut self, glyph: &Shape<'_>, ascii: Option<char>) -> Letters {
        match glyph {
            Shape::Outline(outline) => match self.looked_up(outline) {
                Some(letters) => known(letters),
                // A glyph without ink is a blank.
                None if outline.outline().elements().is_empty() => Letters::One(' '),
                None => {
                    let (same, others) = self.plain_codes;
                    let ascii = ascii.filter(|_| same > 20 && same > 4 * others);
                    ascii.map_or(Letters::Unknown, Letters::One)
                }
            },
            // Old TeX and some printers: bitmap fonts, whose codes are those of the letters.
            Shape::Type3(glyph) => match char::from_u32(glyph.char_code()) {
                Some(letter @ (' '..='~' | '\u{C0}'..='\u{FF}')) => Letters::One(letter),
                _ => Letters::Unknown,
            },
        }
    }

    /// The letters of a glyph by other means, if the font's table for this has none.
    fn looked_up(&mut self, outline: &OutlineGlyph) -> Option<BfString> {
        let cjk = self.cjk.get_or_insert_with(|| CjkFonts::of(self.resources));
        let name = (!cjk.is_empty()).then(|| outline.font_data()?.postscript_name).flatten();
        let letters = name.and_then(|name| cjk.letters(&name, outline.char_code()));
        let letters = letters.or_else(|| self.charmaps.letter(outline).map(BfString::Char));
        letters.or_else(|| {
            let glyph = outline.glyph_id().to_u32();
            let font = outline.font_data().filter(|_| glyph == outline.char_code())?;
            // An embedded subset of such a font may have numbers of its own.
            let font = Some(font).filter(|font| is_blank((*font.data).as_ref()))?;
            core_fonts::letter(&font.postscript_name?, glyph).map(BfString::Char)
        })
    }

    /// Joins the glyphs of a run, from index `start` on, if they are bytes of letters.
    fn join_bytes(&mut self, run: &GlyphRun<'_, 'a>, start: usize) {
        let glyphs = run.glyphs();
        let codes = || glyphs.iter().map(|glyph| glyph.char_code());
        let Some(Shape::Outline(first)) = glyphs.first().map(|glyph| &**glyph) else { return };
        if !codes().any(|code| code >= 0x80) || self.drawn.glyphs.len() - start != glyphs.len() {
            return;
        }
        let (cache, settings) = self.fonts;
        let load = || double_byte::fonts(self.resources, cache, settings);
        if let Some(code_page) = self.double_byte.get_or_insert_with(load).known(first).copied() {
            double_byte::join(&mut self.drawn.glyphs, start, codes(), code_page);
        }
    }

    fn font(&mut self, glyph: &Shape<'_>) -> u16 {
        let mut look = FontLook::default();
        if let Shape::Outline(outline) = glyph
            && let Some(font) = outline.font_data()
        {
            let name = font.postscript_name.unwrap_or_default();
            look.bold = font.weight.is_some_and(|weight| weight >= 600) || is_bold_name(&name);
            let name = name.to_ascii_lowercase();
            look.italic = font.is_italic || name.contains("italic") || name.contains("oblique");
        } else if let Shape::Outline(outline) = glyph {
            let (cache, settings) = self.fonts;
            let load = || bold_fonts::fonts(self.resources, cache, settings);
            look.bold = self.heavy.get_or_insert_with(load).known(outline).is_some();
        }
        let known = self.drawn.fonts.iter().position(|font| *font == look);
        known.unwrap_or_else(|| {
            self.drawn.fonts.push(look);
            self.drawn.fonts.len() - 1
        }) as u16
    }
}

fn vector(vector: Vec2) -> PagePoint {
    PagePoint { x: vector.x as f32, y: vector.y as f32 }
}

fn known(letters: BfString) -> Letters {
    match letters {
        BfString::Char(letter) if is_none(letter) => Letters::Unknown,
        BfString::Char(letter) => Letters::One(charmap::bullet(letter).unwrap_or(letter)),
        BfString::String(text) if stands_for_none(&text) => Letters::Unknown,
        BfString::String(text) => Letters::new(&text),
    }
}

/// Whether a letter means "none" in tables of letters.
fn is_none(letter: char) -> bool {
    matches!(letter, '\0' | '\u{FFFD}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Whether a replacement means nothing. `InDesign` writes this for the dots of a table of contents: a
/// backspace, then "none" for each.
fn stands_for_none(text: &str) -> bool {
    let says_nothing = |letter| is_none(letter) || letter == '\u{8}';
    !text.is_empty() && text.chars().all(says_nothing)
}

impl<'a> Device<'a> for GlyphDevice<'_, 'a> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        let Some(first) = run.glyphs().first() else { return };
        let place = (props.transform * first.transform(), run.glyphs().len());
        match mode {
            DrawMode::Stroke(_) if self.filled.take() == Some(place) => return,
            DrawMode::Fill(_) => self.filled = Some(place),
            _ => self.filled = None,
        }
        let font = self.font(first);
        self.run.clear();
        let vertical = run.writing_mode() == WritingMode::Vertical;
        let visible = !matches!(mode, DrawMode::Invisible);
        let start = self.drawn.glyphs.len();
        for glyph in run.glyphs() {
            self.take(glyph, props.transform, vertical, font, visible);
        }
        self.join_bytes(run, start);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.tick();
        let page = (self.drawn.width, self.drawn.height);
        if let Some(picture) = placed::picture(&image, props.transform, page) {
            self.drawn.pictures.push(picture);
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        self.tick();
        let text = properties.and_then(|dict| dict.get::<PdfString<'_>>(b"ActualText"));
        let text = text.map(|text| text_string(text.as_bytes()));
        let of_structure = || {
            let (texts, page) = self.structure?;
            texts.get(page, properties?.get::<i64>(b"MCID")?).map(str::to_owned)
        };
        // A replacement that says nothing is ignored: the glyphs say more.
        let text = text.filter(|text| !stands_for_none(text)).map(Replacement::new);
        self.marks.push(of_structure().map(Replacement::certain).or(text));
    }

    fn end_marked_content(&mut self) {
        self.tick();
        let Some(replacement) = self.marks.pop().flatten() else { return };
        for (index, letters) in replacement.disbelieved() {
            if let Some(glyph) = self.drawn.glyphs.get_mut(index) {
                glyph.letters = letters;
            }
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_clip_rect(&mut self, _: &Rect) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.tick();
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        if matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) {
            self.drawn.shapes += path.elements().len();
        }
        if path.elements().len() <= MAX_RULES {
            let path = path.elements().iter().copied();
            placed::take_rules(&mut self.drawn.rules, path, props.transform);
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, _: &DrawMode) {
        self.tick();
        placed::take_rules(&mut self.drawn.rules, rect.path_elements(0.1), props.transform);
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
