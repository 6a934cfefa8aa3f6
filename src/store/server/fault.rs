//! Translates errors of the gRPC client into faults that a caller can act on and sentences that a person can
//! read.

use std::error::Error as _;
use std::time::Duration;

use qdrant_client::QdrantError;

use super::limits;
use crate::error::Fault;

/// gRPC status codes, see <https://grpc.github.io/grpc/core/md_doc_statuscodes.html>.
mod code {
    pub(super) const CANCELLED: i32 = 1;
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const DEADLINE_EXCEEDED: i32 = 4;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const ALREADY_EXISTS: i32 = 6;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const ABORTED: i32 = 10;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const INTERNAL: i32 = 13;
    pub(super) const UNAVAILABLE: i32 = 14;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

const CUT_SHORT: &str = "closed the connection before it answered (Qdrant's gRPC port is 6334)";

const NO_GRPC: &str = "the server does not speak gRPC there (Qdrant's gRPC port is 6334), or only \
                       TLS: is it https://?";

const NO_TLS: &str = "the server does not speak TLS there: is it http://?";

const TRANSIENT: Fault = Fault::Transient { retry_after: None };

/// Messages for temporary states of a cluster: a copy is away or being moved, or no leader is elected yet.
/// Qdrant reports all of them as internal errors (1.18: `shards/replica_set` and `consensus_manager`).
const PASSING: [&str; 15] = [
    "Please retry",
    "please try again",
    "enough active replicas",
    "has no active replica",
    "at least one `Active` replica",
    "no leader could be selected",
    "leader is not established",
    "via leader peer",
    "consensus",
    "is not active",
    "all attempts were rejected",
    "removed from the replica set",
    "Failed to propose",
    "Channel closed",
    "hannel sender dropped",
];

/// Words about a node that another node can't reach.
const OF_CONNECTIONS: [&str; 7] = [
    "Failed to connect to",
    "transport error",
    "h2 protocol error",
    "http2 error",
    "error trying to connect",
    "tcp connect",
    "Connection refused",
];

/// Where an error comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// This process: there was no connection to a server, or it broke. `known`: Qdrant has answered there
    /// before.
    Connection { known: bool },
    /// Qdrant, in an answer.
    Server,
}

/// The fault and a message. `timeout`: the client's, for the message. `answered`: the server has answered
/// before.
pub(super) fn describe(error: &QdrantError, timeout: Duration, answered: bool) -> (Fault, String) {
    match error {
        QdrantError::ResponseError { status } => {
            // Errors that a server sends have no source; where the client can't connect, it adds one or says
            // so.
            let of_connection =
                status.source().is_some() || status.message().starts_with(OF_CONNECTIONS[0]);
            let source =
                if of_connection { Source::Connection { known: answered } } else { Source::Server };
            let message = match status.source() {
                // For a lost connection, only the source says how.
                Some(source) if speaks_of_connections(status.message()) => {
                    &format!("{}: {source:?}", status.message())
                }
                _ => status.message(),
            };
            of_status(status.code() as i32, message, timeout, source)
        }
        QdrantError::ResourceExhaustedError { status, retry_after_seconds } => {
            let retry_after = Some(Duration::from_secs(*retry_after_seconds));
            (Fault::Transient { retry_after }, said("is overloaded", status.message()))
        }
        QdrantError::InvalidUri(error) => (Fault::Permanent, format!("not an address: {error}")),
        other => (Fault::Permanent, other.to_string()),
    }
}

/// The server's message, if the key lacks a right.
pub(super) fn lacking(error: &QdrantError) -> Option<&str> {
    // The words of Qdrant 1.16 to 1.18, `storage::rbac`. Any other refusal means that the key is wrong.
    match error {
        QdrantError::ResponseError { status }
            if status.code() as i32 == code::PERMISSION_DENIED =>
        {
            let said = status.message();
            let is_right = said.contains("is required") || said.contains("Only points access");
            Some(said).filter(|_| is_right)
        }
        _ => None,
    }
}

/// Whether the thing to be created exists already.
pub(super) fn already_exists(error: &QdrantError) -> bool {
    matches!(error, QdrantError::ResponseError { status }
        if status.code() as i32 == code::ALREADY_EXISTS)
}

