//! Fields of a document: their results are text, their instructions are not.

/// Open fields, the outermost first.
#[derive(Default)]
pub(super) struct Fields {
    /// Whether each is still in its instruction.
    open: Vec<bool>,
    form: Option<FormField>,
}

/// A form field from before Word 2007, whose choice is not in the text.
pub(super) enum FormField {
    Box(bool),
    /// The index of the chosen entry, and all entries.
    List(usize, Vec<String>),
}

/// Most entries of a form's list; Word's own have 25.
const LONGEST_LIST: usize = 1000;

impl Fields {
    pub(super) fn step(&mut self, kind: &str) {
        match kind {
            "begin" => self.open.push(true),
            "separate" => {
                if let Some(open) = self.open.last_mut() {
                    *open = false;
                }
            }
            "end" => {
                self.open.pop();
            }
            _ => {}
        }
    }

    pub(super) fn in_instruction(&self) -> bool {
        self.open.contains(&true)
    }

    /// Ends the instructions of fields that continue in the next paragraph: the text after a field that never
    /// ends is kept.
    pub(super) fn end_paragraph(&mut self) {
        self.open.fill(false);
    }

    pub(super) fn begin_form(&mut self, form: FormField) {
        self.form = Some(form);
    }

    pub(super) fn describe_form(&mut self, name: &str, value: Option<String>) {
        match &mut self.form {
            Some(FormField::Box(checked)) if name == "default" || name == "checked" => {
                *checked = !matches!(value.as_deref(), Some("0" | "false" | "off"));
            }
            Some(FormField::List(_, entries))
                if name == "listEntry" && entries.len() < LONGEST_LIST =>
            {
                entries.push(value.unwrap_or_default());
            }
            Some(FormField::List(chosen, _)) if name != "listEntry" => {
                *chosen = value.and_then(|value| value.parse().ok()).unwrap_or(0);
            }
            _ => {}
        }
    }

    /// The result of the form field. The rest of its instruction shows nothing else.
    pub(super) fn end_form(&mut self) -> Option<String> {
        let form = self.form.take()?;
        self.open.fill(false);
        match form {
            FormField::Box(true) => Some("☒".to_owned()),
            FormField::Box(false) => Some("☐".to_owned()),
            FormField::List(chosen, entries) => entries.into_iter().nth(chosen),
        }
    }
}
