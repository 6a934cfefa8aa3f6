//! Which paths the code of a file names, whichever way it imports them.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree, token_stream};

/// The tokens of a file, without comments and without the items that are compiled for tests only.
pub(super) struct Code {
    tokens: Vec<String>,
    /// Modules in files of their own, and whether they are for tests only.
    pub modules: Vec<(String, bool)>,
}

impl Code {
    pub(super) fn of(text: &str) -> Self {
        let mut code = Self { tokens: Vec::new(), modules: Vec::new() };
        code.read(text.parse().expect("a Rust file"));
        let declared = code.tokens.windows(3).filter(|three| three[0] == "mod" && three[2] == ";");
        code.modules.extend(declared.map(|three| (three[1].clone(), false)));
        code
    }

    fn read(&mut self, stream: TokenStream) {
        let mut tokens = stream.into_iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) if is_for_tests(&group.stream()) => {
                    let attribute = self.tokens.pop();
                    assert_eq!(attribute.as_deref(), Some("#"), "cfg(test) outside an attribute");
                    self.modules.extend(skip_item(&mut tokens).map(|name| (name, true)));
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Parenthesis | Delimiter::None => ("(", ")"),
                    };
                    self.tokens.push(open.to_owned());
                    self.read(group.stream());
                    self.tokens.push(close.to_owned());
                }
                TokenTree::Punct(first) if first.as_char() == ':' && is_joint(&first) => {
                    tokens.next();
                    self.tokens.push("::".to_owned());
                }
                TokenTree::Literal(_) => self.tokens.push("\"".to_owned()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => self.tokens.push(token.to_string()),
            }
        }
    }

    /// Every path of two names or more, from the crate's root or another crate's. Where a name may be
    /// that of one thing or of another, there is a path for each. `module` is where the file is
    /// (`crate::embed::openai`).
    pub(super) fn paths(&self, module: &str) -> BTreeSet<String> {
        let mut scope = Scope { module: split(module), ..Scope::default() };
        let mut named = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let next = self.tokens.get(at + 1).map(String::as_str);
            if self.tokens[at] == "use" && next != Some("<") {
                at = scope.import(&self.tokens, at + 1, &[]);
            } else if is_name(&self.tokens[at]) {
                let (path, end) = self.path(at);
                named.push(path);
                at = end;
            } else {
                at += 1;
            }
        }
        let imported = scope.names.values().flatten().chain(&scope.globs);
        named.extend(imported.cloned());
        let found = named.iter().filter(|path| path.len() > 1);
        found.flat_map(|path| scope.resolve(path, DEPTH)).map(|path| path.join("::")).collect()
    }

    /// The types that others than this file may name.
    pub(super) fn public_types(&self) -> Vec<String> {
        let is_type = |word: &str| ["struct", "enum", "trait", "type", "union"].contains(&word);
        let mut found = Vec::new();
        for (at, pair) in self.tokens.windows(2).enumerate() {
            let before = &self.tokens[..at];
            let visibility = match before.last().map(String::as_str) {
                Some(")") => {
                    before.iter().rposition(|token| token == "(").map(|open| &before[..open])
                }
                _ => Some(before),
            };
            let is_public =
                visibility.and_then(|before| before.last()).is_some_and(|word| word == "pub");
            if is_public && is_type(&pair[0]) {
                found.push(pair[1].clone());
            }
        }
        found
    }

    /// The path that begins at a token, and where it ends.
    fn path(&self, mut at: usize) -> (Vec<String>, usize) {
        let mut path = vec![self.tokens[at].clone()];
        at += 1;
        while at + 1 < self.tokens.len() && self.tokens[at] == "::" && is_name(&self.tokens[at + 1])
        {
            path.push(self.tokens[at + 1].clone());
            at += 2;
        }
        (path, at)
    }
}

/// Imports of imports that are followed.
const DEPTH: usize = 4;

/// What names mean in a file. One name may be imported in several places.
#[derive(Default)]
struct Scope {
    module: Vec<String>,
    names: HashMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
}

