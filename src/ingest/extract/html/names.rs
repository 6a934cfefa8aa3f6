//! The words in the names of elements, by which a page names its parts. Pure.

use super::tree::Element;

/// Whether a word means that the element is laid out around what its other words name, and is not itself that:
/// `with-sidebar`, `nav-open`.
fn is_layout(word: &str) -> bool {
    matches!(
        word,
        "has"
            | "with"
            | "no"
            | "without"
            | "wrapper"
            | "layout"
            | "container"
            | "content"
            | "open"
            | "visible"
            | "body"
    )
}

/// The names of an element in its class and its id.
pub(super) struct Names<'a>([Option<&'a str>; 2]);

impl<'a> Names<'a> {
    pub(super) fn of(element: Element<'a>) -> Self {
        Self::from(&|name: &str| element.attribute(name))
    }

    pub(super) fn from(attribute: &impl Fn(&str) -> Option<&'a str>) -> Self {
        Self(["class", "id"].map(attribute))
    }

    /// Whether one of the names contains one of the words, which are in lower case.
    pub(super) fn any(&self, wanted: &[&str]) -> bool {
        self.0.iter().flatten().any(|names| names_one(names, |word| wanted.contains(&word)))
    }
}

/// Whether `names`, the value of a class or id attribute, has a name with a wanted word.
pub(super) fn names_one(names: &str, is_wanted: impl Fn(&str) -> bool) -> bool {
    let mut word = String::new();
    names.split_ascii_whitespace().any(|name| {
        let (mut wanted, mut layout) = (false, false);
        let mut end = |word: &mut String| {
            wanted |= is_wanted(word);
            layout |= is_layout(word);
            word.clear();
        };
        // `site-nav`, `site_nav` and `siteNav` all have the words `site` and `nav`.
        let mut after_lower = false;
        for character in name.chars() {
            let is_part = character.is_alphanumeric();
            if !is_part || character.is_uppercase() && after_lower {
                end(&mut word);
            }
            if character.is_ascii_alphanumeric() {
                word.push(character.to_ascii_lowercase());
            } else if is_part {
                word.extend(character.to_lowercase());
            }
            after_lower = character.is_lowercase();
        }
        end(&mut word);
        wanted && !layout
    })
}

/// Whether this is one of the classes of an element.
pub(super) fn has_class(element: Element<'_>, name: &str) -> bool {
    let names = element.attribute("class").unwrap_or_default();
    names.split_ascii_whitespace().any(|class| class == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_and_id_names() {
        let words = &["nav", "menu", "sidebar", "cookie", "footer"];
        for (names, expected) in [
            ("sidebar", true),
            ("site-nav dark", true),
            ("mainMenu", true),
            ("topMenu", true),
            ("cookie-banner", true),
            ("site_footer", true),
            ("with-sidebar", false),
            ("footnote", false),
            ("navy", false),
            ("content", false),
            ("", false),
        ] {
            assert_eq!(names_one(names, |word| words.contains(&word)), expected, "{names}");
        }
    }
}
