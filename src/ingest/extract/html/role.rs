//! What an element means for the text: how it is laid out, and whether it is content.

use super::names::{Names, names_one};
use crate::ingest::extract::formatting::Script;

/// How an element takes part in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ElementRole {
    Title,
    Heading(u8),
    Paragraph,
    /// A list, numbered or not.
    List {
        ordered: bool,
    },
    Item,
    /// `<dt>` and `<dd>`.
    Definition,
    Pre,
    Table,
    /// Parts of a table around its rows, and captions.
    TableSection,
    Row,
    Cell,
    Break,
    /// `<option>`.
    Choice,
    Link,
    /// `<math>`, a formula.
    Math,
    /// `<main>`, or an element with that role.
    Main,
    Article,
    /// Raised or lowered characters.
    Script(Script),
    /// Text that no longer applies.
    Struck,
    /// Other elements that start on a new line.
    Block,
    Inline,
}

impl ElementRole {
    pub(super) fn of<'a>(name: &str, attribute: impl Fn(&str) -> Option<&'a str>) -> Self {
        match attribute("role") {
            Some("main") => Self::Main,
            Some("article") => Self::Article,
            // Formatting as programs write it.
            _ if matches!(name, "span" | "font") => {
                attribute("style").and_then(Self::of_style).unwrap_or(Self::Inline)
            }
            _ => Self::named(name),
        }
    }

    fn of_style(style: &str) -> Option<Self> {
        let value = |name: &str| {
            let declared = style.split(';').filter_map(|declaration| declaration.split_once(':'));
            let mut values = declared.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            values.next_back().map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        match value("vertical-align").as_deref() {
            Some("super") => return Some(Self::Script(Script::Super)),
            Some("sub") => return Some(Self::Script(Script::Sub)),
            _ => {}
        }
        let strikes = |value: String| value.contains("line-through");
        let decoration = value("text-decoration").or_else(|| value("text-decoration-line"));
        decoration.is_some_and(strikes).then_some(Self::Struck)
    }

    /// The role of a name, unless attributes say otherwise.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "title" => Self::Title,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Self::Heading(name.as_bytes()[1] - b'0'),
            "p" => Self::Paragraph,
            "ul" | "menu" | "dir" => Self::List { ordered: false },
            "ol" => Self::List { ordered: true },
            "li" => Self::Item,
            "dt" | "dd" => Self::Definition,
            "pre" | "xmp" | "listing" | "plaintext" => Self::Pre,
            "table" => Self::Table,
            "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => Self::TableSection,
            "tr" => Self::Row,
            "td" | "th" => Self::Cell,
            "br" => Self::Break,
            "option" => Self::Choice,
            "a" => Self::Link,
            "math" => Self::Math,
            "sup" => Self::Script(Script::Super),
            "sub" => Self::Script(Script::Sub),
            "s" | "strike" => Self::Struck,
            "main" => Self::Main,
            "article" => Self::Article,
            "html" | "body" | "head" | "div" | "section" | "header" | "footer" | "nav"
            | "aside" | "blockquote" | "address" | "center" | "details" | "summary" | "dialog"
            | "dl" | "fieldset" | "figcaption" | "figure" | "form" | "hgroup" | "hr" | "legend"
            | "noscript" | "select" | "search" => Self::Block,
            _ => Self::Inline,
        }
    }

    /// Whether an element of this role starts and ends a line.
    pub(super) fn is_block(self) -> bool {
        !matches!(
            self,
            Self::Title
                | Self::Break
                | Self::Link
                | Self::Math
                | Self::Script(_)
                | Self::Struck
                | Self::Inline
                | Self::Cell
        )
    }

    /// Whether the start of an element of role `next` ends an element of this role without an end tag (WHATWG
    /// HTML, 13.1.2.4 "Optional tags").
    pub(super) fn is_ended_by(self, next: Self) -> bool {
        match self {
            Self::Paragraph => {
                next.is_block() && !matches!(next, Self::Choice | Self::TableSection)
            }
            Self::Item => next == Self::Item,
            Self::Definition => next == Self::Definition,
            Self::Choice => next == Self::Choice,
            Self::Cell => matches!(next, Self::Cell | Self::Row | Self::TableSection),
            Self::Row => matches!(next, Self::Row | Self::TableSection),
            Self::TableSection => next == Self::TableSection,
            _ => false,
        }
    }

    /// Whether an implied end searches no further out than an element of this role: a new `<li>` does not end
    /// the item around its own list.
    pub(super) fn is_scope(self) -> bool {
        matches!(self, Self::List { .. } | Self::Table | Self::Main | Self::Article | Self::Block)
    }

    /// Whether the end tag of an element of role `ended` reaches no further out than an element of this role
    /// (WHATWG HTML, 13.2.4.2).
    pub(super) fn confines(self, ended: Self) -> bool {
        match ended {
            Self::Table | Self::TableSection | Self::Row | Self::Cell => self == Self::Table,
            Self::Item => matches!(self, Self::List { .. } | Self::Table | Self::Cell),
            _ => matches!(self, Self::Table | Self::Cell),
        }
    }
}

