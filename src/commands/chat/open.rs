//! `/open`: opens a source in the program for it.
//!
//! The name of a file may be chosen by somebody else. It is passed to a program as one argument, which
//! begins with the root of the file system or with `http`, so that no shell reads it and it cannot be
//! an option. Which programs run is the user's choice, never the document's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::{Exit, Failure};
use crate::types::{Locator, Passage, is_url};
use crate::ui::Ui;

/// The available programs.
#[derive(Default)]
struct Programs {
    /// `$VISUAL` or `$EDITOR`, with its arguments.
    editor: Vec<String>,
    /// Opens a file or URL in the desktop's program for it.
    opener: Option<&'static str>,
}

/// How a source is opened.
#[derive(PartialEq, Eq, Debug)]
enum Opening {
    /// Run in the terminal until it ends.
    Edit(OsString, Vec<OsString>),
    /// Started beside the session.
    Start(OsString, Vec<OsString>),
    /// Only printed, since no program can open it.
    Show,
}

pub(super) async fn open(
    ui: &mut Ui,
    passage: &Passage,
    root: &Path,
    at_terminal: bool,
) -> Result<(), Failure> {
    let place = Place::of(passage, root)?;
    let programs = if at_terminal { Programs::find() } else { Programs::default() };
    let ran = match opening(&place, &programs) {
        Opening::Show => return ui.place(&place.shown()),
        Opening::Edit(program, args) => {
            Command::new(&program).args(args).status().await.map(|_| program)
        }
        Opening::Start(program, args) => {
            let mut command = Command::new(&program);
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().map(|_| program)
        }
    };
    match ran {
        Ok(program) => ui.detail(&format!("opened with {}", program.display())),
        Err(error) => {
            ui.warn(&format!("no program was started: {error}"));
            ui.place(&place.shown())?;
        }
    }
    Ok(())
}

/// Where a source is.
enum Place {
    Url(String),
    File { path: PathBuf, locator: Locator },
}

impl Place {
    fn of(passage: &Passage, root: &Path) -> Result<Self, Failure> {
        if is_url(&passage.source) {
            return Ok(Self::Url(passage.source.clone()));
        }
        let path = root.join(&passage.source);
        if path.is_absolute() && path.is_file() {
            return Ok(Self::File { path, locator: passage.locator });
        }
        Err(Failure::new(Exit::Usage, format!("{} is not a file here", passage.source))
            .hint("it was read from standard input, or was deleted since"))
    }

    fn shown(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::File { path, locator } => locator.cite(&path.display().to_string()),
        }
    }
}

impl Programs {
    fn find() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_default();
        let desktop = set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some();
        let opener = match std::env::consts::OS {
            "macos" => Some("open"),
            // Without a desktop, xdg-open would start a browser in the terminal.
            _ => desktop.then_some("xdg-open"),
        };
        Self { editor: editor.split_whitespace().map(str::to_owned).collect(), opener }
    }
}

fn opening(place: &Place, programs: &Programs) -> Opening {
    let start = |what: OsString| match programs.opener {
        Some(opener) => Opening::Start(opener.into(), vec![what]),
        None => Opening::Show,
    };
    let (path, line) = match place {
        Place::Url(url) => return start(url.into()),
        Place::File { path, .. } if is_document(path) => return start(path.into()),
        Place::File { path, locator: Locator::Lines(first, _) } => (path, *first),
        Place::File { path, .. } => (path, 1),
    };
    let Some((program, args)) = programs.editor.split_first() else { return Opening::Show };
    let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
    args.extend(at_line(program, path, line));
    Opening::Edit(program.into(), args)
}

/// Whether a file is a document that no text editor shows, and that the desktop may open. No other
/// files are opened by the desktop, which would run some of them.
fn is_document(path: &Path) -> bool {
    const EXTENSIONS: [&str; 10] =
        ["pdf", "docx", "pptx", "xlsx", "xlsm", "xlsb", "xls", "ods", "epub", "html"];
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The arguments that open a file at a line: `+12 FILE` is what vi began and most understand.
fn at_line(program: &str, path: &Path, line: u32) -> Vec<OsString> {
    let name = Path::new(program).file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let with_line = || {
        let mut text = path.as_os_str().to_owned();
        text.push(format!(":{line}"));
        text
    };
    match name {
        "code" | "code-insiders" | "codium" | "cursor" => vec!["--goto".into(), with_line()],
        "hx" | "helix" | "subl" | "zed" => vec![with_line()],
        _ => vec![format!("+{line}").into(), path.into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(editor: &str, opener: Option<&'static str>) -> Programs {
        Programs { editor: editor.split_whitespace().map(str::to_owned).collect(), opener }
    }

    fn file(path: &str) -> Place {
        Place::File { path: path.into(), locator: Locator::Lines(12, 20) }
    }

    fn words(opening: Opening) -> Vec<String> {
        let (Opening::Edit(program, args) | Opening::Start(program, args)) = opening else {
            return Vec::new();
        };
        std::iter::once(program).chain(args).map(|word| word.display().to_string()).collect()
    }

    #[test]
    fn a_file_is_one_argument_whatever_its_name() {
        for name in ["/p/a b.md", "/p/-c :!sh.md", "/p/$(touch x);`y`.md", "/p/+5", "/p/\"'\n.md"] {
            let opened = words(opening(&file(name), &programs("vi", Some("xdg-open"))));
            assert_eq!(opened, ["vi", "+12", name]);
        }
    }

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        for (editor, expected) in [
            ("nano", vec!["nano", "+12", "/p/a.md"]),
            ("emacs -nw", vec!["emacs", "-nw", "+12", "/p/a.md"]),
            ("/usr/bin/code --wait", vec!["/usr/bin/code", "--wait", "--goto", "/p/a.md:12"]),
            ("hx", vec!["hx", "/p/a.md:12"]),
        ] {
            assert_eq!(words(opening(&file("/p/a.md"), &programs(editor, None))), expected);
        }
        let cells = Place::File { path: "/p/a.ipynb".into(), locator: Locator::Cells(3, 4) };
        assert_eq!(words(opening(&cells, &programs("vi", None))), ["vi", "+1", "/p/a.ipynb"]);
    }

    #[test]
    fn pages_and_documents_are_for_the_desktop_and_nothing_that_would_run() {
        let all = programs("vi", Some("xdg-open"));
        let url = || Place::Url("https://example.org/a?b=$(c)".to_owned());
        assert_eq!(words(opening(&url(), &all)), ["xdg-open", "https://example.org/a?b=$(c)"]);
        let pdf = || Place::File { path: "/p/A.PDF".into(), locator: Locator::Page(3) };
        assert_eq!(words(opening(&pdf(), &all)), ["xdg-open", "/p/A.PDF"]);
        let program = Place::File { path: "/p/x.desktop".into(), locator: Locator::Page(3) };
        assert_eq!(words(opening(&program, &all)), ["vi", "+1", "/p/x.desktop"]);
        for place in [url(), pdf()] {
            assert_eq!(opening(&place, &programs("vi", None)), Opening::Show);
        }
        assert_eq!(opening(&file("/p/a.md"), &programs("", Some("xdg-open"))), Opening::Show);
        assert_eq!(pdf().shown(), "/p/A.PDF#page=3");
    }
}