impl Scope {
    /// Reads the tree of a `use` that begins at a token, and returns where it ends.
    fn import(&mut self, tokens: &[String], mut at: usize, base: &[String]) -> usize {
        let mut path = base.to_vec();
        while at < tokens.len() {
            match tokens[at].as_str() {
                "::" => at += 1,
                "{" => {
                    at += 1;
                    while tokens[at] != "}" {
                        at = self.import(tokens, at, &path);
                        at += usize::from(tokens[at] == ",");
                    }
                    return at + 1;
                }
                "*" => {
                    self.globs.push(path);
                    return at + 1;
                }
                "as" => {
                    self.names.entry(tokens[at + 1].clone()).or_default().push(path);
                    return at + 2;
                }
                name if is_name(name) => {
                    if name != "self" || path.is_empty() {
                        path.push(name.to_owned());
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        if let Some(name) = path.last().cloned() {
            self.names.entry(name).or_default().push(path);
        }
        at
    }

    /// All that a path may mean.
    fn resolve(&self, path: &[String], depth: usize) -> Vec<Vec<String>> {
        let (first, rest) = (path[0].as_str(), &path[1..]);
        match first {
            "crate" => return vec![path.to_vec()],
            "self" => return vec![[&self.module[..], rest].concat()],
            "super" => {
                let supers = path.iter().take_while(|name| *name == "super").count();
                let above = self.module.len().saturating_sub(supers).max(1);
                return vec![[&self.module[..above], &path[supers..]].concat()];
            }
            _ => {}
        }
        let mut found = vec![path.to_vec(), [&self.module[..], path].concat()];
        if depth > 0 {
            let named = self.names.get(first).into_iter().flatten();
            let named = named.map(|import| [&import[..], rest].concat());
            let globs = self.globs.iter().map(|glob| [&glob[..], path].concat());
            let meant = named.chain(globs).filter(|meant| meant != path);
            found.extend(meant.flat_map(|meant| self.resolve(&meant, depth - 1)));
        }
        found
    }
}

/// Takes the item off `tokens` that follows an attribute; its name where it is a module in a file of
/// its own.
fn skip_item(tokens: &mut token_stream::IntoIter) -> Option<String> {
    let mut ends_at_brace = true;
    let mut module = None;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "use" | "const" | "static" | "type" | "let" => ends_at_brace = false,
                "fn" => ends_at_brace = true,
                "mod" => module = tokens.next().map(|name| name.to_string()),
                _ => {}
            },
            TokenTree::Punct(punct) if punct.as_char() == ';' => return module,
            TokenTree::Group(group) if ends_at_brace && group.delimiter() == Delimiter::Brace => {
                return None;
            }
            _ => {}
        }
    }
    None
}

fn is_for_tests(attribute: &TokenStream) -> bool {
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

fn is_joint(punct: &proc_macro2::Punct) -> bool {
    punct.spacing() == Spacing::Joint
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn split(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}

mod tests {
    use super::*;

    fn names(text: &str, path: &str) -> bool {
        let paths = Code::of(text).paths("crate::query::retrieve");
        paths.iter().any(|found| format!("{found}::").starts_with(&format!("{path}::")))
    }

    #[test]
    fn a_path_is_found_whichever_way_it_is_written() {
        for text in [
            "use crate::embed::builtin::foreignness;",
            "use crate::{embed::builtin, text};",
            "use crate::{text, embed::{sparse, builtin::{self as b}}};",
            "use crate::{\n    text,\n    embed as e,\n};\nfn f() { e::builtin::f() }",
            "use crate::embed; fn f() -> embed::builtin::Builtin { todo!() }",
            "use crate as c; use c::embed::*; fn f() { builtin::f() }",
            "use super::super::embed::builtin as b;",
            "fn f() { vec![super::super::embed::builtin::f()]; }",
            "fn f() { let x = crate :: embed :: builtin :: f :: <u8>(); }",
            "pub(crate) use crate::embed::builtin::*;",
            "macro_rules! m { () => { $crate::text::x(crate::embed::builtin::f()) } }",
            "#[derive(crate::embed::builtin::Derive)] struct S;",
        ] {
            assert!(names(text, "crate::embed::builtin"), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_path_is_none() {
        for text in [
            "use crate::embed::{Embedder, sparse};",
            "// crate::embed::builtin::f\n/* crate::embed::builtin */ fn f() {}",
            "/// See [`crate::embed::builtin`].\nfn f() {}",
            "const X: &str = \"crate::embed::builtin\"; const Y: &str = r#\"use crate::embed::builtin;\"#;",
            "use crate::embed::builtin_table::X;",
            "use crate::embed; fn f() { sparse::builtin::f() }",
        ] {
            assert!(!names(text, "crate::embed::builtin"), "{text}");
        }
    }

    #[test]
    fn only_the_item_behind_the_attribute_is_left_out() {
        let after = "fn f() { crate::store::edge::f() }";
        for item in [
            "#[cfg(test)] mod tests;",
            "#[cfg(test)]\n#[path = \"../../tests/it/qdrant.rs\"]\nmod qdrant;",
            "#[cfg(test)] pub(crate) mod tests { fn g() { if a { crate::store::server::f() } } }",
            "#[cfg(test)] use crate::store::{server::{self, X}, Y};",
            "#[cfg(test)] #[allow(unused)] fn g<T>(t: T) -> [u8; 2] { crate::store::server::f() }",
            "#[cfg(test)] pub const fn g() { crate::store::server::f() }",
            "#[cfg(test)] const X: S = S { a: crate::store::server::A };",
            "#[cfg(test)] impl S { fn g() { crate::store::server::f() } }",
            "#[cfg(test)] struct S(crate::store::server::A);",
            "mod inner { #[cfg(test)] use crate::store::server::A; }",
        ] {
            let text = format!("//! A module's words.\n{item}\n{after}");
            assert!(names(&text, "crate::store::edge"), "{text}");
            assert!(!names(&text, "crate::store::server"), "{text}");
        }
        let cut = "#[cfg(unix)] fn g() { crate::store::server::f() }";
        assert!(names(cut, "crate::store::server"));
    }

    #[test]
    fn public_types_are_those_that_others_may_name() {
        let text = "pub struct A; pub(crate) enum B {} pub(in crate::x) trait C { type D; } struct E(u8);\
             pub(super) type F = u8; impl C for A { type D = u8; } fn g() { pub struct H {} }\
             #[cfg(test)] pub struct I; pub fn j(k: (u8,)) {}";
        assert_eq!(Code::of(text).public_types(), ["A", "B", "C", "F", "H"]);
    }

    #[test]
    fn modules_in_files_are_known_with_what_they_are_for() {
        let text = "pub mod a;\nmod b { mod c; }\n#[cfg(test)]\nmod d;\n#[cfg(test)] mod e { }\n";
        let mut modules = Code::of(text).modules;
        modules.sort();
        let expected = [("a", false), ("c", false), ("d", true)];
        assert_eq!(modules, expected.map(|(name, test)| (name.to_owned(), test)));
    }
}
