//! The file of a client: read as it is, and replaced as a whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::service::output_file::forbid_way_out;

/// A file that may or may not exist.
pub(super) struct ClientFile {
    /// Path of the file, with links followed.
    path: PathBuf,
    /// Name of the file, as it was given.
    name: PathBuf,
    /// `None` if the file does not exist.
    pub(super) text: Option<String>,
}

impl ClientFile {
    /// Reads the file. `project` is set for a file of the project, which may have come from somebody
    /// else.
    ///
    /// # Errors
    /// The file can't be read, is not text, or is a link to somewhere else.
    pub(super) fn read(name: &Path, project: Option<&Path>) -> Result<Self, Failure> {
        if let Some(project) = project {
            forbid_way_out(name, project)?;
        }
        let path = name.canonicalize().unwrap_or_else(|_| name.to_owned());
        if let Ok(known) = fs::metadata(&path)
            && !known.is_file()
            && !known.is_dir()
        {
            let problem = format!("{} is not a regular file", name.display());
            return Err(unchanged(problem, "move it away, and run this again"));
        }
        let text = match fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| {
                let problem = format!("{} is not text in UTF-8", name.display());
                unchanged(problem, "save it as UTF-8, and run this again")
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Ok(target) = fs::read_link(name) {
                    let (name, target) = (name.display(), target.display());
                    let problem = format!("{name} is a link to {target}, which is not there");
                    return Err(unchanged(problem, "make that file, or remove the link"));
                }
                None
            }
            Err(error) => return Err(inaccessible(name, "read", &error)),
        };
        Ok(Self { path, name: name.to_owned(), text })
    }

    /// Replaces the file in one step, with its permissions.
    ///
    /// # Errors
    /// The file can't be written, or was changed since it was read: it stays as it is.
    pub(super) fn replace(&self, text: &str) -> Result<(), Failure> {
        let failed = |error: &io::Error| inaccessible(&self.name, "written", error);
        let known = fs::metadata(&self.path).ok();
        if known.as_ref().is_some_and(|known| known.permissions().readonly()) {
            let problem = format!("{} is read-only", self.name.display());
            return Err(unchanged(problem, "make it writable, or add the entry by hand"));
        }
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let new = tempfile::Builder::new().prefix(".docent-").tempfile_in(directory);
        let mut new = new.map_err(|error| failed(&error))?;
        let written = new.write_all(text.as_bytes()).and_then(|()| {
            new.as_file().set_permissions(permissions(known, new.as_file())?)?;
            new.as_file().sync_all()
        });
        written.map_err(|error| failed(&error))?;
        if fs::read(&self.path).ok().as_deref() != self.text.as_ref().map(String::as_bytes) {
            let problem = format!("{} was changed meanwhile", self.name.display());
            return Err(unchanged(problem, "run this again"));
        }
        new.persist(&self.path).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}

/// The permissions of the file, or the usual ones for a new file.
fn permissions(known: Option<fs::Metadata>, new: &fs::File) -> io::Result<fs::Permissions> {
    if let Some(known) = known {
        return Ok(known.permissions());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut usual = new.metadata()?.permissions();
        usual.set_mode(0o644);
        Ok(usual)
    }
    #[cfg(not(unix))]
    Ok(new.metadata()?.permissions())
}

fn inaccessible(name: &Path, what: &str, error: &io::Error) -> Failure {
    // The last part of the path that exists says more than the error.
    let there = name.ancestors().skip(1).find(|part| part.exists());
    if let Some(file) = there.filter(|part| !part.is_dir()) {
        let problem = format!("{} is a file, but has to be a directory", file.display());
        return unchanged(problem, "move it away, and run this again");
    }
    let path = name.display();
    if name.is_dir() {
        let problem = format!("{path} is a directory, but has to be a file");
        return unchanged(problem, "move it away, and run this again");
    }
    unchanged(format!("{path} cannot be {what}: {error}"), "see who may read and write it")
}

fn unchanged(problem: String, advice: &str) -> Failure {
    Failure::config(problem).hint(format!("nothing was changed; {advice}"))
}
