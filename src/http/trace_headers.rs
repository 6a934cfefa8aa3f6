//! The trace on whose behalf a piece of work is done; each request to a model carries it.
//!
//! The trace is kept with the task and not passed from function to function: no code between the incoming
//! request and the outgoing one has any use for it.

use tokio::task_local;

use crate::types::TraceContext;

task_local! {
    static CONTEXT: TraceContext;
}

/// Name of the header.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Does work on behalf of a trace.
pub(crate) fn with_trace_context<F: Future>(
    context: TraceContext,
    work: F,
) -> impl Future<Output = F::Output> {
    CONTEXT.scope(context, work)
}

/// The same for synchronous work.
pub(crate) fn with_trace_context_blocking<T>(
    context: &TraceContext,
    work: impl FnOnce() -> T,
) -> T {
    CONTEXT.sync_scope(context.clone(), work)
}

/// The trace of the current task; `None` if there is none that another service knows of.
pub(crate) fn context() -> Option<TraceContext> {
    CONTEXT.try_with(Clone::clone).ok()
}
