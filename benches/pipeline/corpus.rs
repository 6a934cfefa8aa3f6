//! Generated corpora, always the same.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A small generator (`SplitMix64`, Steele, Lea and Flood, 2014): the same words on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number within 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Text with the word frequencies of English: words of the project's own prose, and sometimes a new
/// one.
pub(crate) struct Prose {
    words: Vec<&'static str>,
    random: Random,
}

impl Prose {
    pub(crate) fn new(seed: u64) -> Self {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for word in include_str!("../../README.md").split(|c: char| !c.is_ascii_alphabetic()) {
            if word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase()) {
                *counts.entry(word).or_default() += 1;
            }
        }
        let mut words: Vec<(usize, &str)> = counts.into_iter().map(|(w, n)| (n, w)).collect();
        words.sort_by(|a, b| b.cmp(a));
        Self { words: words.into_iter().map(|(_, word)| word).collect(), random: Random(seed) }
    }

    /// By Zipf's law: the n-th most frequent word comes 1/n as often as the first.
    fn word(&mut self) -> String {
        let unit = self.random.unit();
        if unit > 0.99 {
            return format!("part{:x}", self.random.next() % 100_000);
        }
        let rank = (self.words.len() as f64).powf(self.random.unit()) - 1.0;
        self.words[rank as usize].to_owned()
    }

    pub(crate) fn sentence(&mut self) -> String {
        let count = 8 + self.random.next() % 12;
        let words: Vec<String> = (0..count).map(|_| self.word()).collect();
        let mut sentence = words.join(" ");
        sentence[..1].make_ascii_uppercase();
        sentence + "."
    }

    /// Some 110 words: two of them are more than a chunk holds.
    pub(crate) fn paragraph(&mut self) -> String {
        (0..8).map(|_| self.sentence()).collect::<Vec<_>>().join(" ")
    }
}

/// Markdown files of 20 sections of a chunk each, some `chunks` in all.
pub(crate) fn markdown(dir: &Path, chunks: usize) -> std::io::Result<()> {
    let mut prose = Prose::new(1);
    for file in 0..chunks.div_ceil(20) {
        let folder = dir.join((file / 100).to_string());
        fs::create_dir_all(&folder)?;
        let mut out = BufWriter::new(fs::File::create(folder.join(format!("{file}.md")))?);
        writeln!(out, "# {}", prose.sentence())?;
        for _ in 0..20.min(chunks - file * 20) {
            let (heading, paragraph) = (prose.sentence(), prose.paragraph());
            writeln!(out, "\n## {heading}\n\n{paragraph}")?;
        }
    }
    Ok(())
}

/// Text files of a paragraph each.
pub(crate) fn small_files(dir: &Path, files: usize) -> std::io::Result<()> {
    let mut prose = Prose::new(2);
    for file in 0..files {
        let folder = dir.join((file / 100).to_string());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{file}.txt")), prose.paragraph() + "\n")?;
    }
    Ok(())
}

/// One text file of `size` bytes or a little more.
pub(crate) fn text(path: &Path, size: u64, seed: u64) -> std::io::Result<()> {
    let mut prose = Prose::new(seed);
    let mut out = BufWriter::new(fs::File::create(path)?);
    let mut written = 0;
    while written < size {
        let paragraph = prose.paragraph() + "\n\n";
        out.write_all(paragraph.as_bytes())?;
        written += paragraph.len() as u64;
    }
    out.flush()
}

/// PDFs of four pages each.
pub(crate) fn pdfs(dir: &Path, files: usize) -> std::io::Result<()> {
    let mut prose = Prose::new(3);
    fs::create_dir_all(dir)?;
    for file in 0..files {
        let pages: Vec<String> = (0..4).map(|_| prose.paragraph()).collect();
        fs::write(dir.join(format!("{file}.pdf")), pdf(&pages))?;
    }
    Ok(())
}

/// A minimal PDF: one font, a page for each text, a line for each sentence.
fn pdf(pages: &[String]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    for (page, text) in pages.iter().enumerate() {
        let lines: Vec<String> =
            text.split_inclusive(". ").map(|line| format!("({}) Tj T*", line.trim())).collect();
        let stream = format!("BT /F1 9 Tf 11 TL 40 800 Td\n{}\nET", lines.join("\n"));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + page * 2
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()));
    }
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(out.len());
        out.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let xref = out.len();
    out.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes(),
    );
    for place in &places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let size = places.len() + 1;
    out.extend_from_slice(
        format!("trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").as_bytes(),
    );
    out
}
