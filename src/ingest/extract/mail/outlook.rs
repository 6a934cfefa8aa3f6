//! Messages saved by Outlook (MSG, MS-OXMSG): a folder of properties, with a folder for each recipient and each
//! attachment.

use std::path::Path;

use chrono::DateTime;
use encoding_rs::{Encoding, WINDOWS_1252};
use mail_parser::MessageParser;

use super::super::compound::Compound;
use super::super::parts::PartsBuilder;
use super::super::worker::WorkerRequest;
use super::super::{ExtractError, detect, html, rtf};
use super::attachments::Attachments;
use super::{Head, lzfu};
use crate::ingest::document::{Document, LocatorUnit, Syntax, single_spaced};

/// The stream of a folder with the properties of fixed size.
const PROPERTIES: &str = "__properties_version1.0";

/// Bytes before the properties of the message, of an attached message, and of anything else.
const FRONTS: [usize; 3] = [32, 24, 8];

/// Numbers of properties (MS-OXPROPS).
const SUBJECT: u16 = 0x0037;
const SUBMITTED: u16 = 0x0039;
const SENT_FOR: [u16; 3] = [0x0042, 0x5D02, 0x0065];
const HEADERS: u16 = 0x007D;
const MESSAGE_CLASS: u16 = 0x001A;
const RECIPIENT_TYPE: u16 = 0x0C15;
const SENDER: [u16; 3] = [0x0C1A, 0x5D01, 0x0C1F];
const SHOWN_COPIES: u16 = 0x0E03;
const SHOWN_TO: u16 = 0x0E04;
const DELIVERED: u16 = 0x0E06;
const BODY: u16 = 0x1000;
const RTF: u16 = 0x1009;
const HTML: u16 = 0x1013;
/// The name of a recipient or an attachment.
const NAME: u16 = 0x3001;
const PERSON: [u16; 3] = [NAME, 0x39FE, 0x3003];
const CONTENT: u16 = 0x3701;
const FILE_NAMES: [u16; 3] = [0x3707, 0x3704, NAME];
const CODE_PAGES: [u16; 2] = [0x3FFD, 0x3FDE];

pub(super) fn document(request: &WorkerRequest, bytes: &[u8]) -> Result<Document, ExtractError> {
    let mut file = Compound::open(bytes, "an Outlook message")?;
    if !file.has_stream(&format!("/{PROPERTIES}")) {
        let extension = detect::extension(Path::new(&request.source));
        let reason = format!(
            "named .{extension}, but it holds no message: if Office made it, save it as .docx, .xlsx or .pptx"
        );
        return Err(ExtractError::new(&reason));
    }
    let mut parts = PartsBuilder::new(LocatorUnit::Message);
    let mut attachments = Attachments::new(request);
    let title = read(
        &mut file,
        "",
        &mut parts,
        &mut attachments,
        Level { units: (1, 0), headings: &[], depth: 0 },
        &mut 0,
    );
    let warnings = attachments.warning().into_iter().collect();
    Ok(Document { warnings, ..parts.finish(title, Syntax::Plain) })
}

/// The position of a message in its file.
#[derive(Clone, Copy)]
struct Level<'a> {
    units: (u32, u32),
    headings: &'a [String],
    /// How many messages it is nested in.
    depth: u32,
}

