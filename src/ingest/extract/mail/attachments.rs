//! Attachments of a message → documents of their own, within that of the mail.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use super::super::detect::{self, Detected};
use super::super::worker::{Extracted, WorkerRequest};
use super::super::{ExtractError, encoding, read_part};
use super::body;
use crate::ingest::document::{Document, single_spaced};
use crate::ingest::extract::parts::PartsBuilder;
use crate::types::{DocumentKind, ReadingWarning, WarningCode, ranges};

/// Deepest nesting of mails in mails.
pub(super) const DEEPEST: u32 = 4;

/// Most attachments that are read in one file.
const MOST: usize = 2_000;

/// Most bytes of text in all attachments of one file.
const MOST_TEXT: usize = 64 << 20;

/// How many of the attachments that were not read are named.
const NAMED: usize = 12;

/// The attachments of one file: those that were read, and those that were not.
pub(super) struct Attachments<'a> {
    request: &'a WorkerRequest,
    begun: Instant,
    count: usize,
    /// Names and reasons.
    unread: Vec<(String, String)>,
}

/// The name of an attachment; if it is a message, its subject.
pub(super) fn name_of(part: &MessagePart<'_>) -> Option<String> {
    let name = part.attachment_name().map(single_spaced);
    name.or_else(|| part.message().map(super::subject)).filter(|name| !name.is_empty())
}

impl<'a> Attachments<'a> {
    pub(super) fn new(request: &'a WorkerRequest) -> Self {
        Self { request, begun: Instant::now(), count: 0, unread: Vec::new() }
    }

    /// Adds the attachments of `message`. `number` is that of the message in the file, also for messages nested
    /// in it; `attached` counts all attachments.
    pub(super) fn push(
        &mut self,
        parts: &mut PartsBuilder,
        message: &Message<'_>,
        headings: &[String],
        (number, attached): (u32, &mut u32),
        depth: u32,
    ) {
        for part in message.attachments().filter(|part| !body::is_calendar(part)) {
            let Some(name) = name_of(part) else { continue };
            *attached += 1;
            let units = (number, *attached);
            let mut headings = headings.to_vec();
            headings.push(name.clone());
            let outcome = self.begin(parts.len(), depth).and_then(|()| {
                if let PartType::Message(inner) = &part.body {
                    let text = super::text(inner, false, &mut Vec::new());
                    parts.push_units(units, headings.clone(), &text);
                    self.push(parts, inner, &headings, (number, &mut *attached), depth + 1);
                    return Ok(());
                }
                let bytes = match &part.body {
                    PartType::Text(_) | PartType::Html(_) => {
                        Cow::Owned(body::decoded(message, part, false).text.into_bytes())
                    }
                    _ => Cow::Borrowed(part.contents()),
                };
                if let Some(document) = self.read(&name, &bytes, Some(part), depth)? {
                    parts.append(units, &headings, &document);
                }
                Ok(())
            });
            if let Err(reason) = outcome {
                self.leave_out(name, reason);
            }
        }
    }

    /// Whether there is room for another attachment; `length` is the bytes of text so far.
    pub(super) fn begin(&mut self, length: usize, depth: u32) -> Result<(), String> {
        self.count += 1;
        if self.count > MOST || length > MOST_TEXT {
            return Err("too many attachments, or too much text in them".to_owned());
        }
        if self.request.nesting + depth >= DEEPEST {
            return Err("mails are nested too deeply".to_owned());
        }
        Ok(())
    }

    pub(super) fn leave_out(&mut self, name: String, reason: String) {
        self.unread.push((name, reason));
    }

    /// `None` for attachments without anything to read: pictures, signatures. `part`: the attachment's part of
    /// the mail.
    pub(super) fn read(
        &mut self,
        name: &str,
        bytes: &[u8],
        part: Option<&MessagePart<'_>>,
        depth: u32,
    ) -> Result<Option<Document>, String> {
        let is_media = part.is_some_and(is_media) || detect::is_picture(Path::new(name));
        let kind =
            match detect::detect(Path::new(name), &bytes[..bytes.len().min(encoding::SAMPLE)]) {
                Detected::Known(DocumentKind::Image) => return Ok(None),
                Detected::Skip(_) if is_signature(part, name) || is_media => return Ok(None),
                Detected::Skip(reason) => return Err(reason.to_owned()),
                Detected::Known(kind) => kind,
            };
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        let limit = self.request.limit.saturating_sub(self.begun.elapsed());
        if limit.is_zero() {
            return Err("no time left for this mail".to_owned());
        }
        let request = WorkerRequest {
            source: name.to_owned(),
            kind,
            text_fields: Vec::new(),
            limit,
            passwords: self.request.passwords.clone(),
            comments: self.request.comments,
            pages: Vec::new(),
            nesting: self.request.nesting + depth + 1,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| read_part(&request, bytes)));
        let outcome = outcome.unwrap_or_else(|_| Err(ExtractError::new("the parser panicked")));
        let Extracted { document, unread } = outcome.map_err(|error| error.reason)?;
        for warning in &document.warnings {
            self.unread.push((name.to_owned(), warning.message.clone()));
        }
        let mut pages = unread.scanned.clone();
        pages.extend(&unread.unreadable);
        pages.sort_unstable();
        if !pages.is_empty() {
            let reason = format!(
                "page {} is a picture: save the attachment as a file to have it read",
                ranges(&pages)
            );
            self.unread.push((name.to_owned(), reason));
        }
        Ok(Some(document))
    }

    /// The warning about what was not read, if there is any.
    pub(super) fn warning(self) -> Option<ReadingWarning> {
        let named = self.unread.iter().take(NAMED);
        let mut names: Vec<String> =
            named.map(|(name, reason)| format!("{name} ({reason})")).collect();
        if self.unread.len() > NAMED {
            names.push(format!("{} more", self.unread.len() - NAMED));
        }
        (!names.is_empty()).then(|| warning(&names.join(", ")))
    }
}

pub(super) fn warning(what: &str) -> ReadingWarning {
    let message = format!("attachments not read, or not in full: {what}");
    ReadingWarning { code: WarningCode::AttachmentsNotRead, message, pages: Vec::new() }
}

fn is_signature(part: Option<&MessagePart<'_>>, name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default().to_ascii_lowercase();
    ["p7s", "p7m", "asc", "sig", "dat"].iter().any(|known| extension == *known)
        || part.and_then(MimeHeaders::content_type).is_some_and(|kind| {
            kind.subtype().is_some_and(|subtype| subtype.ends_with("signature"))
        })
}

fn is_media(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| matches!(kind.ctype(), "image" | "audio" | "video"))
}
