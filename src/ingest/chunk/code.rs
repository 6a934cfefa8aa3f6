//! The items of source code: which functions, types and modules enclose an offset.

use std::ops::Range;

use text_splitter::{ChunkConfig, ChunkSizer, CodeSplitter};
use tree_sitter::{Node, Parser, Tree};

use super::outline::Outline;
use crate::ingest::document::CodeLanguage;

/// Code longer than this, in bytes, is generated or minified; it is cut as plain text.
pub(super) const MAX_PARSED: usize = 1 << 20;

/// Code whose syntax tree is nested deeper than this is cut as plain text. text-splitter treats each depth as
/// a level, and its work grows with levels times nodes: 16 kB of `+++` take minutes. Hand-written code is
/// about 50 levels deep, a long sum in generated code some hundreds.
const MAX_DEPTH: u32 = 512;

/// Number of nodes between two checks of the depth: in a tree that is too deep, at least one of as many nodes
/// is too deep.
const LOOKED_AT: usize = 64;

/// Cuts code along its syntax; returns pieces with their offsets.
pub(super) fn split(
    text: &str,
    language: CodeLanguage,
    config: ChunkConfig<impl ChunkSizer>,
) -> Option<Vec<(usize, &str)>> {
    let splitter = CodeSplitter::new(grammar(language), config).ok()?;
    Some(splitter.chunk_indices(text).collect())
}

fn grammar(language: CodeLanguage) -> tree_sitter::Language {
    match language {
        CodeLanguage::C => tree_sitter_c::LANGUAGE,
        CodeLanguage::Cpp => tree_sitter_cpp::LANGUAGE,
        CodeLanguage::Go => tree_sitter_go::LANGUAGE,
        CodeLanguage::Java => tree_sitter_java::LANGUAGE,
        CodeLanguage::JavaScript => tree_sitter_javascript::LANGUAGE,
        CodeLanguage::Python => tree_sitter_python::LANGUAGE,
        CodeLanguage::Rust => tree_sitter_rust::LANGUAGE,
        CodeLanguage::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        CodeLanguage::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
    }
    .into()
}

/// The path of items at every offset (`impl Ledger`, `fn restore`), and whether the tree is too deep to cut
/// along. An item begins with its comments, attributes and decorators. A piece may straddle items.
pub(super) fn outline(text: &str, language: CodeLanguage) -> (Outline, bool) {
    let mut parser = Parser::new();
    let parsed =
        parser.set_language(&grammar(language)).ok().and_then(|()| parser.parse(text, None));
    let Some(tree) = parsed else { return (Outline::flat(text), false) };

    let mut paths = Vec::new();
    let mut around: Vec<Item> = Vec::new();
    let labels =
        |items: &[Item]| items.iter().map(|item| item.label.clone()).collect::<Vec<String>>();
    for item in items(text, language, &tree) {
        close(&mut around, item.range.start, |end, left| paths.push((end, labels(left))));
        let start = item.range.start;
        around.push(item);
        paths.push((start, labels(&around)));
    }
    close(&mut around, usize::MAX, |end, left| paths.push((end, labels(left))));
    (Outline::new(paths, vec![0, text.len()]), is_deep(&tree))
}

fn is_deep(tree: &Tree) -> bool {
    let mut cursor = tree.walk();
    (0..tree.root_node().descendant_count()).step_by(LOOKED_AT).any(|node| {
        cursor.goto_descendant(node);
        cursor.depth() > MAX_DEPTH
    })
}

struct Item {
    range: Range<usize>,
    label: String,
}

/// Closes the items that end at or before `offset`; calls `left` with the end of each and the items that
/// remain.
fn close(around: &mut Vec<Item>, offset: usize, mut left: impl FnMut(usize, &[Item])) {
    while let Some(item) = around.pop_if(|item| item.range.end <= offset) {
        left(item.range.end, around);
    }
}

/// State while the children of a node are visited.
struct Level {
    /// Where the comments and attributes before the next item begin.
    lead: Option<usize>,
    /// Whether the node only wraps an item (`export`, decorators): the lead is for that item.
    wraps: bool,
}

/// All items in order of their start, outer before inner.
fn items(text: &str, language: CodeLanguage, tree: &Tree) -> Vec<Item> {
    let mut items = Vec::new();
    let mut cursor = tree.walk();
    let mut levels = vec![Level { lead: None, wraps: false }];
    loop {
        let node = cursor.node();
        let child = visit(text, language, node, levels.last_mut(), &mut items);
        if let Some(child) = child
            && cursor.goto_first_child()
        {
            levels.push(child);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return items;
            }
            levels.pop();
        }
    }
}

