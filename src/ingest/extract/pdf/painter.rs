//! The device that the interpreter draws on for a picture of the page. It supports what OCR needs: shades of
//! grey, pictures, shapes and the outlines of letters, but no colours.

use std::panic::resume_unwind;
use std::rc::Rc;

use hayro_interpret::font::{Glyph as Shape, GlyphRun};
use hayro_interpret::kurbo::{
    Affine, BezPath, PathEl, Rect, Shape as _, Stroke, StrokeOpts, stroke,
};
use hayro_interpret::pattern::{Pattern, TilingPattern};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, FillRule, Image, ImageDrawProps, MaskType,
    Paint, SoftMask, StrokeProps,
};

use super::canvas::{Area, Canvas, Clip, Mask, PixelBlend, WHITE};
use super::decode::{self, UnreadPicture};
use super::device::Stopped;
use super::fill::{Filler, is_rectangle};
use super::ink::{Ink, weaken};
use super::processor_time::Deadline;

/// The clock is read once in this many calls, since reading it is a system call.
const CALLS_PER_LOOK: u32 = 16;

/// Most pixels in all masks of open clip paths together. Beyond it, clip paths are treated as rectangles.
const MAX_MASKS: usize = 200_000_000;

/// Most tiles of one pattern. A pattern with more is left out.
const MAX_TILES: f64 = 4_000.0;

/// Most dashes of one path. A path with more is drawn without gaps.
const MAX_DASHES: f64 = 10_000.0;

/// A group of shapes that the page combines as a whole; here, its shapes are painted one by one.
#[derive(Clone, Copy)]
struct Group {
    opacity: f32,
    mixing: PixelBlend,
    /// Whether it has a mask, which is the topmost clip.
    is_masked: bool,
}

pub(super) struct Painter<'a> {
    pub(super) canvas: Canvas,
    /// The pictures that could not be decoded.
    pub(super) unread: Vec<UnreadPicture>,
    /// Whether letters are left out: they are known, and only the pictures are wanted.
    pub(super) leaves_letters_out: bool,
    deadline: Deadline,
    calls: u32,
    filler: Filler,
    /// The areas that may be painted, innermost last; never empty.
    clips: Vec<Clip>,
    groups: Vec<Group>,
    /// Whether all colours are black because only opacity counts.
    is_shadow: bool,
    /// The soft mask drawn last, and where: many shapes share one.
    soft: Option<(SoftMask<'a>, Rc<Mask>)>,
}

impl<'a> Painter<'a> {
    pub(super) fn new(canvas: Canvas, deadline: Deadline) -> Self {
        let clips = vec![Clip { area: canvas.area(), mask: None }];
        Self {
            canvas,
            unread: Vec::new(),
            leaves_letters_out: false,
            deadline,
            calls: 0,
            filler: Filler::default(),
            clips,
            groups: Vec::new(),
            is_shadow: false,
            soft: None,
        }
    }

