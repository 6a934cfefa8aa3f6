//! The picture of a page.

/// A page in shades of grey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrayImage {
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// One byte per pixel, row by row from the top; 0 is black.
    pub pixels: Vec<u8>,
}

impl GrayImage {
    /// Turned clockwise by this many right angles.
    #[must_use]
    pub fn turned(self, quarters: u8) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let at = |x: usize, y: usize| self.pixels[y * width + x];
        let pixels: Vec<u8> = match quarters % 4 {
            0 => return self,
            1 => (0..width * height).map(|i| at(i / height, height - 1 - i % height)).collect(),
            2 => self.pixels.iter().rev().copied().collect(),
            _ => (0..width * height).map(|i| at(width - 1 - i / height, i % height)).collect(),
        };
        match quarters % 2 {
            0 => Self { pixels, ..self },
            _ => Self { width: self.height, height: self.width, pixels },
        }
    }

    /// Mirrored from left to right.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        let width = self.width.max(1) as usize;
        self.pixels.chunks_mut(width).for_each(<[u8]>::reverse);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_mirrors_can_be_undone() {
        let picture = |width: u32, pixels: &[u8]| GrayImage {
            width,
            height: pixels.len() as u32 / width,
            pixels: pixels.to_vec(),
        };
        let old = picture(3, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(old.clone().turned(1), picture(2, &[4, 1, 5, 2, 6, 3]));
        assert_eq!(old.clone().turned(1).turned(3), old);
        assert_eq!(old.clone().turned(2).turned(2), old);
        assert_eq!(old.clone().mirrored(), picture(3, &[3, 2, 1, 6, 5, 4]));
        assert_eq!(old.clone().mirrored().mirrored(), old);
    }
}