/// Whether an element is content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Skip {
    Content,
    /// The header of the page: skipped outside of its main parts.
    Header,
    /// Menus, banners, forms: skipped unless nothing is left without them.
    Furniture,
    /// Never text.
    Always,
}

/// Whether a word in a class or an id names furniture.
fn is_furniture(word: &str) -> bool {
    matches!(
        word,
        "nav"
            | "navbar"
            | "navigation"
            | "navlinks"
            | "menu"
            | "menubar"
            | "sidebar"
            | "sphinxsidebar"
            | "sidenav"
            | "breadcrumb"
            | "breadcrumbs"
            | "toc"
            | "pagination"
            | "pager"
            | "footer"
            | "cookie"
            | "cookies"
            | "gdpr"
            | "consent"
            | "headerlink"
            | "permalink"
            | "linenos"
            | "lineno"
            | "gutter"
            | "noprint"
            | "skiplink"
            | "advert"
            | "advertisement"
            | "related"
            | "relatedposts"
            // Links from notes back to the text, and from documentation to its source.
            | "backlink"
            | "backref"
            | "editsection"
            | "viewcode"
            // What is shown only while something is folded.
            | "hideme"
            | "yarpp"
    )
}

/// Whether a word names furniture if the element contains blocks. Within a line, such words mark parts of text
/// or of highlighted code.
fn is_furniture_block(word: &str) -> bool {
    matches!(
        word,
        "author"
            | "banner"
            | "byline"
            | "comment"
            | "comments"
            | "newsletter"
            | "postmetadata"
            | "promo"
            | "rating"
            | "ratings"
            | "recommended"
            | "respond"
            | "shariff"
            | "share"
            | "sharing"
            | "sociable"
            | "social"
            | "subscribe"
            | "tags"
    )
}

/// Words for an `<aside>` that is read with the text around it.
const CALLOUTS: &[&str] = &[
    "admonition",
    "callout",
    "caution",
    "danger",
    "endnote",
    "example",
    "footnote",
    "hint",
    "important",
    "info",
    "key",
    "note",
    "tip",
    "topic",
    "warning",
];

/// Words for what is hidden until its title is chosen.
const DISCLOSED: &[&str] = &[
    "accordion",
    "collapse",
    "collapsible",
    "details",
    "expand",
    "expandable",
    "expander",
    "faq",
    "spoiler",
    "tab",
    "tabs",
    "tabpanel",
];