/// Reads a message with its attachments, and returns its subject. `attached` counts all attachments of the
/// file.
fn read(
    file: &mut Compound<'_>,
    folder: &str,
    parts: &mut PartsBuilder,
    attachments: &mut Attachments<'_>,
    level: Level<'_>,
    attached: &mut u32,
) -> String {
    let Level { units, headings, depth } = level;
    let properties = Properties::of(file, folder, FRONTS[usize::from(depth > 0)], WINDOWS_1252);
    let subject = single_spaced(&properties.text(file, SUBJECT).unwrap_or_default());
    let folders = attached_folders(file, folder);
    let files: Vec<Properties> =
        folders.iter().map(|it| Properties::of(file, it, FRONTS[2], properties.encoding)).collect();
    let names: Vec<String> = files.iter().map(|it| name_of(file, it)).collect();
    let mut head = head(file, folder, &properties);
    head.attached = names.iter().filter(|name| !name.is_empty()).cloned().collect();
    let body = body(file, &properties);
    let mut headings = headings.to_vec();
    if depth == 0 && !subject.is_empty() {
        headings.push(subject.clone());
    }
    parts.push_units(units, headings.clone(), &head.with(&body));
    for (properties, name) in files.iter().zip(names) {
        *attached += 1;
        let units = (units.0, *attached);
        let inner = format!("{}/{}", properties.folder, stream(CONTENT, "000D"));
        let is_message = file.has_stream(&format!("{inner}/{PROPERTIES}"));
        if name.is_empty() && !is_message {
            continue;
        }
        let mut headings = headings.clone();
        headings.push(name.clone());
        let outcome = attachments.begin(parts.len(), depth).and_then(|()| {
            if is_message {
                let level = Level { units, headings: &headings, depth: depth + 1 };
                read(file, &inner, parts, attachments, level, attached);
                return Ok(());
            }
            let Some(bytes) = properties.bytes(file, CONTENT) else {
                let is_object = file.is_folder(&inner);
                let reason =
                    if is_object { "an embedded Office object" } else { "not in the message" };
                return Err(reason.to_owned());
            };
            if let Some(document) = attachments.read(&name, &bytes, None, depth)? {
                parts.append(units, &headings, &document);
            }
            Ok(())
        });
        if let Err(reason) = outcome {
            attachments.leave_out(name, reason);
        }
    }
    subject
}

/// The folders of attachments, in the order of their numbers.
fn attached_folders(file: &Compound<'_>, folder: &str) -> Vec<String> {
    let mut names = file.names(&format!("{folder}/"));
    names.retain(|name| name.starts_with("__attach_version1.0_#"));
    names.sort();
    names.into_iter().map(|name| format!("{folder}/{name}")).collect()
}

/// The name of an attached file; of a message, its subject.
fn name_of(file: &mut Compound<'_>, properties: &Properties) -> String {
    let name = FILE_NAMES.iter().find_map(|id| properties.text(file, *id));
    let name = name.unwrap_or_else(|| {
        let inner = format!("{}/{}", properties.folder, stream(CONTENT, "000D"));
        let inner = Properties { folder: inner, ..properties.clone() };
        inner.text(file, SUBJECT).unwrap_or_default()
    });
    single_spaced(&name)
}

fn head(file: &mut Compound<'_>, folder: &str, properties: &Properties) -> Head {
    let sender = person(file, properties, SENDER);
    let sender = sender.or_else(|| person(file, properties, SENT_FOR));
    let mut recipients = file.names(&format!("{folder}/"));
    recipients.retain(|name| name.starts_with("__recip_version1.0_#"));
    recipients.sort();
    let (mut to, mut copies) = (Vec::new(), Vec::new());
    for name in recipients {
        let folder = format!("{folder}/{name}");
        let recipient = Properties::of(file, &folder, FRONTS[2], properties.encoding);
        let person = person(file, &recipient, PERSON);
        match recipient.number(RECIPIENT_TYPE) {
            None | Some(1) => to.extend(person),
            Some(2) => copies.extend(person),
            Some(_) => {}
        }
    }
    for (people, shown) in [(&mut to, SHOWN_TO), (&mut copies, SHOWN_COPIES)] {
        if people.is_empty() {
            let shown = properties.text(file, shown).map(|shown| single_spaced(&shown));
            people.extend(shown.filter(|shown| !shown.is_empty()));
        }
    }
    let date = sent(file, properties);
    Head { from: sender.into_iter().collect(), to, copies, date, attached: Vec::new() }
}

/// `Ann Lee <ann@example.com>`, from the property of the name and those of its addresses. Internal addresses of
/// a company mean nothing to people.
fn person(
    file: &mut Compound<'_>,
    of: &Properties,
    [name, first, second]: [u16; 3],
) -> Option<String> {
    let mut text =
        |id| of.text(file, id).map(|text| single_spaced(&text)).filter(|it| !it.is_empty());
    let name = text(name).map(|name| name.trim_matches('\'').to_owned());
    let is_address = |address: &String| address.contains('@') && !address.starts_with('/');
    let address = text(first).filter(is_address).or_else(|| text(second).filter(is_address));
    match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address),
    }
}

