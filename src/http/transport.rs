//! Maps failures below HTTP to what a caller can do about them.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use super::client::CONNECT_TIMEOUT;
use crate::error::Fault;

/// A response over the size limit, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLarge(pub(crate) usize);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 >> 20 {
            0 => write!(f, "the answer has more than {} bytes", self.0)?,
            megabytes => write!(f, "the answer has more than {megabytes} MB")?,
        }
        f.write_str(", which no model writes: check that this is the URL of a model endpoint")
    }
}

impl Error for TooLarge {}

/// Fault and message of a failure below HTTP.
pub(crate) fn transport_error(error: &reqwest::Error) -> (Fault, String) {
    if let Some(large) = chain(error).find_map(|e| e.downcast_ref::<TooLarge>()) {
        return (Fault::Permanent, large.to_string());
    }
    let transient = Fault::Transient { retry_after: None };
    if error.is_builder() {
        return (Fault::Permanent, format!("cannot make the request ({})", innermost(error)));
    }
    let cause = innermost(error);
    let io =
        chain(error).find_map(|e| e.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let message = match io {
        Some(ErrorKind::ConnectionRefused) => "cannot connect (connection refused)".to_owned(),
        _ if error.is_connect() && error.is_timeout() => {
            format!("cannot connect (no answer in {} s)", CONNECT_TIMEOUT.as_secs())
        }
        _ if error.is_connect() && chain(error).any(|e| e.to_string().contains("dns error")) => {
            "cannot connect (no such host)".to_owned()
        }
        _ if error.is_connect() && cause.contains("corrupt message") => {
            let hint = "cannot connect (the server does not speak TLS: try http://)";
            return (Fault::Permanent, hint.to_owned());
        }
        _ if error.is_connect() && cause.contains("UnknownIssuer") => {
            let hint = "cannot connect (TLS: this machine does not trust the authority that signed its certificate; on Linux, SSL_CERT_FILE can name a file of trusted ones)";
            return (Fault::Permanent, hint.to_owned());
        }
        _ if error.is_connect() && cause.contains("certificate") => {
            return (Fault::Permanent, format!("cannot connect (TLS: {cause})"));
        }
        _ if error.is_connect() => format!("cannot connect ({cause})"),
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            "the connection was reset".to_owned()
        }
        _ if error.is_timeout() => "no answer in time".to_owned(),
        _ if error.is_body() || error.is_decode() => format!("the answer was cut ({cause})"),
        _ => format!("the connection broke ({cause})"),
    };
    (transient, message)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn Error + 'static)| (*e).source())
}

/// The innermost message: the outer ones name the URL, which may carry credentials.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