fn of_status(status: i32, message: &str, timeout: Duration, source: Source) -> (Fault, String) {
    match status {
        code::UNAUTHENTICATED => (Fault::Unauthorized, said("requires a valid API key", message)),
        code::PERMISSION_DENIED => (Fault::Unauthorized, said("refuses the API key", message)),
        code::NOT_FOUND => (Fault::NotFound, message.to_owned()),
        // The client reports its own time limit like this.
        code::CANCELLED if message.contains("Timeout expired") => (TRANSIENT, late(timeout)),
        code::DEADLINE_EXCEEDED if source == Source::Server => {
            (TRANSIENT, said("ran out of time", message))
        }
        code::DEADLINE_EXCEEDED => (TRANSIENT, late(timeout)),
        code::CANCELLED => (TRANSIENT, CUT_SHORT.to_owned()),
        _ if message.contains("InvalidCertificate") => (Fault::Permanent, untrusted(message)),
        code::UNAVAILABLE | code::UNKNOWN | code::INTERNAL if speaks_of_connections(message) => {
            match source {
                Source::Connection { known } => unreachable(message, known),
                Source::Server => {
                    (TRANSIENT, said("cannot reach another node of its cluster", message))
                }
            }
        }
        code::UNAVAILABLE => (TRANSIENT, said("is unavailable", message)),
        // Waiting can't help.
        code::RESOURCE_EXHAUSTED if limits::is_over(message) => {
            (Fault::Limited, said("refuses the request", message))
        }
        code::RESOURCE_EXHAUSTED => (TRANSIENT, said("is overloaded", message)),
        code::ABORTED => (TRANSIENT, said("gave up the operation", message)),
        code::INTERNAL | code::UNKNOWN | code::FAILED_PRECONDITION if passes(message) => {
            (TRANSIENT, said("cannot do it at the moment", message))
        }
        code::UNIMPLEMENTED => (
            Fault::Permanent,
            said("does not know the request (is this Qdrant's gRPC port, 6334?)", message),
        ),
        code::INVALID_ARGUMENT => (Fault::Permanent, said("refuses the request", message)),
        _ => (Fault::Permanent, said("failed", message)),
    }
}

/// Whether the message is about a connection that failed, this process's or a node's.
fn speaks_of_connections(message: &str) -> bool {
    OF_CONNECTIONS.iter().any(|sign| message.contains(sign))
}

fn passes(message: &str) -> bool {
    PASSING.iter().any(|sign| message.contains(sign))
}

/// The client prints its connection errors with all their layers; the reason is the innermost. If the server
/// has never answered, some reasons mean that retrying can't help.
fn unreachable(message: &str, known: bool) -> (Fault, String) {
    let reasons = [
        ("Connection refused", "connection refused: is Qdrant running there?"),
        ("ConnectionRefused", "connection refused: is Qdrant running there?"),
        ("dns error", "the host name is not known"),
        ("failed to lookup address", "the host name is not known"),
        ("InvalidContentType", NO_TLS),
        ("deadline", "no connection in time"),
        ("TimedOut", "no connection in time"),
        ("Connection reset", "the connection was cut"),
        ("ConnectionReset", "the connection was cut"),
        ("BrokenPipe", "the connection was cut"),
        ("http2 error", NO_GRPC),
        ("h2 protocol error", NO_GRPC),
    ];
    let reason = reasons.iter().find(|(sign, _)| message.contains(sign)).map(|(_, words)| *words);
    let lasting = !known && matches!(reason, Some(NO_GRPC | NO_TLS));
    let fault = if lasting { Fault::Permanent } else { TRANSIENT };
    let reason = reason.unwrap_or("the connection failed: is it http:// or https://?");
    (fault, format!("cannot be reached: {reason}"))
}

/// Why TLS refuses a certificate, by `rustls`' names for the reasons.
fn untrusted(message: &str) -> String {
    let reasons = [
        (
            "UnknownIssuer",
            "is from an authority that is not trusted: set SSL_CERT_FILE to its certificate",
        ),
        ("NotValidForName", "is for another host name"),
        ("Expired", "has expired"),
        ("NotValidYet", "is not valid yet"),
        ("CaUsedAsEndEntity", "is that of an authority, not of a server"),
    ];
    let reason = reasons.iter().find(|(name, _)| message.contains(name));
    let reason = reason.map_or("is not accepted", |(_, words)| words);
    format!("cannot be reached safely: its TLS certificate {reason}")
}

/// For an answer that has begun and does not end: the client's own limit covers only its beginning.
pub(super) fn overdue(timeout: Duration) -> (Fault, String) {
    (TRANSIENT, late(timeout))
}

/// For a node that accepts requests and answers none.
pub(super) fn silent() -> (Fault, String) {
    (TRANSIENT, "accepts requests and does not answer".to_owned())
}

fn late(timeout: Duration) -> String {
    format!("did not answer within {} s", timeout.as_secs_f32())
}

