//! Formulas of Office (OMML, ECMA-376 part 1, 22.1) → a line as a person would type it: `x^2`, `(a+b)/c`,
//! `√(2)`, `∑_(i=1)^n i`.

use super::xml::{Element, attribute};

/// Deepest nesting of structures that are told apart; below it, only their contents are read.
const DEEPEST: usize = 64;

/// A structure being read: its arguments, each with the name of its element.
#[derive(Default)]
struct Structure {
    name: String,
    arguments: Vec<(String, String)>,
    /// The sign of a sum, the brackets, or an accent; `None` for the usual one.
    sign: Option<String>,
    open: Option<String>,
    close: Option<String>,
    separator: Option<String>,
    /// Whether a fraction is on one line, or the degree of a root is hidden.
    flag: bool,
}

/// A formula being read, from the start of `oMath` to its end.
#[derive(Default)]
pub(super) struct OmmlFormula {
    text: String,
    structures: Vec<Structure>,
    /// How many structures are open below the deepest that is told apart.
    deeper: usize,
    /// How many elements are open within the formula, including itself.
    depth: usize,
    in_text: bool,
}

impl OmmlFormula {
    pub(super) fn start(&mut self, name: &str, element: &Element<'_>) {
        self.depth += 1;
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "t" => self.in_text = true,
            _ if is_structure(name) && self.structures.len() >= DEEPEST => self.deeper += 1,
            _ if self.deeper > 0 => {}
            _ if is_structure(name) => {
                self.structures.push(Structure { name: name.to_owned(), ..Structure::default() });
            }
            "e" | "num" | "den" | "sub" | "sup" | "deg" | "lim" | "fName" | "mr" => {
                if let Some(structure) = self.structures.last_mut() {
                    structure.arguments.push((name.to_owned(), String::new()));
                }
            }
            _ => {
                let Some(structure) = self.structures.last_mut() else { return };
                match name {
                    "chr" => structure.sign = Some(value()),
                    "begChr" => structure.open = Some(value()),
                    "endChr" => structure.close = Some(value()),
                    "sepChr" => structure.separator = Some(value()),
                    "type" => structure.flag = value() == "lin",
                    "degHide" => {
                        structure.flag = !matches!(value().as_str(), "0" | "false" | "off");
                    }
                    _ => {}
                }
            }
        }
    }

    /// Ends an element; returns whether the formula ends with it.
    pub(super) fn end(&mut self, name: &str) -> bool {
        self.depth = self.depth.saturating_sub(1);
        match name {
            "t" => self.in_text = false,
            _ if self.deeper > 0 => self.deeper -= usize::from(is_structure(name)),
            _ if self.structures.last().is_some_and(|structure| structure.name == name) => {
                if let Some(structure) = self.structures.pop() {
                    self.push(&structure.written());
                }
            }
            _ => {}
        }
        self.depth == 0
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.in_text {
            self.push(text);
        }
    }

    pub(super) fn finish(mut self) -> String {
        while let Some(structure) = self.structures.pop() {
            self.push(&structure.written());
        }
        self.text
    }

    fn push(&mut self, text: &str) {
        match self.structures.last_mut().and_then(|structure| structure.arguments.last_mut()) {
            Some((_, argument)) => argument.push_str(text),
            None => self.text.push_str(text),
        }
    }
}

fn is_structure(name: &str) -> bool {
    matches!(
        name,
        "f" | "sSup"
            | "sSub"
            | "sSubSup"
            | "sPre"
            | "rad"
            | "nary"
            | "d"
            | "func"
            | "limLow"
            | "limUpp"
            | "m"
            | "eqArr"
            | "acc"
            | "bar"
    )
}

impl Structure {
    fn argument(&self, name: &str) -> &str {
        let found = self.arguments.iter().find(|(its, _)| its == name);
        found.map_or("", |(_, text)| text.trim())
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().filter(|(name, _)| name == "e").map(|(_, text)| text.trim())
    }

    fn written(&self) -> String {
        let e = self.argument("e");
        let (sub, sup) = (self.argument("sub"), self.argument("sup"));
        match self.name.as_str() {
            "f" => {
                let slash = if self.flag { " / " } else { "/" };
                let (above, below) = (grouped(self.argument("num")), grouped(self.argument("den")));
                format!("{above}{slash}{below}")
            }
            "sSup" | "sSub" | "sSubSup" => format!("{}{}", grouped(e), scripts(sub, sup)),
            "sPre" => format!("{}{}", scripts(sub, sup), grouped(e)),
            "rad" => match self.argument("deg") {
                degree if self.flag || degree.is_empty() => format!("√({e})"),
                "3" => format!("∛({e})"),
                "4" => format!("∜({e})"),
                degree => format!("{}√({e})", grouped(degree)),
            },
            "nary" => {
                let sign = self.sign.as_deref().unwrap_or("∫");
                format!("{sign}{} {e}", scripts(sub, sup))
            }
            "d" => {
                let open = self.open.as_deref().unwrap_or("(");
                let close = self.close.as_deref().unwrap_or(")");
                let separator = self.separator.as_deref().unwrap_or("|");
                format!("{open}{}{close}", self.all().collect::<Vec<_>>().join(separator))
            }
            "func" => format!("{} {e}", self.argument("fName")),
            "limLow" => format!("{e}{}", scripts(self.argument("lim"), "")),
            "limUpp" => format!("{e}{}", scripts("", self.argument("lim"))),
            "m" => format!("[{}]", self.rows().join("; ")),
            "eqArr" => self.all().collect::<Vec<_>>().join("; "),
            "acc" => format!("{e}{}", self.sign.as_deref().unwrap_or("\u{302}")),
            _ => e.to_owned(),
        }
    }

    /// The rows of a matrix.
    fn rows(&self) -> Vec<String> {
        let rows = self.arguments.split(|(name, _)| name == "mr").skip(1);
        rows.map(|row| row.iter().map(|(_, cell)| cell.trim()).collect::<Vec<_>>().join(", "))
            .collect()
    }
}

fn scripts(sub: &str, sup: &str) -> String {
    let mut out = String::new();
    for (sign, script) in [('_', sub), ('^', sup)] {
        if !script.is_empty() {
            out.push(sign);
            out.push_str(&grouped(script));
        }
    }
    out
}

/// Puts text into brackets, unless it is a single term.
fn grouped(text: &str) -> String {
    let is_one =
        text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '′' | '\u{300}'..='\u{36F}'));
    let in_brackets =
        text.starts_with('(') && text.ends_with(')') && text.matches(['(', ')']).count() == 2;
    if is_one || in_brackets { text.to_owned() } else { format!("({text})") }
}
