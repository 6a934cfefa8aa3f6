//! A file during its upload: the parts of a form, read as they arrive and written to disk.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use multer::{Constraints, Multipart, SizeLimit};
use tempfile::NamedTempFile;

use super::Uploads;
use crate::serve::call::AdmittedRequest;
use crate::serve::refusal::{ErrorCode, RequestRefusal};

/// The purposes of files in `OpenAI`'s interface; the first is the default.
const PURPOSES: [&str; 6] = ["assistants", "user_data", "batch", "fine-tune", "vision", "evals"];

/// The purposes that docent supports: the file is kept, and can be added to a vector store.
const KEPT_FOR: [&str; 2] = ["assistants", "user_data"];

/// Most bytes of the form beside its file.
const BESIDE: u64 = 64 << 10;

/// Longest file name, as file systems allow it.
const LONGEST_NAME: usize = 255;

/// Longest name including its directories.
const LONGEST_PATH: usize = 1_024;

/// A form that was read.
pub(in crate::serve) struct ReceivedForm {
    pub(in crate::serve) file: NamedTempFile,
    /// Without its directory.
    pub(in crate::serve) name: String,
    /// Empty if the name has no directory.
    pub(in crate::serve) directory: String,
    pub(in crate::serve) bytes: u64,
    pub(in crate::serve) purpose: String,
    /// Names of parts that have no effect.
    pub(in crate::serve) ignored: Vec<String>,
}

/// # Errors
/// The form is not valid or has no file, the name of the file is not valid, the file is too large, does not
/// arrive in time, or cannot be written.
pub(in crate::serve) async fn receive(
    call: &AdmittedRequest,
    body: Body,
    uploads: &Uploads,
) -> Result<ReceivedForm, RequestRefusal> {
    let settings = &call.server.settings;
    let (limit, patience) = (settings.upload_limit, settings.header_timeout);
    let kind = call.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(|| {
        RequestRefusal::invalid(
            "",
            "a file is uploaded as multipart/form-data, with `file` and `purpose`",
        )
        .hint("curl -F purpose=assistants -F file=@report.pdf")
    })?;
    if body.size_hint().lower() > limit.saturating_add(BESIDE) {
        return Err(too_large(limit));
    }
    let sizes = SizeLimit::new().whole_stream(limit.saturating_add(BESIDE)).per_field(BESIDE);
    let constraints = Constraints::new().size_limit(sizes.for_field("file", limit));
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let (mut found, mut purpose, mut ignored) = (None, None, Vec::new());
    while let Some(mut part) = in_time(patience, form.next_field(), limit).await? {
        let part_name = part.name().unwrap_or_default().to_owned();
        if part_name == "file" && found.is_none() {
            let (directory, name) = named(part.file_name().unwrap_or_default())?;
            let mut file = uploads.new_file().map_err(|error| unwritable(&error))?;
            let mut bytes = 0_u64;
            while let Some(piece) = in_time(patience, part.chunk(), limit).await? {
                bytes += piece.len() as u64;
                file.write_all(&piece).map_err(|error| unwritable(&error))?;
            }
            found = Some((file, directory, name, bytes));
        } else if part_name == "purpose" {
            purpose = Some(in_time(patience, part.text(), limit).await?);
        } else {
            ignored.push(part_name);
        }
    }
    let Some((file, directory, name, bytes)) = found else {
        return Err(RequestRefusal::invalid("file", "the form has no part `file`")
            .hint("curl -F purpose=assistants -F file=@report.pdf"));
    };
    if bytes == 0 {
        return Err(RequestRefusal::invalid("file", format!("{name} is empty"))
            .hint("send a file that has text"));
    }
    let purpose = purpose.unwrap_or_else(|| PURPOSES[0].to_owned());
    if !PURPOSES.contains(&&*purpose) {
        let message = format!("`{purpose}` is not a purpose of a file");
        return Err(RequestRefusal::invalid("purpose", message)
            .hint(format!("the purposes are: {}", PURPOSES.join(", "))));
    }
    // The other purposes ask for more than docent does.
    ignored.extend((!KEPT_FOR.contains(&&*purpose)).then(|| format!("purpose {purpose}")));
    Ok(ReceivedForm { file, name, directory, bytes, purpose, ignored })
}

async fn in_time<T>(
    patience: Duration,
    read: impl Future<Output = Result<T, multer::Error>>,
    limit: u64,
) -> Result<T, RequestRefusal> {
    match tokio::time::timeout(patience, read).await {
        Ok(read) => read.map_err(|error| refused(&error, limit)),
        Err(_) => Err(RequestRefusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::RequestTimeout,
            "the file did not arrive in time",
        )
        .hint("send it again over a faster connection; --header-timeout sets the longest pause")),
    }
}

fn refused(error: &multer::Error, limit: u64) -> RequestRefusal {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            too_large(limit)
        }
        _ => RequestRefusal::invalid("", format!("the form can't be read: {error}"))
            .hint("curl -F purpose=assistants -F file=@report.pdf"),
    }
}

fn too_large(limit: u64) -> RequestRefusal {
    RequestRefusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RequestTooLarge,
        format!("the file is larger than {limit} bytes"),
    )
    .hint("--upload-limit sets the largest file")
}

pub(in crate::serve) fn unwritable(error: &std::io::Error) -> RequestRefusal {
    let refusal = RequestRefusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::StoreFailed,
        "the uploaded file cannot be written",
    );
    RequestRefusal { causes: vec![error.to_string()], ..refusal }
}

/// Splits a file name into its directory and its name.
///
/// # Errors
/// The name is not a relative path of a file.
fn named(path: &str) -> Result<(String, String), RequestRefusal> {
    let wrong = |why: &str| {
        Err(RequestRefusal::invalid("file", format!("the name of the file {why}"))
            .hint("send a name such as report.pdf, or handbook/report.pdf"))
    };
    if path.is_empty() {
        return wrong("is empty");
    }
    if path.len() > LONGEST_PATH || path.split('/').any(|part| part.len() > LONGEST_NAME) {
        return wrong("is too long");
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return wrong("has a character that is not allowed in names");
    }
    if path.split('/').any(|part| ["", ".", ".."].contains(&part.trim())) {
        return wrong("is not a path below a directory");
    }
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok((directory.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_name_is_below_a_directory() {
        let pair = |directory: &str, name: &str| (directory.to_owned(), name.to_owned());
        assert_eq!(named("report.pdf").unwrap(), pair("", "report.pdf"));
        assert_eq!(named("a/b/ü..pdf").unwrap(), pair("a/b", "ü..pdf"));
        let long = "x".repeat(256);
        for wrong in
            ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".", "a\\b", "C:\\a", "a\nb", &long]
        {
            assert_eq!(&*named(wrong).unwrap_err().param, "file", "{wrong:?}");
        }
    }
}
