//! Reviewers' comments on a slide, in both formats that `PowerPoint` has written.

use std::collections::HashMap;

use crate::ingest::document::single_spaced;
use crate::ingest::extract::package::ZipPackage;
use crate::ingest::extract::relations::{Relation, relations};
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// The names of the authors, by their ids.
#[derive(Default)]
pub(super) struct Authors(HashMap<String, String>);

impl Authors {
    /// The authors of the presentation whose main part is `main`, as far as they can be read.
    pub(super) fn of(package: &mut ZipPackage<'_>, main: &str) -> Self {
        let mut authors = Self::default();
        for Relation { kind, target, .. } in relations(package, main).unwrap_or_default() {
            if matches!(kind.as_str(), "commentAuthors" | "authors") {
                let part = package.part(&target).ok().flatten().unwrap_or_default();
                let _ = xml::read(&part, &mut authors);
            }
        }
        authors
    }
}

impl XmlHandler for Authors {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if matches!(name, "cmAuthor" | "author") {
            self.0.extend(attribute(element, "id").zip(attribute(element, "name")));
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

/// A paragraph for each comment in a part and for each reply, with its author.
pub(super) fn read(part: &str, authors: &Authors) -> String {
    let mut reading = Reading { authors, open: Vec::new(), comments: Vec::new(), in_text: false };
    let _ = xml::read(part, &mut reading);
    reading.comments.join("\n\n")
}

struct Reading<'a> {
    authors: &'a Authors,
    /// The open comment and the open reply in it, each with its index in `comments`.
    open: Vec<(usize, String)>,
    comments: Vec<String>,
    in_text: bool,
}

impl XmlHandler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "cm" | "reply" => {
                let author = attribute(element, "authorId").and_then(|id| self.authors.0.get(&id));
                let by = author.map(|author| format!(" by {}", single_spaced(author)));
                self.open.push((self.comments.len(), String::new()));
                self.comments.push(format!("Comment{}: ", by.unwrap_or_default()));
            }
            "text" | "t" => self.in_text = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "text" | "t" => self.in_text = false,
            "p" | "br" => {
                if let Some((_, text)) = self.open.last_mut() {
                    text.push(' ');
                }
            }
            "cm" | "reply" => {
                let Some((at, text)) = self.open.pop() else { return };
                let text = single_spaced(&text);
                if text.is_empty() {
                    self.comments.remove(at);
                } else if let Some(comment) = self.comments.get_mut(at) {
                    comment.push_str(&text);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let (true, Some((_, comment))) = (self.in_text, self.open.last_mut()) {
            comment.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_have_their_authors_and_answers() {
        let mut authors = Authors::default();
        let list = "<p:cmAuthorLst><p:cmAuthor id=\"0\" name=\"Ann  Lee\"/><p188:author id=\"{B}\" name=\"Bo\"/></p:cmAuthorLst>";
        let _ = xml::read(list, &mut authors);
        let old = "<p:cmLst><p:cm authorId=\"0\"><p:pos x=\"1\"/><p:text>Which year?</p:text></p:cm><p:cm><p:text> </p:text></p:cm></p:cmLst>";
        assert_eq!(read(old, &authors), "Comment by Ann Lee: Which year?");
        let body = |text: &str| {
            format!("<p188:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p188:txBody>")
        };
        let new = format!(
            "<p188:cmLst><p188:cm authorId=\"{{B}}\"><p188:replyLst><p188:reply authorId=\"0\">{}</p188:reply></p188:replyLst>{}</p188:cm></p188:cmLst>",
            body("2024"),
            body("Which year?")
        );
        let expected = "Comment by Bo: Which year?\n\nComment by Ann Lee: 2024";
        assert_eq!(read(&new, &authors), expected);
    }
}
