//! A file that is being uploaded: the parts of a form, read as they come and written to disk.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use multer::{Constraints, Multipart, SizeLimit};
use tempfile::NamedTempFile;

use super::Uploads;
use crate::serve::call::Call;
use crate::serve::refusal::{ErrorCode, Refusal};

/// What `OpenAI` takes files for; the first unless it is said.
const PURPOSES: [&str; 6] = ["assistants", "user_data", "batch", "fine-tune", "vision", "evals"];

/// What is done here with all of them: they are kept, and can be put into a vector store.
const KEPT_FOR: [&str; 2] = ["assistants", "user_data"];

/// Bytes of the form beside its file.
const BESIDE: u64 = 64 << 10;

/// Of a name, as file systems have it.
const LONGEST_NAME: usize = 255;

/// Of a name with its directories.
const LONGEST_PATH: usize = 1_024;

/// A form that was read.
pub(in crate::serve) struct Received {
    pub(in crate::serve) file: NamedTempFile,
    /// Without its directory.
    pub(in crate::serve) name: String,
    /// Empty where the name has none.
    pub(in crate::serve) directory: String,
    pub(in crate::serve) bytes: u64,
    pub(in crate::serve) purpose: String,
    /// Names of parts that have no effect.
    pub(in crate::serve) ignored: Vec<String>,
}

/// # Errors
/// It is not a form with a file, its name can't be one, it is larger than may be, it does not arrive, or it
/// can't be written.
pub(in crate::serve) async fn receive(
    call: &Call,
    body: Body,
    uploads: &Uploads,
) -> Result<Received, Refusal> {
    let settings = &call.server.settings;
    let (limit, patience) = (settings.upload_limit, settings.header_timeout);
    let kind = call.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(|| {
        Refusal::invalid("", "a file is uploaded as multipart/form-data, with `file` and `purpose`")
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
        return Err(Refusal::invalid("file", "the form has no part `file`")
            .hint("curl -F purpose=assistants -F file=@report.pdf"));
    };
    if bytes == 0 {
        return Err(
            Refusal::invalid("file", format!("{name} is empty")).hint("send a file that has text")
        );
    }
    let purpose = purpose.unwrap_or_else(|| PURPOSES[0].to_owned());
    if !PURPOSES.contains(&&*purpose) {
        let message = format!("`{purpose}` is not a purpose of a file");
        return Err(
            Refusal::invalid("purpose", message).hint(format!("there is {}", PURPOSES.join(", ")))
        );
    }
    // All others ask for more than to be kept and brought in.
    ignored.extend((!KEPT_FOR.contains(&&*purpose)).then(|| format!("purpose {purpose}")));
    Ok(Received { file, name, directory, bytes, purpose, ignored })
}

async fn in_time<T>(
    patience: Duration,
    read: impl Future<Output = Result<T, multer::Error>>,
    limit: u64,
) -> Result<T, Refusal> {
    match tokio::time::timeout(patience, read).await {
        Ok(read) => read.map_err(|error| refused(&error, limit)),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::RequestTimeout,
            "the file did not arrive in time",
        )
        .hint("send it again, over a faster line; --header-timeout sets how long a pause may be")),
    }
}

fn refused(error: &multer::Error, limit: u64) -> Refusal {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            too_large(limit)
        }
        _ => Refusal::invalid("", format!("the form can't be read: {error}"))
            .hint("curl -F purpose=assistants -F file=@report.pdf"),
    }
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RequestTooLarge,
        format!("the file is larger than {limit} bytes"),
    )
    .hint("--upload-limit sets what is taken")
}

pub(in crate::serve) fn unwritable(error: &std::io::Error) -> Refusal {
    let refusal = Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::StoreFailed,
        "what is uploaded cannot be written",
    );
    Refusal { causes: vec![error.to_string()], ..refusal }
}

/// The directory and the name that a file name has.
///
/// # Errors
/// It can name no file below a directory.
fn named(path: &str) -> Result<(String, String), Refusal> {
    let wrong = |why: &str| {
        Err(Refusal::invalid("file", format!("the name of the file {why}"))
            .hint("send a name such as report.pdf, or handbook/report.pdf"))
    };
    if path.is_empty() {
        return wrong("is empty");
    }
    if path.len() > LONGEST_PATH || path.split('/').any(|part| part.len() > LONGEST_NAME) {
        return wrong("is too long");
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return wrong("has a character that names have not");
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
