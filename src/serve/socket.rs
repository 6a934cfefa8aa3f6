//! Unix sockets, for callers on the same machine; unsupported on systems without them.

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
        /// Removes a socket that a killed server left behind, but not one that a process listens on, nor a
        /// file of another kind.
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

    /// A placeholder type: there is no such stream.
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
