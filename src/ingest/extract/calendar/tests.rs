#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::parts::tests::units;

pub(in crate::ingest::extract) const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Harbour\r\n\
    BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
    BEGIN:VEVENT\r\nUID:1\r\nSUMMARY;LANGUAGE=en:Regatta\\, first\r\n  day\r\n\
    DTSTART;TZID=Europe/Berlin:20240301T100500\r\nDURATION:PT1H30M\r\n\
    RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=5\r\nEXDATE;TZID=Europe/Berlin:20240308T100500,20240315T100500\r\n\
    STATUS:CANCELLED\r\nORGANIZER;CN=\"Lee, Ann\":mailto:ann@example.com\r\n\
    ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT:MAILTO:bob@example.com\r\n\
    ATTENDEE;CUTYPE=ROOM;CN=Pier 4:urn:uuid:1\r\nLOCATION:Pier 4\r\n\
    DESCRIPTION:Bring ropes\\; and\\nfenders.\r\nCATEGORIES:sail,race\\, big\r\n\
    BEGIN:VALARM\r\nDESCRIPTION:no\r\nEND:VALARM\r\nEND:VEVENT\r\n\
    BEGIN:VTODO\r\nSUMMARY:Paint\r\nDUE;VALUE=DATE:20240501\r\nSTATUS:NEEDS-ACTION\r\nPERCENT-COMPLETE:40\r\nEND:VTODO\r\n\
    END:VCALENDAR\r\n";

const EVENT: &str = "Event: Regatta, first day\nStatus: cancelled\n\
    When: Friday, 2024-03-01 10:05 to 11:35 Europe/Berlin, for 1 hour 30 minutes\n\
    Repeats: every week on Friday, 5 times\n\
    Not on: Friday, 2024-03-08 10:05 Europe/Berlin, Friday, 2024-03-15 10:05 Europe/Berlin\n\
    Organizer: Lee, Ann <ann@example.com>\n\
    Attendees: Bob <bob@example.com> (optional, accepted); Pier 4 (room)\nLocation: Pier 4\n\
    Categories: sail, race, big\nDescription: Bring ropes; and\nfenders.";

const TASK: &str = "Task: Paint\nStatus: needs action\nDue: Wednesday, 2024-05-01\nDone: 40 %";

#[test]
fn an_event_a_section_cited_by_its_lines() {
    let calendar = document(CALENDAR.as_bytes()).unwrap();
    assert_eq!(calendar.title, "Harbour");
    assert_eq!(units(&calendar), [(11, 29, EVENT), (30, 35, TASK)]);
    let headings: Vec<String> = calendar.sections.iter().map(|s| s.headings.join(">")).collect();
    assert_eq!(headings, ["Regatta, first day (cancelled)", "Paint"]);
    assert_eq!(text(CALENDAR.as_bytes()), format!("{EVENT}\n\n{TASK}"));
}

#[test]
fn a_calendar_that_calls_off_says_so() {
    let calendar = "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:Dive\nRECURRENCE-ID:20240308T100500Z\nDTSTART:20240308T120000Z\nEND:VEVENT\nEND:VCALENDAR";
    let expected = "Event: Dive\nStatus: cancelled\nWhen: Friday, 2024-03-08 12:00 UTC\n\
        In place of the one on: Friday, 2024-03-08 10:05 UTC";
    let read = document(calendar.as_bytes()).unwrap();
    assert_eq!((read.title.as_str(), read.text.as_str()), ("Dive (cancelled)", expected));
    assert_eq!(text(calendar.replace("CANCEL", "REQUEST").as_bytes()).matches("cancel").count(), 0);
}

#[test]
fn files_without_entries_have_a_reason() {
    let reason = |text: &str| document(text.as_bytes()).unwrap_err().reason;
    assert!(reason("just words\n").starts_with("named as a calendar, but no line is BEGIN:VCAL"));
    let empty = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nEND:VCALENDAR\n";
    assert!(reason(empty).starts_with("empty: there is no event"));
    assert_eq!(text(b"no calendar\n:"), "");
    // Cut off.
    let cut = document(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Half\nDTST").unwrap();
    assert_eq!(units(&cut), [(2, 3, "Event: Half")]);
}
