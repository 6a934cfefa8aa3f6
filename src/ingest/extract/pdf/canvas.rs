//! A page in shades of grey, painted row by row within a clip.

use std::rc::Rc;

use hayro_interpret::kurbo;

use crate::ocr::GrayImage;

pub(super) const WHITE: u8 = 255;

/// An area of pixels, up to and not including the right and bottom edges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Area {
    /// The pixels whose edges are nearest to those of a rectangle; at least one in each direction if it is on
    /// the canvas at all, so that no line gets lost.
    pub(super) fn rounded(rect: &kurbo::Rect, within: Self) -> Self {
        let (left, right) = span(rect.x0, rect.x1);
        let (top, bottom) = span(rect.y0, rect.y1);
        Self { left, top, right, bottom }.and(within)
    }

    pub(super) fn and(self, other: Self) -> Self {
        let (left, top) = (self.left.max(other.left), self.top.max(other.top));
        let (right, bottom) = (self.right.min(other.right), self.bottom.min(other.bottom));
        Self { left, top, right: right.max(left), bottom: bottom.max(top) }
    }

    pub(super) fn width(self) -> usize {
        (self.right - self.left) as usize
    }

    pub(super) fn height(self) -> usize {
        (self.bottom - self.top) as usize
    }

    pub(super) fn is_empty(self) -> bool {
        self.width() == 0 || self.height() == 0
    }

    pub(super) fn to_rect(self) -> kurbo::Rect {
        let [left, top, right, bottom] = [self.left, self.top, self.right, self.bottom];
        kurbo::Rect::new(left.into(), top.into(), right.into(), bottom.into())
    }
}

fn span(from: f64, to: f64) -> (u32, u32) {
    let (from, to) = (from.min(to), from.max(to));
    // A cast is clamped to the range of the type.
    let (first, end) = (from.round(), to.round());
    if first < end { (first as u32, end as u32) } else { (from.floor() as u32, to.ceil() as u32) }
}

/// How a colour is combined with the one below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum PixelBlend {
    #[default]
    Over,
    Multiply,
    Darken,
    Screen,
    Lighten,
}

impl PixelBlend {
    fn mix(self, below: u8, colour: u8) -> u8 {
        match self {
            Self::Over => colour,
            Self::Multiply => part(below, colour),
            Self::Darken => below.min(colour),
            Self::Screen => 255 - part(255 - below, 255 - colour),
            Self::Lighten => below.max(colour),
        }
    }
}

/// The product of two fractions of 255.
pub(super) fn part(one: u8, other: u8) -> u8 {
    ((u32::from(one) * u32::from(other) + 127) / 255) as u8
}

/// How much of each pixel in an area may be painted.
#[derive(Debug)]
pub(super) struct Mask {
    pub(super) area: Area,
    pub(super) cover: Vec<u8>,
}

impl Mask {
    pub(super) fn empty(area: Area) -> Self {
        Self { area, cover: vec![0; area.width() * area.height()] }
    }

    /// The pixels of a row from `left` on; `left` and `row` are within the area.
    pub(super) fn row(&self, row: u32, left: u32) -> &[u8] {
        let start = (row - self.area.top) as usize * self.area.width();
        &self.cover[start + (left - self.area.left) as usize..start + self.area.width()]
    }

    pub(super) fn row_mut(&mut self, row: u32, left: u32) -> &mut [u8] {
        let (width, start) = (self.area.width(), (row - self.area.top) as usize);
        let start = start * width;
        &mut self.cover[start + (left - self.area.left) as usize..start + width]
    }
}

/// Where painting is allowed: all of an area, or as much of each pixel as a mask says. The mask covers the
/// area.
#[derive(Clone, Debug)]
pub(super) struct Clip {
    pub(super) area: Area,
    pub(super) mask: Option<Rc<Mask>>,
}

impl Clip {
    /// Reduces `cover`, which starts at `left`, to what may be painted.
    pub(super) fn cut(&self, row: u32, left: u32, cover: &mut [u8]) {
        if let Some(mask) = &self.mask {
            let allowed = mask.row(row, left);
            cover
                .iter_mut()
                .zip(allowed)
                .for_each(|(cover, allowed)| *cover = part(*cover, *allowed));
        }
    }
}

/// The pixels of the page.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) image: GrayImage,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, colour: u8) -> Self {
        let pixels = vec![colour; width as usize * height as usize];
        Self { image: GrayImage { width, height, pixels } }
    }

    pub(super) fn area(&self) -> Area {
        Area { left: 0, top: 0, right: self.image.width, bottom: self.image.height }
    }

    /// The pixels of a row that are in an area.
    pub(super) fn row(&self, row: u32, area: Area) -> &[u8] {
        let start = row as usize * self.image.width as usize + area.left as usize;
        &self.image.pixels[start..start + area.width()]
    }

    /// Paints pixels of a row from `left` on. Pixels beyond the right edge are ignored.
    pub(super) fn paint(
        &mut self,
        row: u32,
        left: u32,
        colours: &[u8],
        cover: &[u8],
        mixing: PixelBlend,
    ) {
        let start = row as usize * self.image.width as usize;
        let pixels = &mut self.image.pixels[start..start + self.image.width as usize];
        let pixels = &mut pixels[left as usize..];
        if mixing == PixelBlend::Over && cover.iter().all(|cover| *cover == 255) {
            let count = pixels.len().min(colours.len()).min(cover.len());
            return pixels[..count].copy_from_slice(&colours[..count]);
        }
        for ((pixel, colour), cover) in pixels.iter_mut().zip(colours).zip(cover) {
            let colour =
                if mixing == PixelBlend::Over { *colour } else { mixing.mix(*pixel, *colour) };
            *pixel = match *cover {
                0 => continue,
                255 => colour,
                cover => {
                    let (below, cover) = (u32::from(*pixel), u32::from(cover));
                    ((below * (255 - cover) + u32::from(colour) * cover + 127) / 255) as u8
                }
            };
        }
    }
}
