//! Calendars and invitations (iCalendar, RFC 5545) → the lines that people read, with a section for each event,
//! task or journal entry.

mod people;
mod repeats;
mod time;

use super::ExtractError;
use super::content_line::{self, Property};
use super::parts::PartsBuilder;
use crate::ingest::document::{Document, LocatorUnit, Syntax, single_spaced};
use crate::types::DocumentKind;

/// The entries of a calendar, and what they are called.
const ENTRIES: [(&str, &str); 3] =
    [("VEVENT", "Event"), ("VTODO", "Task"), ("VJOURNAL", "Journal entry")];

/// Text properties and their labels, in the order in which they are written.
const TEXTS: [(&str, &str); 10] = [
    ("LOCATION", "Location"),
    ("CONFERENCE", "Meeting link"),
    ("X-GOOGLE-CONFERENCE", "Meeting link"),
    ("X-MICROSOFT-SKYPETEAMSMEETINGURL", "Meeting link"),
    ("URL", "URL"),
    ("CONTACT", "Contact"),
    ("RESOURCES", "Resources"),
    ("CATEGORIES", "Categories"),
    ("DESCRIPTION", "Description"),
    ("COMMENT", "Comment"),
];

/// The document is cited by lines.
pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let (properties, warnings) = content_line::of_file(DocumentKind::Calendar, bytes)?;
    let calendar = Calendar::of(properties);
    if calendar.entries.is_empty() {
        let reason = if calendar.is_one {
            "empty: there is no event, task or journal entry in the calendar"
        } else {
            "named as a calendar, but no line is BEGIN:VCALENDAR or BEGIN:VEVENT: save it as .txt if it is text"
        };
        return Err(ExtractError::new(reason));
    }
    let mut parts = PartsBuilder::new(LocatorUnit::Line);
    for entry in &calendar.entries {
        let headings = entry.heading().into_iter().collect();
        parts.push_units(entry.lines, headings, &entry.told());
    }
    let title = match calendar.entries.as_slice() {
        _ if !calendar.name.is_empty() => calendar.name.clone(),
        [only] => only.heading().unwrap_or_default(),
        _ => String::new(),
    };
    Ok(Document { warnings, ..parts.finish(title, Syntax::Plain) })
}

/// The same as part of another text, with a blank line between the entries.
pub(super) fn text(calendar: &[u8]) -> String {
    let Ok((properties, _)) = content_line::of_file(DocumentKind::Calendar, calendar) else {
        return String::new();
    };
    let calendar = Calendar::of(properties);
    let told = calendar.entries.iter().map(Entry::told).filter(|told| !told.is_empty());
    told.collect::<Vec<_>>().join("\n\n")
}

#[derive(Default)]
struct Calendar {
    /// Whether the file says that it is a calendar.
    is_one: bool,
    name: String,
    entries: Vec<Entry>,
}

struct Entry {
    /// The label of this kind of entry.
    called: &'static str,
    lines: (u32, u32),
    properties: Vec<Property>,
    /// Whether the calendar was sent to cancel the entry.
    called_off: bool,
}

impl Calendar {
    fn of(properties: Vec<Property>) -> Self {
        let mut calendar = Self::default();
        let mut within: Vec<String> = Vec::new();
        let mut called_off = false;
        let last = properties.last().map_or(1, |property| property.lines.1);
        for property in properties {
            let value = property.value.to_ascii_uppercase();
            match property.name.as_str() {
                "BEGIN" => {
                    calendar.is_one |= value == "VCALENDAR";
                    called_off &= value != "VCALENDAR";
                    if let Some((_, called)) = ENTRIES.iter().find(|(name, _)| *name == value) {
                        let lines = (property.lines.0, last);
                        let properties = Vec::new();
                        calendar.entries.push(Entry { called, lines, properties, called_off });
                    }
                    within.push(value);
                }
                "END" => {
                    within.pop();
                    if let Some(entry) = calendar.entries.last_mut()
                        && ENTRIES.iter().any(|(name, _)| *name == value)
                    {
                        entry.lines.1 = property.lines.1;
                    }
                }
                name => match within.last().map(String::as_str) {
                    None | Some("VCALENDAR") => match name {
                        "METHOD" => called_off = value == "CANCEL",
                        "X-WR-CALNAME" | "NAME" => calendar.name = single_spaced(&property.text()),
                        _ => {}
                    },
                    // Alarms within an event describe themselves.
                    Some("VEVENT" | "VTODO" | "VJOURNAL") => {
                        if let Some(entry) = calendar.entries.last_mut() {
                            entry.properties.push(property);
                        }
                    }
                    Some(_) => {}
                },
            }
        }
        calendar.entries.retain(|entry| !entry.properties.is_empty());
        calendar
    }
}

impl Entry {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    fn first(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The heading of each passage: the summary, and whether the entry is cancelled.
    fn heading(&self) -> Option<String> {
        let summary = single_spaced(&self.first("SUMMARY")?.text());
        let off = if self.status() == Some("cancelled".to_owned()) { " (cancelled)" } else { "" };
        (!summary.is_empty()).then(|| format!("{summary}{off}"))
    }

    fn status(&self) -> Option<String> {
        if self.called_off {
            return Some("cancelled".to_owned());
        }
        let status = self.first("STATUS")?.value.to_ascii_lowercase().replace('-', " ");
        Some(if status == "canceled" { "cancelled".to_owned() } else { status })
    }

    fn told(&self) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        let text = |name| self.first(name).map(Property::text).unwrap_or_default();
        lines.push((self.called, text("SUMMARY")));
        lines.push(("Status", self.status().unwrap_or_default()));
        let when = time::span(self.first("DTSTART"), self.first("DTEND"), self.first("DURATION"));
        lines.push(("When", when));
        let times = |name| self.all(name).map(time::list).collect::<Vec<_>>().join(", ");
        let rules = |name| self.all(name).map(|rule| repeats::describe(&rule.value));
        lines.push(("Due", times("DUE")));
        lines.push(("Completed", times("COMPLETED")));
        let percent = self.first("PERCENT-COMPLETE").map(|done| format!("{} %", done.value));
        lines.push(("Done", percent.unwrap_or_default()));
        lines.push(("Repeats", rules("RRULE").collect::<Vec<_>>().join("; and ")));
        lines.push(("Also on", times("RDATE")));
        let except = rules("EXRULE").chain(self.all("EXDATE").map(time::list));
        lines.push(("Not on", except.collect::<Vec<_>>().join(", ")));
        lines.push(("In place of the one on", times("RECURRENCE-ID")));
        lines.extend(self.all("ORGANIZER").map(|who| ("Organizer", people::describe(who))));
        let people = self.all("ATTENDEE").map(people::describe).filter(|who| !who.is_empty());
        lines.push(("Attendees", people.collect::<Vec<_>>().join("; ")));
        for (name, called) in TEXTS {
            let listed = matches!(name, "CATEGORIES" | "RESOURCES");
            let texts = self.all(name).map(|property| {
                if listed { property.parts(&[',']).join(", ") } else { property.text() }
            });
            let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
            lines.push((called, texts.join(if listed { ", " } else { "\n" })));
        }
        // Attached files come with the mail of an invitation; data that is embedded here is not text.
        let links = self.all("ATTACH").map(Property::text).filter(|link| link.contains("://"));
        lines.extend(links.map(|link| ("Attached", link)));
        let lines = lines.into_iter().filter(|(_, value)| !value.is_empty());
        lines.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
pub(super) mod tests;
