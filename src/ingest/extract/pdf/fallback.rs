//! The second opinion: what pdf-extract reads from a file that the interpreter cannot open, or from a page that
//! was read badly. The only user of `pdf-extract`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document as Pdf, LoadOptions, ObjectId, PlainTextOutput, output_doc_page};

use super::super::worker::panic_message;
use super::tidy::tidy;

pub(super) struct Second {
    pdf: Pdf,
    /// The pages in order, with the engine's own numbers.
    pages: Vec<(u32, ObjectId)>,
}

impl Second {
    pub(super) fn open(bytes: &[u8], passwords: &[String]) -> Result<Self, String> {
        guarded(|| {
            let pdf = load(bytes, passwords).map_err(|error| error.to_string())?;
            let pages = pdf.get_pages().into_iter().collect();
            Ok(Self { pdf, pages })
        })
    }

    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn page(&self, index: usize) -> Option<String> {
        let (number, _) = *self.pages.get(index)?;
        let text = guarded(|| {
            let mut text = String::new();
            let mut output = PlainTextOutput::new(&mut text);
            let outcome = output_doc_page(&self.pdf, &mut output, number);
            outcome.map(|()| text).map_err(|error| error.to_string())
        });
        text.ok().map(|text| tidy(&text))
    }
}

fn load(bytes: &[u8], passwords: &[String]) -> Result<Pdf, pdf_extract::Error> {
    let mut pdf = Pdf::load_mem(bytes)?;
    if pdf.is_encrypted() {
        let open = |password: &String| {
            Pdf::load_mem_with_options(bytes, LoadOptions::with_password(password))
        };
        if let Some(opened) = passwords.iter().map(open).find_map(Result::ok) {
            return Ok(opened);
        }
        pdf.decrypt("")?;
    }
    Ok(pdf)
}

/// Runs a parser that may panic.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
}
