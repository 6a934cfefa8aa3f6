//! The data of a diagram (`SmartArt`) → a list, with the children of each point below it.

use std::collections::{HashMap, HashSet};

use super::xml::{self, Element, XmlHandler, attribute};
use crate::ingest::document::single_spaced;

/// Deepest level of the list.
const DEEPEST: usize = 8;

pub(super) fn read(part: &str) -> String {
    let mut data = Data::default();
    let _ = xml::read(part, &mut data);
    data.written()
}

#[derive(Default)]
struct Data {
    /// Points with their texts, in the order of the part.
    points: Vec<(String, String)>,
    /// The point that represents the diagram itself.
    root: Option<String>,
    /// The children of each point, with their positions.
    below: HashMap<String, Vec<(u32, String)>>,
    in_text: bool,
}

impl XmlHandler for Data {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let value = |name| attribute(element, name);
        match name {
            "pt" => {
                let id = value("modelId").unwrap_or_default();
                if value("type").as_deref() == Some("doc") {
                    self.root = Some(id.clone());
                }
                self.points.push((id, String::new()));
            }
            "cxn" if matches!(value("type").as_deref(), None | Some("parOf")) => {
                let place = value("srcOrd").and_then(|place| place.parse().ok()).unwrap_or(0);
                if let (Some(above), Some(below)) = (value("srcId"), value("destId")) {
                    self.below.entry(above).or_default().push((place, below));
                }
            }
            "t" => self.in_text = true,
            "br" => self.text(" "),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => self.text_of(" "),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        // The element around the paragraphs has the same name as that around their letters.
        if self.in_text {
            self.text_of(text);
        }
    }
}

impl Data {
    fn text_of(&mut self, text: &str) {
        if let Some((_, point)) = self.points.last_mut() {
            point.push_str(text);
        }
    }

    /// Points without a parent come last.
    fn written(mut self) -> String {
        for below in self.below.values_mut() {
            below.sort();
        }
        let texts: HashMap<&str, String> =
            self.points.iter().map(|(id, text)| (id.as_str(), single_spaced(text))).collect();
        let mut written = HashSet::new();
        let mut lines = Vec::new();
        // A stack: the last entry is written first.
        let mut waiting: Vec<(usize, &str)> =
            self.points.iter().rev().map(|(id, _)| (0, id.as_str())).collect();
        waiting.extend(self.root.as_deref().map(|root| (0, root)));
        while let Some((depth, id)) = waiting.pop() {
            if !written.insert(id) {
                continue;
            }
            let text = texts.get(id).map_or("", String::as_str);
            if !text.is_empty() {
                lines.push(format!("{}- {text}", "  ".repeat(depth.min(DEEPEST))));
            }
            let depth = depth + usize::from(!text.is_empty());
            let below = self.below.get(id).into_iter().flatten().rev();
            waiting.extend(below.map(|(_, id)| (depth, id.as_str())));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_in_the_order_of_their_connections() {
        let point = |id: &str, text: &str| {
            format!(
                "<dgm:pt modelId=\"{id}\"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>"
            )
        };
        let connection = |from: &str, to: &str, place: u32| {
            format!(
                "<dgm:cxn modelId=\"c\" srcId=\"{from}\" destId=\"{to}\" srcOrd=\"{place}\" destOrd=\"0\"/>"
            )
        };
        let data = format!(
            "<dgm:dataModel><dgm:ptLst><dgm:pt modelId=\"0\" type=\"doc\"/>{}{}{}{}</dgm:ptLst><dgm:cxnLst>{}{}{}{}\
             <dgm:cxn type=\"presOf\" srcId=\"2\" destId=\"1\"/></dgm:cxnLst></dgm:dataModel>",
            point("1", "Second"),
            point("2", "First"),
            point("3", "of the first"),
            point("4", "loose"),
            connection("0", "1", 1),
            connection("0", "2", 0),
            connection("2", "3", 0),
            connection("3", "2", 0),
        );
        assert_eq!(read(&data), "- First\n  - of the first\n- Second\n- loose");
    }
}