/// The date in its headers, else the one of the servers that received it.
fn sent(file: &mut Compound<'_>, properties: &Properties) -> Option<String> {
    /// Seconds from 1601 to 1970.
    const TO_1970: i64 = 11_644_473_600;
    let headers = properties.text(file, HEADERS).unwrap_or_default();
    let parsed = MessageParser::default().parse_headers(headers.as_bytes());
    if let Some(date) = parsed.as_ref().and_then(super::headers::date) {
        return Some(date);
    }
    let time = properties.number(SUBMITTED).or_else(|| properties.number(DELIVERED))?;
    let seconds = i64::try_from(time / 10_000_000).ok()? - TO_1970;
    let date = DateTime::from_timestamp(seconds, 0)?;
    Some(format!("{} UTC", date.format("%Y-%m-%d %H:%M")))
}

/// The plain text, else that of its RTF or its HTML page.
fn body(file: &mut Compound<'_>, properties: &Properties) -> String {
    let class = properties.text(file, MESSAGE_CLASS).unwrap_or_default().to_ascii_uppercase();
    let plain = properties.text(file, BODY).unwrap_or_default().replace("\r\n", "\n");
    if !plain.trim().is_empty() {
        return plain.trim().to_owned();
    }
    let page = properties.bytes(file, HTML).unwrap_or_default();
    let page = html::markdown(&html::decoded(&page).text);
    if !page.trim().is_empty() {
        return page.trim().to_owned();
    }
    if let Some(page) = properties.text(file, HTML).filter(|page| !page.trim().is_empty()) {
        return html::markdown(&page).trim().to_owned();
    }
    let packed = properties.bytes(file, RTF).unwrap_or_default();
    let text = lzfu::unpacked(&packed).and_then(|rtf| rtf::document(&rtf, false).ok());
    let text = text.map(|document| document.text).unwrap_or_default();
    if text.trim().is_empty() && class.contains("SMIME") && !class.contains("SIGNED") {
        return "(encrypted)".to_owned();
    }
    text.trim().to_owned()
}

/// The name of the stream or folder of a property; `kind` is its type.
fn stream(id: u16, kind: &str) -> String {
    format!("__substg1.0_{id:04X}{kind}")
}

/// The properties of a folder.
#[derive(Clone)]
struct Properties {
    folder: String,
    /// The properties of fixed size: numbers and values.
    fixed: Vec<(u16, u64)>,
    /// The encoding of texts that are not Unicode.
    encoding: &'static Encoding,
}

impl Properties {
    /// Reads the properties of fixed size, which follow `front` other bytes.
    fn of(file: &mut Compound<'_>, folder: &str, front: usize, usual: &'static Encoding) -> Self {
        /// Type, number, flags and value.
        const SIZE: usize = 16;
        let bytes = file.stream(&format!("{folder}/{PROPERTIES}")).unwrap_or_default();
        let entries = bytes.get(front..).unwrap_or_default().chunks_exact(SIZE);
        let fixed = entries.map(|entry| {
            let mut value = [0; 8];
            value.copy_from_slice(&entry[8..]);
            let kind = u16::from_le_bytes([entry[0], entry[1]]);
            let value = u64::from_le_bytes(value);
            // The upper half of 32-bit numbers is not cleared.
            let value = if kind == 3 { value & u64::from(u32::MAX) } else { value };
            (u16::from_le_bytes([entry[2], entry[3]]), value)
        });
        let mut properties =
            Self { folder: folder.to_owned(), fixed: fixed.collect(), encoding: usual };
        let mut pages = CODE_PAGES.iter().filter_map(|id| properties.number(*id));
        let encoding = pages.find_map(|page| rtf::code_page(i32::try_from(page).ok()?));
        properties.encoding = encoding.unwrap_or(usual);
        properties
    }

    fn number(&self, id: u16) -> Option<u64> {
        self.fixed.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
    }

    fn text(&self, file: &mut Compound<'_>, id: u16) -> Option<String> {
        let path = |kind| format!("{}/{}", self.folder, stream(id, kind));
        let text = if let Some(bytes) = file.stream(&path("001F")) {
            encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned()
        } else {
            let bytes = file.stream(&path("001E"))?;
            match std::str::from_utf8(&bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => self.encoding.decode_without_bom_handling(&bytes).0.into_owned(),
            }
        };
        Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
    }

    fn bytes(&self, file: &mut Compound<'_>, id: u16) -> Option<Vec<u8>> {
        file.stream(&format!("{}/{}", self.folder, stream(id, "0102")))
    }
}

#[cfg(test)]
pub(super) mod tests;
