//! Memory: what happens when there is none left, and freed memory that is still held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator, which ends the process in its own way when there is no memory left.
///
/// The standard library's way takes a lock that is held while a backtrace is made, and the engine makes a
/// backtrace for each of its errors: an allocation that failed in there blocked forever.
pub(crate) struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

/// Whether the process ends when there is no memory; otherwise the caller has to handle it.
static ENDS: AtomicBool = AtomicBool::new(false);

/// From now on, the process ends with an error when there is no memory left.
pub(crate) fn end_without_memory() {
    ENDS.store(true, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is")]
// SAFETY: everything is left to the system's allocator; the only difference is that a failure may not return.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: guaranteed by the caller.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: guaranteed by the caller.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: guaranteed by the caller.
        checked(unsafe { System.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn checked(pointer: *mut u8) -> *mut u8 {
    if pointer.is_null() && ENDS.load(Ordering::Relaxed) {
        end(&[
            "error: there is no memory left for docent\nhint: give it more (ulimit -v, or the limit of its container)\n",
        ]);
    }
    pointer
}

/// Ends the process with these words on stderr and exit code 4. Allocates nothing and takes no lock.
#[cfg(unix)]
#[expect(unsafe_code, reason = "there is no other way to end at once")]
pub(crate) fn end(words: &[&str]) -> ! {
    for words in words {
        // SAFETY: the pointer and the length are those of a string.
        let _ = unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
    }
    // SAFETY: nothing of this process is used afterwards.
    unsafe { libc::_exit(crate::error::Exit::Backend as i32) }
}

#[cfg(not(unix))]
pub(crate) fn end(_words: &[&str]) -> ! {
    std::process::abort()
}

/// Gives freed memory back to the system, from anywhere in the heap.
///
/// glibc has a heap for each thread that allocates concurrently with another, and gives back only what is
/// free at the end of a heap: a long ingest, whose work moves from thread to thread, comes to hold several
/// times what it uses. Other allocators give memory back by themselves. The call takes a few milliseconds,
/// during which nobody can allocate.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to ask for it")]
pub(crate) fn give_back() {
    // SAFETY: it has no preconditions, and touches no memory that is in use.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
