//! The files of `deploy`: what they set is something that can be set.

use std::path::Path;

use docent::settings::KEYS;

#[test]
fn what_the_compose_file_sets_are_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose.yaml");
    let text = std::fs::read_to_string(path).expect("the file");
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |prefix: &'static str| {
        text.split(move |c| !word(c))
            .filter(move |it| it.starts_with(prefix) && it.len() > prefix.len())
    };
    let known = |name: &str| KEYS.iter().any(|row| row.env.contains(&name));
    // Of compose itself, read by nothing else.
    let its_own = ["DOCENT_IMAGE", "DOCENT_KEYS"];
    let set = ["DOCENT_", "OPENAI_", "QDRANT_U", "QDRANT_A"].into_iter().flat_map(names);
    let set: Vec<&str> = set.filter(|name| !its_own.contains(name)).collect();
    assert!(set.len() >= 8, "{set:?}");
    for name in set {
        assert!(known(name), "{name} sets nothing");
    }
}
