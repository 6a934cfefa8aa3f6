//! What the scripted server says to `/rerank`.

use serde_json::{Value, json};

use super::answers::{Request, Script, error, response, whole};

/// How a `/rerank` endpoint wants to be asked, and answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Dialect {
    /// `documents`, and `results` with `relevance_score`, best first.
    #[default]
    Jina,
    /// `texts`, and a bare list with `score`; at most this many at a time.
    Tei(usize),
}

/// Passages that contain the word the script prefers come first, the others in their order.
pub(super) fn rerank(script: &Script, request: &Request) -> Vec<Vec<u8>> {
    let body = &request.body;
    let texts = |name: &str| -> Option<Vec<&str>> {
        body[name].as_array().map(|texts| texts.iter().filter_map(Value::as_str).collect())
    };
    let score = |index: usize, text: &str| {
        let preferred = script.preferred.as_ref().is_some_and(|word| text.contains(word));
        if preferred { 0.9 } else { 0.1 - index as f64 / 1000.0 }
    };
    match script.dialect {
        Dialect::Jina => {
            let Some(texts) = texts("documents") else {
                return error(400, "documents is missing", "invalid_request_error");
            };
            let mut rows: Vec<(usize, f64)> =
                texts.iter().enumerate().map(|(index, text)| (index, score(index, text))).collect();
            rows.sort_by(|a, b| b.1.total_cmp(&a.1));
            let row = |(index, score)| json!({"index": index, "relevance_score": score});
            let results: Vec<Value> = rows.into_iter().map(row).collect();
            whole(200, &json!({"model": "scripted-reranker", "results": results}))
        }
        Dialect::Tei(most) => {
            let Some(texts) = texts("texts") else {
                let message = "Failed to deserialize the JSON body into the target type: missing field `texts` at line 1 column 60";
                let headers = [("content-type", "text/plain; charset=utf-8")];
                return vec![response("422 Unprocessable Entity", &headers, message), Vec::new()];
            };
            if texts.len() > most {
                let message =
                    format!("batch size {} > maximum allowed batch size {most}", texts.len());
                return whole(413, &json!({"error": message, "error_type": "Validation"}));
            }
            let row = |(index, text)| json!({"index": index, "score": score(index, text)});
            let rows: Vec<Value> = texts.into_iter().enumerate().map(row).collect();
            whole(200, &json!(rows))
        }
    }
}
