//! The elements of a slide, and their lengths.

/// Whether an element repeats the text, or is not shown on the slide.
pub(super) fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "annotation"
            | "desc"
            | "title"
            | "binary-data"
            | "note"
            | "ruby-text"
            | "page-thumbnail"
            | "forms"
            | "master-page"
    )
}

pub(super) fn is_shape(name: &str) -> bool {
    matches!(
        name,
        "frame"
            | "custom-shape"
            | "rect"
            | "ellipse"
            | "circle"
            | "line"
            | "connector"
            | "polygon"
            | "polyline"
            | "path"
            | "caption"
            | "measure"
    )
}

/// Converts a length with its unit.
pub(super) fn centimetres(length: &str) -> Option<f64> {
    let units = length.trim().find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = length.trim().split_at(units);
    let factor = match unit {
        "cm" => 1.0,
        "mm" => 0.1,
        "in" => 2.54,
        "pt" => 2.54 / 72.0,
        "pc" => 2.54 / 6.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}