fn said(what: &str, message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim();
    if line.is_empty() { what.to_owned() } else { format!("{what}: {line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that has never answered.
    const FRESH: Source = Source::Connection { known: false };

    #[test]
    fn statuses_are_sorted_by_what_a_caller_can_do() {
        let second = Duration::from_secs(1);
        for (status, message, fault, words) in [
            (16, "Must provide an API key", Fault::Unauthorized, "Must provide an API key"),
            (7, "", Fault::Unauthorized, "refuses the API key"),
            (14, "busy", TRANSIENT, "is unavailable: busy"),
            (1, "Timeout expired", TRANSIENT, "did not answer within 1 s"),
            (4, "Timeout error: x timed out", TRANSIENT, "ran out of time: Timeout error: x"),
            (1, "operation was canceled", TRANSIENT, "closed the connection"),
            (8, "rate limit", TRANSIENT, "is overloaded: rate limit"),
            (5, "Collection `x` doesn't exist!", Fault::NotFound, "Collection `x` doesn't exist!"),
            (3, "Wrong input: vector dim", Fault::Permanent, "vector dim"),
            (13, "Service internal error: x\nbacktrace", Fault::Permanent, "internal error: x"),
            (12, "", Fault::Permanent, "6334"),
        ] {
            let (got, text) = of_status(status, message, second, Source::Server);
            assert_eq!(got, fault, "{status}");
            assert!(text.contains(words) && !text.contains("backtrace"), "{text}");
        }
    }

    #[test]
    fn certificates_are_refused_with_a_reason_and_not_tried_again() {
        for (refused, words) in [
            ("UnknownIssuer", "SSL_CERT_FILE"),
            ("NotValidForNameContext { expected: x }", "another host name"),
            ("ExpiredContext { time: 1 }", "has expired"),
            ("Other(OtherError(CaUsedAsEndEntity))", "is that of an authority"),
            ("BadEncoding", "is not accepted"),
        ] {
            let printed = format!(
                "Failed to connect to https://x:6334/: tonic::transport::Error(Transport, \
                 ConnectError(Custom {{ kind: InvalidData, error: InvalidCertificate({refused}) }}))"
            );
            let (fault, text) = of_status(code::INTERNAL, &printed, Duration::ZERO, FRESH);
            assert_eq!(fault, Fault::Permanent);
            assert!(text.contains(words) && !text.contains("Custom"), "{text}");
        }
    }

    #[test]
    fn connection_errors_lose_their_debug_output() {
        let printed = r#"Failed to connect to http://127.0.0.1:1/: tonic::transport::Error(Transport, ConnectError(ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, message: "Connection refused" })))"#;
        let (fault, text) = of_status(code::INTERNAL, printed, Duration::ZERO, FRESH);
        assert_eq!(fault, TRANSIENT);
        assert_eq!(text, "cannot be reached: connection refused: is Qdrant running there?");
    }

    /// In the words of Qdrant 1.18.3.
    #[test]
    fn temporary_states_of_a_cluster_are_retried_and_nobody_else_is_blamed() {
        for (status, message) in [
            (
                13,
                "Service internal error: The replica set for shard 0 on peer 7 does not have enough active replicas",
            ),
            (
                13,
                "Service internal error: The replica set for shard 0 on peer 7 has no active replica",
            ),
            (
                13,
                "Service internal error: Waiting for consensus operation commit failed. Timeout set at: 10 seconds",
            ),
            (
                13,
                "Service internal error: Failed to apply operation to at least one `Active` replica. Consistency of this update is not guaranteed. Please retry. ",
            ),
            (
                13,
                "Service internal error: Some replica of shard 0 failed to apply operation and deactivation timed out after 30s. Consistency of this update is not guaranteed. Please retry. ",
            ),
            (
                13,
                "Service internal error: Cannot update shard docs@v1:0 with Strong ordering because no leader could be selected",
            ),
            (
                13,
                "Service internal error: Failed to propose operation: leader is not established within 10s",
            ),
            (9, "Pre-condition failure: Local shard 0 is not active"),
        ] {
            let (fault, text) = of_status(status, message, Duration::ZERO, Source::Server);
            assert_eq!(fault, TRANSIENT, "{message}");
            assert!(text.starts_with("cannot do it at the moment: "), "{text}");
        }
        let of_a_peer = "Service internal error: Tonic transport error: transport error, tcp connect error: Connection refused";
        let (fault, text) = of_status(13, of_a_peer, Duration::ZERO, Source::Server);
        assert_eq!(fault, TRANSIENT);
        assert!(text.starts_with("cannot reach another node of its cluster: "), "{text}");
    }

    #[test]
    fn hopeless_requests_are_not_retried_unless_qdrant_has_answered_there() {
        for printed in
            ["Failed to connect to x: InvalidContentType", "http2 error: frame with invalid size"]
        {
            for (known, expected) in [(false, Fault::Permanent), (true, TRANSIENT)] {
                let source = Source::Connection { known };
                assert_eq!(of_status(13, printed, Duration::ZERO, source).0, expected, "{printed}");
            }
        }
    }
}