    fn tick(&mut self) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(CALLS_PER_LOOK) && self.deadline.is_over() {
            resume_unwind(Box::new(Stopped));
        }
    }

    fn clip(&self) -> Clip {
        self.clips.last().cloned().unwrap_or(Clip { area: Area::default(), mask: None })
    }

    fn opacity(&self) -> f32 {
        self.groups.last().map_or(1.0, |group| group.opacity)
    }

    /// Puts a shape on the canvas; it is in pixels.
    fn put(
        &mut self,
        path: impl IntoIterator<Item = PathEl>,
        rule: FillRule,
        ink: &mut Ink,
        mode: BlendMode,
    ) {
        let clip = self.clip();
        let (opacity, above) = (self.opacity(), self.groups.last().map(|group| group.mixing));
        let mixing =
            if mode == BlendMode::Normal { above.unwrap_or_default() } else { mixing(mode) };
        let (mut colours, mut scratch) = (Vec::new(), Vec::new());
        let (canvas, is_shadow) = (&mut self.canvas, self.is_shadow);
        self.filler.fill(path, rule, clip.area, |row, left, cover| {
            colours.resize(cover.len(), 0);
            ink.row(row, left, &mut colours, cover, &mut scratch);
            if is_shadow {
                colours.fill(0);
            }
            weaken(cover, opacity);
            clip.cut(row, left, cover);
            canvas.paint(row, left, &colours, cover, mixing);
        });
    }

    /// Fills a path, which is in pixels, with paint.
    fn fill(&mut self, path: &BezPath, rule: FillRule, props: &DrawProps<'a>, is_stroke: bool) {
        let is_masked = props.soft_mask.as_ref().is_some_and(|mask| self.push_mask(mask));
        match &props.paint {
            Paint::Color(colour) => {
                self.put(path, rule, &mut Ink::of_colour(colour), props.blend_mode);
            }
            Paint::Pattern(pattern) => match &**pattern {
                Pattern::Shading(pattern) => {
                    self.put(path, rule, &mut Ink::of_gradient(pattern), props.blend_mode);
                }
                Pattern::Tiling(pattern) => {
                    self.push_clip_path(&ClipPath { path: path.clone(), fill: rule });
                    self.tile(pattern, path.bounding_box(), is_stroke);
                    self.pop_clip();
                }
            },
        }
        if is_masked {
            self.clips.pop();
        }
    }

    /// Draws the tiles of a pattern that are in a rectangle of pixels.
    fn tile(&mut self, pattern: &TilingPattern<'a>, within: Rect, is_stroke: bool) {
        let within = within.intersect(self.clip().area.to_rect());
        if within.is_zero_area() || pattern.matrix.determinant().abs() < 1e-12 {
            return;
        }
        let within = pattern.matrix.inverse().transform_rect_bbox(within);
        let (step_x, step_y) = (f64::from(pattern.x_step).abs(), f64::from(pattern.y_step).abs());
        let columns = ((within.x0 - pattern.bbox.x1) / step_x).ceil()
            ..=((within.x1 - pattern.bbox.x0) / step_x).floor();
        let rows = ((within.y0 - pattern.bbox.y1) / step_y).ceil()
            ..=((within.y1 - pattern.bbox.y0) / step_y).floor();
        let count = |range: &std::ops::RangeInclusive<f64>| range.end() - range.start() + 1.0;
        let tiles = count(&columns) * count(&rows);
        if !tiles.is_finite() || tiles > MAX_TILES {
            return;
        }
        let opacity = self.opacity() * pattern.opacity;
        self.groups.push(Group { opacity, mixing: PixelBlend::Over, is_masked: false });
        for row in *rows.start() as i64..=*rows.end() as i64 {
            for column in *columns.start() as i64..=*columns.end() as i64 {
                let (x, y) = (column as f64 * step_x, row as f64 * step_y);
                let to_page = pattern.matrix * Affine::translate((x, y));
                pattern.interpret(self, to_page, is_stroke);
            }
        }
        self.groups.pop();
    }

    /// Draws the outline of a path; `to_page` maps its coordinates to pixels.
    fn stroke(
        &mut self,
        path: &BezPath,
        to_page: Affine,
        line: &StrokeProps,
        props: &DrawProps<'a>,
    ) {
        let scale = to_page.determinant().abs().sqrt();
        if !scale.is_finite() || scale < 1e-9 {
            return;
        }
        // A line without width is as thin as can be seen.
        let width = f64::from(line.line_width).max(1.0 / scale);
        let mut style = Stroke::new(width)
            .with_caps(line.line_cap)
            .with_join(line.line_join)
            .with_miter_limit(f64::from(line.miter_limit));
        let dashes = || line.dash_array.iter().map(|dash| f64::from(*dash));
        let round: f64 = dashes().sum();
        if dashes().all(|dash| dash >= 0.0) && round * scale > 1.0 {
            let around = |bounds: Rect| 2.0 * (bounds.width() + bounds.height());
            let length: f64 = path.segments().map(|part| around(part.bounding_box())).sum();
            if length / round * (line.dash_array.len() as f64) < MAX_DASHES {
                style = style.with_dashes(f64::from(line.dash_offset), dashes());
            }
        }
        let outline = stroke(path.iter(), &style, &StrokeOpts::default(), 0.2 / scale);
        self.fill(&(to_page * outline), FillRule::NonZero, props, true);
    }

    /// Narrows what may be painted by a soft mask; `false` if there is no mask to apply.
    fn push_mask(&mut self, mask: &SoftMask<'a>) -> bool {
        let clip = self.clip();
        if clip.area.is_empty() || !self.has_room(clip.area) {
            return false;
        }
        let is_same = |(last, drawn): &(SoftMask<'a>, Rc<Mask>)| {
            last == mask && drawn.area.and(clip.area) == clip.area
        };
        let drawn = match self.soft.take().filter(is_same) {
            Some((_, drawn)) => drawn,
            None => Rc::new(self.drawn(mask, clip.area)),
        };
        let Area { left, top, bottom, .. } = clip.area;
        let mut narrowed = Mask::empty(clip.area);
        for row in top..bottom {
            let cover = narrowed.row_mut(row, left);
            let width = cover.len();
            cover.copy_from_slice(&drawn.row(row, left)[..width]);
            clip.cut(row, left, cover);
        }
        self.clips.push(Clip { area: clip.area, mask: Some(Rc::new(narrowed)) });
        self.soft = Some((mask.clone(), drawn));
        true
    }

    /// How much of each pixel of an area a soft mask lets through.
    fn drawn(&mut self, mask: &SoftMask<'a>, area: Area) -> Mask {
        let is_shadow = mask.mask_type() == MaskType::Alpha;
        let below = match Ink::of_colour(&mask.background_color()) {
            Ink::Shade { colour, .. } if !is_shadow => colour,
            _ => WHITE,
        };
        let (width, height) = (self.canvas.image.width, self.canvas.image.height);
        let mut painter = Painter::new(Canvas::new(width, height, below), self.deadline);
        painter.clips = vec![Clip { area, mask: None }];
        painter.is_shadow = is_shadow;
        painter.calls = self.calls;
        mask.interpret(&mut painter);
        self.calls = painter.calls;
        let mut drawn = Mask::empty(area);
        for row in area.top..area.bottom {
            let cover = drawn.row_mut(row, area.left);
            cover.copy_from_slice(painter.canvas.row(row, area));
        }
        if is_shadow {
            drawn.cover.iter_mut().for_each(|pixel| *pixel = WHITE - *pixel);
        }
        if let Some(function) = mask.transfer_function() {
            function.apply_to(&mut drawn.cover);
        }
        drawn
    }

    /// Whether there is memory for another mask of this size.
    fn has_room(&self, area: Area) -> bool {
        let held = self.clips.iter().filter_map(|clip| clip.mask.as_ref());
        let held: usize = held.map(|mask| mask.cover.len()).sum();
        held + area.width() * area.height() <= MAX_MASKS
    }
}

