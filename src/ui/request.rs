//! What a model is sent: the passages that were chosen, and the request.

use serde_json::Value;

use super::Ui;
use super::sanitize::{sanitize, sanitize_line};
use crate::cli::Format;
use crate::error::Failure;
use crate::output::RequestJson;
use crate::output::humanize::counted;
use crate::query::pack::{DropReason, DroppedHit};
use crate::types::Passage;

impl Ui {
    /// With `--verbose`, the passages as the model is given them, and the hits that were left out.
    pub fn chosen(&mut self, passages: &[Passage], dropped: &[DroppedHit]) {
        for passage in passages {
            let place = sanitize_line(&passage.citation());
            self.detail(&format!(
                "passage [{}] {place}, score {:.3}",
                passage.number, passage.score
            ));
        }
        let (late, early): (Vec<&DroppedHit>, Vec<&DroppedHit>) =
            dropped.iter().partition(|dropped| dropped.reason == DropReason::Limit);
        for dropped in early {
            let place = sanitize_line(&dropped.locator.cite(&dropped.source));
            let (score, reason) = (dropped.score, dropped.reason.name());
            self.detail(&format!("left out {place}, score {score:.3}: {reason}"));
        }
        if let Some(best) = late.first() {
            let (count, score) = (counted(late.len(), "chunk"), best.score);
            self.detail(&format!("left out {count} after these, score {score:.3} or less: limit"));
        }
    }

    /// A request that is not sent: its messages, or its whole body as JSON. `payload` is `None` if no
    /// request would be sent.
    pub fn request(
        &mut self,
        question: &str,
        payload: Option<&Value>,
        tokens: usize,
        exact: bool,
    ) -> Result<(), Failure> {
        if self.format != Format::Text {
            return self.json(RequestJson {
                question: question.to_owned(),
                request: payload.cloned(),
                prompt_tokens: payload.map(|_| tokens),
                prompt_tokens_exact: exact,
            });
        }
        let Some(payload) = payload else { return Ok(()) };
        let messages = payload["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| sanitize(value.as_str().unwrap_or_default());
        let shown: Vec<String> = messages
            .iter()
            .map(|message| {
                let role = self.out_style.strong(&format!("[{}]", text(&message["role"])));
                format!("{role}\n{}\n", text(&message["content"]))
            })
            .collect();
        self.data(&shown.join("\n"))?;
        let about = if exact { "" } else { "about " };
        self.status(&format!("{about}{}; nothing was sent", counted(tokens, "token")));
        Ok(())
    }
}
