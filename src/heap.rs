//! The memory that was freed and is still held.

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
