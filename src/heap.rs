//! Memory: what happens where there is none left, and what was freed and is still held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's, with an end of its own where there is no memory left.
///
/// What the standard library does then takes a lock that is held while a backtrace is made, and the
/// engine makes one for each of its errors: an allocation that failed in there waited for ever.
pub(crate) struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

/// Whether the process ends where there is no memory; otherwise that is for the caller to handle.
static ENDS: AtomicBool = AtomicBool::new(false);

/// From now on, the process ends with an error where there is no memory left.
pub(crate) fn end_without_memory() {
    ENDS.store(true, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is")]
// SAFETY: all is left to the system's; what differs is that a failure may not return.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches for.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches for.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller vouches for.
        checked(unsafe { System.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller vouches for.
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
/// glibc has a heap for each thread that allocates at the same time as another, and gives back only
/// what is free at the end of one: a long ingest, whose work goes from thread to thread, comes to
/// hold several times what it uses. Other allocators give back by themselves. It takes a few
/// milliseconds, in which nobody allocates.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to ask for it")]
pub(crate) fn give_back() {
    // SAFETY: it asks nothing of its caller, and touches no memory that is in use.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