/// Records the node if it is an item. Returns the level of its children where they matter.
fn visit(
    text: &str,
    language: CodeLanguage,
    node: Node<'_>,
    level: Option<&mut Level>,
    items: &mut Vec<Item>,
) -> Option<Level> {
    let level = level?;
    let kind = node.kind();
    if !node.is_named() {
        return None;
    }
    if kind.contains("comment") || kind.contains("attribute") || kind == "decorator" {
        level.lead.get_or_insert(node.start_byte());
        return None;
    }
    if let Some(label) = label(text, language, node) {
        let start = level.lead.take().unwrap_or(node.start_byte());
        items.push(Item { range: start..node.end_byte(), label });
        return Some(Level { lead: None, wraps: false });
    }
    let lead = if level.wraps { level.lead } else { level.lead.take() };
    let wraps = is_wrapper(kind);
    let start = lead.unwrap_or(node.start_byte());
    Some(Level { lead: wraps.then_some(start), wraps })
}

fn is_wrapper(kind: &str) -> bool {
    matches!(
        kind,
        "ambient_declaration"
            | "decorated_definition"
            | "export_statement"
            | "lexical_declaration"
            | "template_declaration"
            | "type_declaration"
            | "type_definition"
            | "variable_declaration"
    )
}

/// The name of an item in a heading path; `None` if the node is not an item.
fn label(text: &str, language: CodeLanguage, node: Node<'_>) -> Option<String> {
    use CodeLanguage as L;
    let kind = node.kind();
    let field = |name: &str| node.child_by_field_name(name).map(|field| &text[field.byte_range()]);
    let named = |keyword: &str| field("name").map(|name| format!("{keyword} {name}"));
    let method = || field("name").map(|name| format!("{name}()"));
    match (language, kind) {
        (L::Rust, "function_item" | "function_signature_item") => named("fn"),
        (L::Rust, "struct_item") => named("struct"),
        (L::Rust, "enum_item") => named("enum"),
        (L::Rust, "union_item") => named("union"),
        (L::Rust, "trait_item") => named("trait"),
        (L::Rust, "mod_item") => named("mod"),
        (L::Rust, "macro_definition") => named("macro_rules!"),
        (L::Rust, "impl_item") => match (field("trait"), field("type")?) {
            (Some(of), this) => Some(format!("impl {of} for {this}")),
            (None, this) => Some(format!("impl {this}")),
        },
        (L::Python, "class_definition") => named("class"),
        (L::Python, "function_definition") => named("def"),
        (L::Go, "function_declaration") => named("func"),
        (L::Go, "method_declaration") => {
            Some(format!("func {} {}", field("receiver")?, field("name")?))
        }
        (L::Go, "type_spec") => named("type"),
        (L::Java, "method_declaration" | "constructor_declaration") => method(),
        (L::Java, "record_declaration") => named("record"),
        (L::Java, "annotation_type_declaration") => named("@interface"),
        (L::C | L::Cpp, "function_definition") => {
            declared(text, node).map(|name| format!("{name}()"))
        }
        (L::C | L::Cpp, "struct_specifier") if field("body").is_some() => named("struct"),
        (L::C | L::Cpp, "union_specifier") if field("body").is_some() => named("union"),
        (L::C | L::Cpp, "enum_specifier") if field("body").is_some() => named("enum"),
        (L::Cpp, "class_specifier") if field("body").is_some() => named("class"),
        (L::Cpp, "namespace_definition") => named("namespace"),
        (L::JavaScript | L::TypeScript | L::Tsx, kind) => match kind {
            "function_declaration" | "generator_function_declaration" => named("function"),
            "method_definition" => method(),
            "type_alias_declaration" => named("type"),
            "internal_module" | "module" => named("namespace"),
            "variable_declarator" if holds_function(node) => named("function"),
            _ => declaration(kind).and_then(named),
        },
        (L::Java, kind) => declaration(kind).and_then(named),
        _ => None,
    }
}

/// Keywords of declarations that Java and TypeScript share.
fn declaration(kind: &str) -> Option<&'static str> {
    match kind {
        "class_declaration" | "abstract_class_declaration" => Some("class"),
        "interface_declaration" => Some("interface"),
        "enum_declaration" => Some("enum"),
        _ => None,
    }
}

fn holds_function(node: Node<'_>) -> bool {
    node.child_by_field_name("value")
        .is_some_and(|value| matches!(value.kind(), "arrow_function" | "function_expression"))
}

/// The name inside nested C declarators: `*restore(int id)` declares `restore`.
fn declared<'a>(text: &'a str, node: Node<'_>) -> Option<&'a str> {
    let mut declarator = node.child_by_field_name("declarator")?;
    while let Some(inner) = declarator.child_by_field_name("declarator") {
        declarator = inner;
    }
    // A reference declarator has no field for what it declares.
    if declarator.kind() == "reference_declarator" {
        declarator = declarator.named_child(0)?.child_by_field_name("declarator")?;
    }
    Some(&text[declarator.byte_range()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_is_too_deep_is_detected() {
        let sum = |terms: usize| format!("let x = {};\n", vec!["price"; terms].join(" + "));
        for (text, deep) in [
            (sum(3), false),
            (sum(400), false),
            (sum(1_000), true),
            ("function f() { return 1; }\n".repeat(2_000), false),
            ("+++\n".repeat(3_400) + "price;\n", true),
        ] {
            let start: String = text.chars().take(40).collect();
            assert_eq!(outline(&text, CodeLanguage::TypeScript).1, deep, "{start}");
        }
    }
}
