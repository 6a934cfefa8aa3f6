//! Handles a file that becomes shorter while it is mapped.
//!
//! The engine maps the files of a shard. If one of them is truncated by somebody else, or can no longer be
//! read, the kernel ends the process with SIGBUS, and no call can return an error. Therefore a signal handler
//! reports it: it names the file, and the process ends with exit code 4.

#[cfg(target_os = "linux")]
pub(super) fn watch() {
    linux::watch();
}

#[cfg(not(target_os = "linux"))]
pub(super) fn watch() {}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "signals have no other interface")]
mod linux {
    use std::sync::Once;

    use crate::heap;

    const SAYS: &str = " became shorter, or could not be read, while the vector store had it mapped\nhint: docent index verify says what is damaged; docent ingest --rebuild rebuilds it\n";

    pub(super) fn watch() {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            // SAFETY: all zeros is a valid `sigaction`, and the handler does only what a handler may.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_bus_error as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
            }
        });
    }

    extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel fills it for this signal.
        let address = unsafe { (*info).si_addr() } as usize;
        let mut name = [0; 1_024];
        let length = mapped_at(address, &mut name);
        let file = std::str::from_utf8(&name[..length]).unwrap_or_default();
        heap::end(&["error: ", if file.is_empty() { "a file" } else { file }, SAYS]);
    }

    /// Writes the name of the file that is mapped at `address` and returns its length. The source is the
    /// process's map list, with lines `START-END permissions offset device inode NAME`. Allocates nothing.
    fn mapped_at(address: usize, name: &mut [u8]) -> usize {
        // SAFETY: the path ends with a zero, and what is read fits the buffer.
        unsafe {
            let maps = libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            let (mut line, mut length, mut buffer) = ([0_u8; 1_024], 0, [0_u8; 4_096]);
            loop {
                let read = libc::read(maps, buffer.as_mut_ptr().cast(), buffer.len());
                if read <= 0 {
                    return 0;
                }
                for &byte in &buffer[..read as usize] {
                    if byte != b'\n' {
                        if length < line.len() {
                            line[length] = byte;
                            length += 1;
                        }
                        continue;
                    }
                    if let Some(found) = name_in(&line[..length], address) {
                        let length = found.len().min(name.len());
                        name[..length].copy_from_slice(&found[..length]);
                        return length;
                    }
                    length = 0;
                }
            }
        }
    }

    /// The name in a line of the list, if the address is in its range.
    fn name_in(line: &[u8], address: usize) -> Option<&[u8]> {
        let line_text = std::str::from_utf8(line).ok()?;
        let (start, rest) = line_text.split_once('-')?;
        let (end, rest) = rest.split_once(' ')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        let name = rest.find('/').map(|at| &rest[at..])?;
        range.contains(&address).then_some(name.as_bytes())
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, reason = "tests")]

        use super::*;

        #[test]
        fn the_file_that_is_mapped_is_found_by_an_address_in_it() {
            let file = tempfile::NamedTempFile::new().unwrap();
            file.as_file().set_len(4_096).unwrap();
            // SAFETY: nobody changes the file.
            let mapped = unsafe { memmap2::Mmap::map(file.as_file()) }.unwrap();
            let mut name = [0; 1_024];
            let length = mapped_at(mapped.as_ptr() as usize + 17, &mut name);
            assert_eq!(&name[..length], file.path().as_os_str().as_encoded_bytes());
            assert_eq!(mapped_at(17, &mut name), 0);
        }
    }
}
