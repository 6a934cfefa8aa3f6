//! Contacts (vCard, RFC 6350) → a section for each, with a line for each field.

use super::ExtractError;
use super::content_line::{self, Property};
use super::parts::PartsBuilder;
use crate::ingest::document::{Document, LocatorUnit, Syntax, single_spaced};
use crate::types::DocumentKind;

/// Properties and their labels, in the order in which they are written.
const NAMES: [(&str, &str); 15] = [
    ("FN", "Name"),
    ("NICKNAME", "Nickname"),
    ("ORG", "Organization"),
    ("TITLE", "Title"),
    ("ROLE", "Role"),
    ("TEL", "Phone"),
    ("EMAIL", "E-mail"),
    ("IMPP", "Messenger"),
    ("ADR", "Address"),
    ("URL", "URL"),
    ("BDAY", "Birthday"),
    ("ANNIVERSARY", "Anniversary"),
    ("RELATED", "Related"),
    ("CATEGORIES", "Categories"),
    ("NOTE", "Note"),
];

/// The document is cited by lines.
pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let (properties, warnings) = content_line::of_file(DocumentKind::Contacts, bytes)?;
    let mut contacts: Vec<((u32, u32), Vec<Property>)> = Vec::new();
    let mut open = false;
    for property in properties {
        let is_card = property.value.eq_ignore_ascii_case("VCARD");
        match property.name.as_str() {
            "BEGIN" if is_card => {
                contacts.push((property.lines, Vec::new()));
                open = true;
            }
            "END" if is_card => open = false,
            _ if !open => continue,
            _ => {}
        }
        if let Some((lines, of)) = contacts.last_mut() {
            lines.1 = property.lines.1;
            of.push(property);
        }
    }
    if contacts.is_empty() {
        let reason = "named as contacts, but no line is BEGIN:VCARD: save it as .txt if it is text";
        return Err(ExtractError::new(reason));
    }
    let mut parts = PartsBuilder::new(LocatorUnit::Line);
    let only = contacts.len() == 1;
    let mut title = String::new();
    for (lines, properties) in contacts {
        let name = name(&properties);
        if only {
            title.clone_from(&name);
        }
        let headings = Some(name.clone()).filter(|name| !name.is_empty());
        parts.push_units(lines, headings.into_iter().collect(), &told(&name, &properties));
    }
    Ok(Document { warnings, ..parts.finish(title, Syntax::Plain) })
}

/// The formatted name, else one made of its parts.
fn name(properties: &[Property]) -> String {
    let first = |name: &str| properties.iter().find(|property| property.name == name);
    let shown = first("FN").map(|name| single_spaced(&name.text())).unwrap_or_default();
    if !shown.is_empty() {
        return shown;
    }
    let parts = first("N").map(|name| name.parts(&[';'])).unwrap_or_default();
    let ordered = [3, 1, 2, 0, 4].into_iter().filter_map(|at| parts.get(at));
    let name = single_spaced(&ordered.cloned().collect::<Vec<_>>().join(" "));
    let organization = || first("ORG").map(|it| single_spaced(&it.parts(&[';']).join(" ")));
    if name.is_empty() { organization().unwrap_or_default() } else { name }
}

fn told(name: &str, properties: &[Property]) -> String {
    let mut lines = Vec::new();
    if !name.is_empty() {
        lines.push(format!("Name: {name}"));
    }
    for (known, called) in NAMES.into_iter().skip(1) {
        for property in properties.iter().filter(|property| property.name == known) {
            let value = match known {
                "ORG" | "ADR" => listed(&property.parts(&[';'])),
                "CATEGORIES" | "NICKNAME" => listed(&property.parts(&[','])),
                "BDAY" | "ANNIVERSARY" => date(&property.value),
                "TEL" => property.text().trim_start_matches("tel:").to_owned(),
                _ => property.text(),
            };
            if !value.is_empty() {
                lines.push(format!("{called}{}: {value}", kinds(property)));
            }
        }
    }
    lines.join("\n")
}

fn listed(parts: &[String]) -> String {
    let parts = parts.iter().map(|part| single_spaced(part)).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

/// The kinds of an entry, as in ` (work, fax)`.
fn kinds(property: &Property) -> String {
    const KNOWN: [&str; 8] = ["home", "work", "cell", "fax", "pager", "spouse", "child", "parent"];
    let all = property.parameters("TYPE").flat_map(|kinds| kinds.split(','));
    let mut kinds: Vec<String> = all.map(|kind| kind.trim().to_ascii_lowercase()).collect();
    kinds.retain(|kind| KNOWN.contains(&kind.as_str()));
    for kind in &mut kinds {
        if kind == "cell" {
            "mobile".clone_into(kind);
        }
    }
    if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) }
}

/// Rewrites `19850412` as `1985-04-12`.
fn date(value: &str) -> String {
    let day = value.split('T').next().unwrap_or(value);
    let date = chrono::NaiveDate::parse_from_str(day, "%Y%m%d");
    date.map_or_else(|_| value.to_owned(), |date| date.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::ingest::extract::parts::tests::units;

    pub(in crate::ingest::extract) const CONTACTS: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\nN:Lee;Ann;;Dr.;\r\n\
        ORG:Harbour Office;Pilots\r\nTEL;TYPE=\"work,voice\":tel:+47 123\r\nitem1.TEL;CELL;PREF:456\r\n\
        ADR;TYPE=work:;;Pier 4;Oslo;;0150;Norway\r\nBDAY:19850412\r\nPHOTO;ENCODING=b:/9j/4AAQ\r\n SkZJRg==\r\n\
        NOTE:Speaks é\\, and\\nsigns.\r\nEND:VCARD\r\n\r\nBEGIN:VCARD\r\nVERSION:2.1\r\nN:Bo;Kim\r\nEMAIL;INTERNET;HOME:kim@example.com\r\nEND:VCARD\r\n";

    #[test]
    fn a_contact_a_section() {
        let read = document(CONTACTS.as_bytes()).unwrap();
        let ann = "Name: Ann Lee\nOrganization: Harbour Office, Pilots\nPhone (work): +47 123\nPhone (mobile): 456\n\
            Address (work): Pier 4, Oslo, 0150, Norway\nBirthday: 1985-04-12\nNote: Speaks é, and\nsigns.";
        let kim = "Name: Kim Bo\nE-mail (home): kim@example.com";
        assert_eq!(units(&read), [(1, 13, ann), (15, 19, kim)]);
        assert_eq!(read.sections[0].headings, ["Ann Lee"]);
        assert_eq!(read.title, "");
    }

    #[test]
    fn files_without_contacts_have_a_reason() {
        let reason = document(b"just: words\n").unwrap_err().reason;
        assert!(reason.starts_with("named as contacts, but no line is BEGIN:VCARD"), "{reason}");
    }
}
