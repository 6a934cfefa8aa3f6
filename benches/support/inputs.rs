//! Generated files, the same on every machine: words of the embedder's vocabulary, more often the
//! earlier they are in it, as in natural language (Zipf).

/// Length of the inputs, in bytes, give or take a paragraph.
pub(crate) const LENGTH: usize = 64 << 10;

/// Plain text: paragraphs, `length` bytes of them.
pub(crate) fn prose(length: usize) -> String {
    Writer::new().repeat(length, |writer| writer.paragraph() + "\n\n")
}

/// Sections with paragraphs, and now and then a list, a table or code.
pub(crate) fn markdown() -> String {
    let mut writer = Writer::new();
    writer.repeat(LENGTH, |writer| {
        let extra = match writer.below(4) {
            0 => format!("- {}- {}", writer.sentence() + "\n", writer.sentence()),
            1 => format!("| {} | {} |\n| --- | --- |\n| 1 | 2 |", writer.word(), writer.word()),
            2 => format!("```sh\n{} --{}\n```", writer.word(), writer.word()),
            _ => format!("*{}* and [{}](https://a.example)", writer.word(), writer.word()),
        };
        let level = "#".repeat(1 + writer.below(3));
        format!("{level} {}\n\n{}\n\n{extra}\n\n", writer.words(3), writer.paragraph())
    })
}

/// A page: sections with paragraphs, links, lists and tables, and what is on every page besides.
pub(crate) fn html() -> String {
    let mut writer = Writer::new();
    let body = writer.repeat(LENGTH, |writer| {
        let extra = match writer.below(3) {
            0 => format!("<ul class=\"x\"><li>{}<li>{}</ul>", writer.sentence(), writer.sentence()),
            1 => format!("<table><tr><td>{}<td>1 &lt; 2</table>", writer.word()),
            _ => format!("<pre><code>{}\n</code></pre>", writer.word()),
        };
        format!(
            "<section id=\"{}\"><h2>{}</h2>\n<p>{} &amp; <a href=\"/{}\">{}</a></p>\n{extra}</section>\n",
            writer.word(),
            writer.words(3),
            writer.paragraph(),
            writer.word(),
            writer.word(),
        )
    });
    let around = "<nav><a href=\"/\">Home</a></nav><script>let x = 1;</script>";
    format!(
        "<!DOCTYPE html><html><head><title>Page</title></head><body>{around}{body}</body></html>"
    )
}

/// Rust source: functions with documentation. No name of theirs is a keyword.
pub(crate) fn code() -> String {
    let mut writer = Writer::new();
    writer.repeat(LENGTH, |writer| {
        let (name, one, other) = (writer.words(2).replace(' ', "_"), writer.word(), writer.word());
        format!(
            "/// {}\npub fn {name}({one}_list: &[u64]) -> u64 {{\n    let mut sum = 0;\n    \
             for {other}_item in {one}_list {{\n        if *{other}_item > 10 {{\n            \
             sum += {other}_item * 2; // {}\n        }}\n    }}\n    sum\n}}\n\n",
            writer.sentence(),
            writer.words(4),
        )
    })
}

/// Rows of four fields, one of them quoted.
pub(crate) fn csv() -> String {
    let mut writer = Writer::new();
    let rows = writer.repeat(LENGTH, |writer| {
        let (number, name, text) = (writer.below(9_999), writer.words(2), writer.sentence());
        format!("{number},{name},\"{text}, {name}\",2024-05-01\n")
    });
    format!("number,name,text,date\n{rows}")
}

/// JSON Lines.
pub(crate) fn json() -> String {
    let mut writer = Writer::new();
    writer.repeat(LENGTH, |writer| {
        let (number, name, text) = (writer.below(9_999), writer.words(2), writer.sentence());
        format!("{{\"number\":{number},\"name\":\"{name}\",\"meta\":{{\"text\":\"{text}\"}}}}\n")
    })
}

/// A file of `sample-docs`.
pub(crate) fn sample(path: &str) -> Vec<u8> {
    let path = format!("{}/sample-docs/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Writes words by chance, always the same ones.
struct Writer {
    words: Vec<&'static str>,
    state: u64,
}

impl Writer {
    fn new() -> Self {
        let vocabulary = include_str!("../../src/embed/static-minilm-en-256/vocab.txt");
        let is_word =
            |entry: &&str| entry.len() > 1 && entry.bytes().all(|b| b.is_ascii_lowercase());
        Self { words: vocabulary.lines().filter(is_word).collect(), state: 1 }
    }

    /// Within `0..=1` (xorshift64*).
    fn chance(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        bits as f64 / f64::from(u32::MAX)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.chance() * bound as f64) as usize).min(bound - 1)
    }

    /// The n-th word of the vocabulary with a probability of 1/n; some have an ending that makes
    /// them unknown as a whole.
    fn word(&mut self) -> String {
        let rank = (self.words.len() as f64).powf(self.chance()) as usize;
        let word = self.words[rank.min(self.words.len()) - 1];
        if self.below(20) == 0 { format!("{word}ization") } else { word.to_owned() }
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn sentence(&mut self) -> String {
        let count = 6 + self.below(14);
        let mut sentence = self.words(count);
        sentence[..1].make_ascii_uppercase();
        match self.below(6) {
            0 => format!("{sentence} {}.", self.below(2_000)),
            1 => format!("{sentence}, {}.", self.words(3)),
            _ => sentence + ".",
        }
    }

    fn paragraph(&mut self) -> String {
        let count = 2 + self.below(5);
        (0..count).map(|_| self.sentence()).collect::<Vec<_>>().join(" ")
    }

    fn repeat(&mut self, length: usize, mut part: impl FnMut(&mut Self) -> String) -> String {
        let mut text = String::new();
        while text.len() < length {
            text.push_str(&part(self));
        }
        text
    }
}
