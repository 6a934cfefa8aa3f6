//! The trace that a piece of work belongs to, as in W3C Trace Context.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A span in a trace: the work done here on behalf of the caller.
/// See <https://www.w3.org/TR/trace-context/>.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TraceContext {
    /// 32 hexadecimal digits in lower case.
    pub trace_id: String,
    /// 16 hexadecimal digits: requests to others are children of this span.
    pub span_id: String,
    /// The span of the caller; `None` where the trace begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Whether the process that began the trace keeps it.
    pub sampled: bool,
}

impl TraceContext {
    /// The first span of a new trace.
    pub fn begin() -> Self {
        let trace_id = Uuid::now_v7().simple().to_string();
        Self { trace_id, span_id: new_span(), parent_id: None, sampled: true }
    }

    /// A child of the span in a header `traceparent`; `None` where that is invalid.
    pub fn below(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.splitn(5, '-');
        let (version, trace_id, parent_id) = (parts.next()?, parts.next()?, parts.next()?);
        let (flags, rest) = (parts.next()?, parts.next());
        let fits = |text: &str, length: usize| {
            text.len() == length
                && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
        let well_formed = fits(version, 2) && version != "ff" && fits(flags, 2);
        // Later versions may add fields at the end.
        let well_formed = well_formed && (version != "00" || rest.is_none());
        let named =
            fits(trace_id, 32) && is_set(trace_id) && fits(parent_id, 16) && is_set(parent_id);
        (well_formed && named).then(|| Self {
            trace_id: trace_id.to_owned(),
            span_id: new_span(),
            parent_id: Some(parent_id.to_owned()),
            sampled: u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1),
        })
    }

    /// A child of this span.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: new_span(), parent_id: Some(self.span_id.clone()), ..self.clone() }
    }

    /// The header for requests on behalf of this span.
    pub fn traceparent(&self) -> String {
        let Self { trace_id, span_id, sampled, .. } = self;
        format!("00-{trace_id}-{span_id}-{:02x}", u8::from(*sampled))
    }
}

/// A random half of an id.
fn new_span() -> String {
    Uuid::now_v7().simple().to_string()[16..].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_valid_header_is_continued() {
        for (flags, sampled, more) in [("00", false, ""), ("01", true, ""), ("03", true, "")] {
            let header = format!("00-{TRACE}-b7ad6b7169203331-{flags}{more}");
            let context = TraceContext::below(&header).unwrap();
            assert_eq!((&*context.trace_id, context.sampled), (TRACE, sampled));
            assert_eq!(context.parent_id.as_deref(), Some("b7ad6b7169203331"));
            let next = TraceContext::below(&context.traceparent()).unwrap();
            assert_eq!(
                (&next.trace_id, next.parent_id),
                (&context.trace_id, Some(context.span_id))
            );
            assert_eq!(next.sampled, sampled);
        }
        assert!(TraceContext::below(&format!("cc-{TRACE}-b7ad6b7169203331-01-more")).is_some());
        let (one, child) = (TraceContext::begin(), TraceContext::begin().child());
        assert_ne!(one.trace_id, child.trace_id);
        assert_eq!(child.parent_id.unwrap().len(), 16);
    }

    #[test]
    fn an_invalid_header_is_ignored() {
        let upper = TRACE.to_uppercase();
        for header in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-b7ad6b7169203331-1"),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{upper}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b716920333g-01"),
            format!(" 00-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}é-b7ad6b7169203331-01", &TRACE[2..]),
        ] {
            assert_eq!(TraceContext::below(&header), None, "{header}");
        }
    }
}