impl Skip {
    pub(super) fn of<'a>(name: &str, attribute: impl Fn(&str) -> Option<&'a str>) -> Self {
        match name {
            "script" | "style" | "template" | "svg" | "annotation" | "annotation-xml" | "iframe" | "object"
            | "canvas" | "audio" | "video" | "noembed" | "noframes" | "title" | "datalist"
            // Ruby readings would split words. Deleted text is not part of the text.
            | "rt" | "rp" | "del" => {
                return Self::Always;
            }
            "html" | "body" | "main" | "article" => return Self::Content,
            _ => {}
        }
        let role = attribute("role").unwrap_or_default();
        // All panels but one are hidden until their tabs are chosen. A caption that repeats the description of
        // its picture is hidden from screen readers.
        let is_shown_later =
            || role == "tabpanel" || name == "figcaption" || Names::from(&attribute).any(DISCLOSED);
        if is_hidden(&attribute) && !is_shown_later() {
            return Self::Always;
        }
        match name {
            "aside" if is_callout(&attribute) => return Self::Content,
            "nav" | "footer" | "aside" | "form" | "button" | "select" | "textarea" | "dialog"
            // Readers without scripts see this: mostly a request to enable them.
            | "noscript" | "search" => return Self::Furniture,
            _ if is_furniture_role(role) => return Self::Furniture,
            "header" => return Self::Header,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "code" => {
                return Self::Content;
            }
            _ => {}
        }
        if role != "main" && has_furniture_name(name, attribute) {
            Self::Furniture
        } else {
            Self::Content
        }
    }
}

/// Whether the class or the id of an element names furniture.
pub(super) fn has_furniture_name<'a>(
    name: &str,
    attribute: impl Fn(&str) -> Option<&'a str>,
) -> bool {
    let holds_blocks =
        matches!(name, "div" | "section" | "ul" | "ol" | "li" | "dl" | "p" | "details" | "aside");
    let is_wanted = |word: &str| is_furniture(word) || holds_blocks && is_furniture_block(word);
    let furniture = |names: &&str| names_one(names, is_wanted);
    [attribute("class"), attribute("id")].iter().flatten().any(furniture)
}

fn is_callout<'a>(attribute: &impl Fn(&str) -> Option<&'a str>) -> bool {
    let names = ["class", "role", "epub:type"].map(attribute);
    names.iter().flatten().any(|names| names_one(names, |word| CALLOUTS.contains(&word)))
}

fn is_hidden<'a>(attribute: &impl Fn(&str) -> Option<&'a str>) -> bool {
    let hides = |style: &str| {
        let style = style.to_ascii_lowercase().replace(' ', "");
        style.contains("display:none") || style.contains("visibility:hidden")
    };
    attribute("hidden").is_some_and(|value| value != "until-found")
        || attribute("aria-hidden").is_some_and(|value| value == "true")
        || attribute("style").is_some_and(hides)
}

fn is_furniture_role(role: &str) -> bool {
    matches!(
        role,
        "navigation"
            | "banner"
            | "contentinfo"
            | "search"
            | "complementary"
            | "menu"
            | "menubar"
            | "toolbar"
            | "dialog"
            | "alertdialog"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_decide() {
        let skip = |name: &str, key: &str, value: &str| {
            Skip::of(name, |asked| (asked == key).then_some(value))
        };
        for (name, key, value, expected) in [
            ("div", "hidden", "", Skip::Always),
            ("div", "aria-hidden", "true", Skip::Always),
            ("div", "aria-hidden", "false", Skip::Content),
            ("p", "style", "color: red; display: none", Skip::Always),
            ("div", "role", "navigation", Skip::Furniture),
            ("div", "role", "banner", Skip::Furniture),
            ("div", "role", "contentinfo", Skip::Furniture),
            ("div", "role", "search", Skip::Furniture),
            ("body", "class", "sidebar", Skip::Content),
            ("h2", "id", "navigation", Skip::Content),
            ("ul", "class", "breadcrumbs", Skip::Furniture),
            ("header", "", "", Skip::Header),
            ("nav", "", "", Skip::Furniture),
            ("script", "", "", Skip::Always),
        ] {
            assert_eq!(skip(name, key, value), expected, "{name} {key}={value}");
        }
    }
}
