//! An error before the name of its collection is known.

use crate::error::Fault;

pub(super) struct EdgeProblem {
    pub(super) fault: Fault,
    pub(super) message: String,
}

impl From<String> for EdgeProblem {
    fn from(message: String) -> Self {
        if is_denial(&message) {
            return Self { fault: Fault::Denied, message: without_structs(&message) };
        }
        let fault = if is_lack_of_space(&message) { Fault::Full } else { Fault::Permanent };
        Self { fault, message }
    }
}

/// Whether an error of the system or of the engine means that a file may not be read or written.
fn is_denial(message: &str) -> bool {
    ["Permission denied", "PermissionDenied", "Read-only file system", "ReadOnlyFilesystem"]
        .iter()
        .any(|said| message.contains(said))
}

/// Files without permission are not damaged, and the engine's printed structs help nobody.
fn without_structs(message: &str) -> String {
    let message = message.replace(" is damaged: ", " can't be opened: ");
    let debug = message.find(" {").map(|at| message[..at].rfind([' ', ':']).unwrap_or(at));
    match debug {
        Some(at) => format!("{}: permission denied", message[..at].trim_end_matches([' ', ':'])),
        None => message,
    }
}

/// Whether an error of the system or of the engine means that the disk is full.
fn is_lack_of_space(message: &str) -> bool {
    message.contains("No space left on device") || message.contains("Not enough space available")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_is_not_damaged() {
        let engine = "/p/c@v1 is damaged: failed to open WAL /p/c@v1/shard/wal: Can't init WAL: Custom { kind: PermissionDenied, error: Error { kind: OpenFile } }";
        let system = "can't lock the collection: Permission denied (os error 13)";
        for (message, said) in [
            (
                engine,
                "/p/c@v1 can't be opened: failed to open WAL /p/c@v1/shard/wal: Can't init WAL: permission denied",
            ),
            (system, system),
        ] {
            let problem = EdgeProblem::from(message.to_owned());
            assert_eq!((problem.fault, problem.message.as_str()), (Fault::Denied, said));
        }
        let damaged = EdgeProblem::from("/p/c@v1 is damaged: no {manifest}".to_owned());
        assert_eq!(damaged.fault, Fault::Permanent);
        assert_eq!(damaged.message, "/p/c@v1 is damaged: no {manifest}");
    }
}
