//! OCR by a vision model behind an OpenAI-compatible endpoint.
//!
//! Such a model reports neither the place of a word nor its confidence, and it may write text that is not on
//! the page. What it returns is stored like other text, and the record lists the pages that it read.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::png::encoded;
use super::{GrayImage, OcrLine, OcrModel, OcrUsage, OcrWord, PAGE_TOKENS};
use crate::error::{BackendError, ExternalService, Fault};
use crate::openai::{OpenAiClient, tokens};
use crate::retry::{RetryPolicy, retry};
use crate::types::Usage;

/// The prompt for each page.
const PROMPT: &str = "Transcribe all text of this page exactly, in reading order, in the language and \
                      the letters that it is written in. Keep the line breaks; put an empty line between \
                      paragraphs; write a table row by row, with a tab between cells. Add nothing: no \
                      comment, no translation, no Markdown. Where the page has no text, answer with \
                      NO_TEXT alone.";

/// The model's answer for a page without text.
const NO_TEXT: &str = "NO_TEXT";

/// How an endpoint is called. No `Debug`: it holds the key.
#[derive(Clone)]
pub struct OpenAiOcrOptions {
    /// The URL to which `/chat/completions` is appended.
    pub base_url: String,
    pub api_key: Option<String>,
    /// Header for the key, if it is not the usual one.
    pub key_header: Option<String>,
    pub model: String,
    /// Longest wait for one page.
    pub timeout: Duration,
    pub retry: RetryPolicy,
}

/// A vision model. Created by [`connect`].
pub struct OpenAiOcr {
    id: String,
    client: OpenAiClient,
    options: OpenAiOcrOptions,
}

/// Prepares a vision model. Sends no request.
pub fn connect(options: OpenAiOcrOptions) -> Result<OpenAiOcr, BackendError> {
    let OpenAiOcrOptions { base_url, api_key, key_header, retry, .. } = &options;
    let (key, header) = (api_key.as_deref(), key_header.as_deref());
    let client =
        OpenAiClient::with_key_header(ExternalService::Ocr, base_url, key, header, *retry)?;
    Ok(OpenAiOcr { id: format!("openai:{}", options.model), client, options })
}

#[async_trait]
impl OcrModel for OpenAiOcr {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_local(&self) -> bool {
        false
    }

    async fn read(&self, page: GrayImage, bill: &OcrUsage) -> Result<Vec<OcrLine>, BackendError> {
        let picture = format!("data:image/png;base64,{}", STANDARD.encode(encoded(&page)));
        let request = json!({
            "model": self.options.model,
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": PROMPT},
                {"type": "image_url", "image_url": {"url": picture, "detail": "high"}},
            ]}],
        });
        let answer = retry(&self.options.retry, || async {
            let permit = self.client.admit(0).await?;
            self.client.post("/chat/completions", &request, &permit, self.options.timeout).await
        });
        let answer = answer.await?;
        bill.add(usage(&answer));
        self.text(&answer).map(|text| lines(&text))
    }
}

impl OpenAiOcr {
    /// The whole transcription. A truncated one is an error, because it would pass for the whole page.
    fn text(&self, answer: &Value) -> Result<String, BackendError> {
        let choice = &answer["choices"][0];
        let refused = |reason: &str| self.client.error(Fault::Refused, reason);
        if let Some(refusal) = choice["message"]["refusal"].as_str() {
            return Err(refused(&format!("the model refused to read the page: {refusal}")));
        }
        match choice["finish_reason"].as_str() {
            Some("length") => return Err(refused("the transcription was cut off: it is too long")),
            Some("content_filter") => return Err(refused("a content filter held the text back")),
            _ => {}
        }
        let Some(text) = choice["message"]["content"].as_str() else {
            let message = "the answer has no text: is this a vision model?";
            return Err(self.client.error(Fault::Permanent, message));
        };
        Ok(text.to_owned())
    }
}

/// Usage that an answer is billed with.
fn usage(answer: &Value) -> Usage {
    let told = Usage::deserialize(&answer["usage"]).unwrap_or_default();
    let cached = answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
    let generated = told.completion_tokens.unwrap_or_else(|| tokens::estimate(text) as u64);
    Usage {
        prompt_tokens: Some(told.prompt_tokens.unwrap_or(PAGE_TOKENS)),
        completion_tokens: Some(generated),
        cached_tokens: cached,
        ..Usage::default()
    }
}

/// Splits a transcription into lines of words; an empty line begins a paragraph.
fn lines(text: &str) -> Vec<OcrLine> {
    let text = text.trim();
    if text == NO_TEXT {
        return Vec::new();
    }
    let mut lines: Vec<OcrLine> = Vec::new();
    let mut begins_paragraph = true;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("```")) {
        let words = line.split_whitespace().map(|word| OcrWord {
            text: word.to_owned(),
            confidence: None,
            area: None,
        });
        let words: Vec<OcrWord> = words.collect();
        if words.is_empty() {
            begins_paragraph = true;
        } else {
            lines.push(OcrLine { words, begins_paragraph });
            begins_paragraph = false;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_billed_as_reported_or_estimated() {
        let billed = |answer: Value| {
            let usage = usage(&answer);
            (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)
        };
        let told = json!({"usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940,
            "prompt_tokens_details": {"cached_tokens": 100}}});
        assert_eq!(billed(told), (Some(900), Some(40), Some(100)));
        let silent = json!({"choices": [{"message": {"content": "Harbour dues of the old town"}}]});
        let (sent, generated, _) = billed(silent);
        assert_eq!(sent, Some(PAGE_TOKENS));
        assert!((4..12).contains(&generated.unwrap_or_default()), "{generated:?}");
    }

    #[test]
    fn a_transcription_is_lines_of_words() {
        let read = |text| {
            let lines = lines(text).into_iter();
            let words = |line: OcrLine| {
                let words: Vec<String> = line.words.into_iter().map(|word| word.text).collect();
                (words.join(" "), line.begins_paragraph)
            };
            lines.map(words).collect::<Vec<_>>()
        };
        assert_eq!(read("NO_TEXT\n"), []);
        assert_eq!(
            read("```\nTitle\n\nFirst  line\nsecond\tline\n```"),
            [
                ("Title".to_owned(), true),
                ("First line".to_owned(), true),
                ("second line".to_owned(), false)
            ]
        );
    }
}