impl<'a> Device<'a> for Painter<'a> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        if let DrawMode::Fill(rule) | DrawMode::FillAndStroke(rule, _) = mode {
            self.fill(&(props.transform * path), *rule, &props, false);
        }
        if let DrawMode::Stroke(line) | DrawMode::FillAndStroke(_, line) = mode {
            self.stroke(path, props.transform, line, &props);
        }
    }

    fn push_clip_path(&mut self, clip_path: &ClipPath) {
        self.tick();
        let clip = self.clip();
        let path = &clip_path.path;
        let bounds = path.bounding_box();
        if is_rectangle(path) || clip.area.is_empty() {
            let area = Area::rounded(&bounds, clip.area);
            return self.clips.push(Clip { area, mask: clip.mask });
        }
        let area = Area::rounded(&bounds.expand(), clip.area);
        if !self.has_room(area) {
            return self.clips.push(Clip { area, mask: clip.mask });
        }
        let mut mask = Mask::empty(area);
        self.filler.fill(path, clip_path.fill, area, |row, left, cover| {
            clip.cut(row, left, cover);
            mask.row_mut(row, left)[..cover.len()].copy_from_slice(cover);
        });
        self.clips.push(Clip { area, mask: Some(Rc::new(mask)) });
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.tick();
        let clip = self.clip();
        self.clips.push(Clip { area: Area::rounded(rect, clip.area), mask: clip.mask });
    }

    fn push_transparency_group(
        &mut self,
        opacity: f32,
        mask: Option<SoftMask<'a>>,
        mode: BlendMode,
    ) {
        self.tick();
        let above = self.groups.last().map_or(PixelBlend::Over, |group| group.mixing);
        let mixing = if mode == BlendMode::Normal { above } else { mixing(mode) };
        let is_masked = mask.is_some_and(|mask| self.push_mask(&mask));
        self.groups.push(Group { opacity: self.opacity() * opacity, mixing, is_masked });
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        if self.leaves_letters_out || matches!(mode, DrawMode::Invisible) {
            return;
        }
        for glyph in run.glyphs() {
            match &**glyph {
                Shape::Outline(outline) => {
                    let path = glyph.transform() * outline.outline();
                    if !path.is_empty() {
                        let props = props.clone();
                        self.draw_path(&path, props, mode);
                    }
                }
                Shape::Type3(shape) => {
                    shape.interpret(self, props.transform, glyph.transform(), &props.paint);
                }
            }
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.tick();
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let place = props.transform * Rect::new(0.0, 0.0, width, height).to_path(0.1);
        let bounds = place.bounding_box();
        let clip = self.clip();
        let area = Area::rounded(&bounds.expand(), clip.area);
        if area.is_empty() {
            return;
        }
        match decode::ink(&image, props.transform, area) {
            // Strips of a page should meet, so upright pictures get whole pixels as edges. A stencil has an
            // edge of its own.
            Ok(Some((mut ink, ends))) => {
                let place = match (is_rectangle(&place), ends) {
                    (true, true) => area.to_rect().to_path(0.1),
                    (true, false) => Area::rounded(&bounds, clip.area).to_rect().to_path(0.1),
                    (false, _) => place,
                };
                self.put(&place, FillRule::NonZero, &mut ink, props.blend_mode);
            }
            Ok(None) => {}
            Err(reason) => {
                let (covered, page) = (area.to_rect().area(), self.canvas.area().to_rect().area());
                self.unread.push(UnreadPicture { reason, share: (covered / page) as f32 });
            }
        }
    }

    fn pop_clip(&mut self) {
        if self.clips.len() > 1 {
            self.clips.pop();
        }
    }

    fn pop_transparency_group(&mut self) {
        if self.groups.pop().is_some_and(|group| group.is_masked) {
            self.pop_clip();
        }
    }
}

fn mixing(mode: BlendMode) -> PixelBlend {
    match mode {
        BlendMode::Multiply | BlendMode::ColorBurn => PixelBlend::Multiply,
        BlendMode::Darken => PixelBlend::Darken,
        BlendMode::Screen | BlendMode::ColorDodge => PixelBlend::Screen,
        BlendMode::Lighten => PixelBlend::Lighten,
        _ => PixelBlend::Over,
    }
}
