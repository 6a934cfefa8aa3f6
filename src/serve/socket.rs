//! Sockets that are files, for callers on the same machine. Systems without them never have one.

pub(super) use system::{SocketListener, SocketStream};

#[cfg(unix)]
mod system {
    use std::fs;
    use std::io;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    use std::path::Path;

    use tokio::net::UnixListener;

    pub(in crate::serve) type SocketStream = tokio::net::UnixStream;

    pub(in crate::serve) struct SocketListener(UnixListener);

    impl SocketListener {
        /// A socket that a server left behind that was killed is removed; one that somebody listens at is not, and
        /// no file of another kind.
        pub(in crate::serve) fn bind(path: &Path) -> io::Result<Self> {
            if let Err(error) = std::os::unix::net::UnixStream::connect(path)
                && error.kind() == io::ErrorKind::ConnectionRefused
                && fs::symlink_metadata(path)?.file_type().is_socket()
            {
                fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok(Self(listener))
        }

        pub(in crate::serve) async fn accept(&self) -> io::Result<SocketStream> {
            Ok(self.0.accept().await?.0)
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::convert::Infallible;
    use std::io;
    use std::path::Path;

    /// Something that can be read and written: there is none.
    pub(in crate::serve) type SocketStream = tokio::net::TcpStream;

    pub(in crate::serve) struct SocketListener(Infallible);

    impl SocketListener {
        pub(in crate::serve) fn bind(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        #[expect(clippy::unused_async, reason = "as where there are sockets")]
        pub(in crate::serve) async fn accept(&self) -> io::Result<SocketStream> {
            match self.0 {}
        }
    }
}
