//! On whose behalf others are asked: the trace that a piece of work belongs to goes with each request to
//! a model.
//!
//! It is that of the task, and not handed from function to function: nothing between a request that was
//! received and one that is sent has any use for it.

use tokio::task_local;

use crate::types::TraceContext;

task_local! {
    static CONTEXT: TraceContext;
}

/// Name of the header.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Does work on behalf of a trace.
pub(crate) fn on_behalf_of<F: Future>(
    context: TraceContext,
    work: F,
) -> impl Future<Output = F::Output> {
    CONTEXT.scope(context, work)
}

/// The same for work that is done at once.
pub(crate) fn at_once_on_behalf_of<T>(context: &TraceContext, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(context.clone(), work)
}

/// The trace that the work of now belongs to; `None`: to none that anybody else knows of.
pub(crate) fn context() -> Option<TraceContext> {
    CONTEXT.try_with(Clone::clone).ok()
}
