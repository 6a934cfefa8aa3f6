//! Invitations (iCalendar, RFC 5545) → the lines that people read.

/// Properties of an event or a task, and what they are called.
const NAMES: [(&str, &str); 8] = [
    ("SUMMARY", "Event"),
    ("DTSTART", "Start"),
    ("DTEND", "End"),
    ("DUE", "Due"),
    ("LOCATION", "Location"),
    ("ORGANIZER", "Organizer"),
    ("URL", "URL"),
    ("DESCRIPTION", "Description"),
];

/// The events and tasks, a blank line between them.
pub(super) fn text(calendar: &str) -> String {
    // Long lines go on behind a line end and a space (3.1).
    let unfolded = calendar.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut events: Vec<Vec<String>> = Vec::new();
    let mut depth: Vec<&str> = Vec::new();
    for line in unfolded.lines() {
        let Some((head, value)) = split(line) else { continue };
        let name = head.split(';').next().unwrap_or_default().to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" => {
                depth.push(value);
                if matches!(value, "VEVENT" | "VTODO" | "VJOURNAL") {
                    events.push(Vec::new());
                }
            }
            "END" => {
                depth.pop();
            }
            // Alarms within an event describe themselves.
            _ if matches!(depth.last(), Some(&("VEVENT" | "VTODO" | "VJOURNAL"))) => {
                let known = NAMES.iter().find(|(known, _)| *known == name);
                if let (Some((_, called)), Some(event)) = (known, events.last_mut()) {
                    let value = if name.starts_with('D') && name != "DESCRIPTION" {
                        time(value)
                    } else {
                        unescaped(value)
                    };
                    if !value.is_empty() {
                        event.push(format!("{called}: {value}"));
                    }
                }
            }
            _ => {}
        }
    }
    let events = events.into_iter().filter(|event| !event.is_empty());
    events.map(|event| event.join("\n")).collect::<Vec<_>>().join("\n\n")
}

/// `DTSTART;TZID="a:b":2024` before and behind the colon.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    Some((&line[..at], line[at + 1..].trim()))
}

/// `20240301T100500Z` as `2024-03-01 10:05 UTC`.
fn time(value: &str) -> String {
    let digits = |range: std::ops::Range<usize>| {
        value.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(4..6), digits(6..8)) else {
        return value.to_owned();
    };
    let zone = if value.ends_with('Z') { " UTC" } else { "" };
    match (digits(9..11), digits(11..13)) {
        (Some(hour), Some(minute)) => format!("{year}-{month}-{day} {hour}:{minute}{zone}"),
        _ => format!("{year}-{month}-{day}"),
    }
}

fn unescaped(value: &str) -> String {
    let value = value.trim_start_matches("mailto:").trim_start_matches("MAILTO:");
    value
        .replace("\\n", "\n")
        .replace("\\N", "\n")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let calendar = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=en:Regatta\\, first\r\n  day\r\nDTSTART;TZID=\"a:b\":20240301T100500Z\r\nDTEND:20240302\r\nLOCATION:Pier 4\r\nORGANIZER:mailto:a@b.de\r\nBEGIN:VALARM\r\nDESCRIPTION:no\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VTIMEZONE\r\nDTSTART:1970\r\nEND:VTIMEZONE\r\nEND:VCALENDAR";
        let expected = "Event: Regatta, first day\nStart: 2024-03-01 10:05 UTC\nEnd: 2024-03-02\nLocation: Pier 4\nOrganizer: a@b.de";
        assert_eq!(text(calendar), expected);
        assert_eq!(text("no calendar\n:"), "");
        assert_eq!(time("2024é301"), "2024é301");
    }
}
