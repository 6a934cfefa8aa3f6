//! Small PDFs, object by object.

/// A file being built. Object 1 is the catalog, 2 the list of pages, 3 Helvetica.
pub(in crate::ingest::extract) struct File {
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
    /// More fonts and other resources of the pages that follow: `/F2 9 0 R`.
    pub(super) fonts: String,
    pub(super) resources: String,
    /// More entries of the pages that follow.
    pub(super) entries: String,
    /// More entries of the catalog.
    pub(in crate::ingest::extract) catalog: String,
}

impl File {
    pub(in crate::ingest::extract) fn new() -> Self {
        let font =
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
        let objects = vec![Vec::new(), Vec::new(), font.into()];
        let empty = String::new;
        Self {
            objects,
            pages: Vec::new(),
            fonts: empty(),
            resources: empty(),
            entries: empty(),
            catalog: empty(),
        }
    }

    /// Adds an object and returns its number.
    pub(in crate::ingest::extract) fn object(&mut self, object: impl Into<Vec<u8>>) -> usize {
        self.objects.push(object.into());
        self.objects.len()
    }

    pub(super) fn stream(&mut self, dictionary: &str, data: &[u8]) -> usize {
        let head = format!("<< /Length {} {dictionary} >>\nstream\n", data.len());
        self.object([head.as_bytes(), data, b"\nendstream"].concat())
    }

    /// A form that draws another one twice, which draws the next twice, and so on: 2^40 in total. Returns its
    /// number.
    pub(super) fn endless_form(&mut self) -> usize {
        let mut inner = self.stream("/Subtype /Form /BBox [0 0 9 9]", b"");
        for _ in 0..40 {
            let dictionary = format!(
                "/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {inner} 0 R >> >>"
            );
            inner = self.stream(&dictionary, b"/X Do /X Do");
        }
        inner
    }

    pub(in crate::ingest::extract) fn page(&mut self, content: &str) {
        let content = self.stream("", content.as_bytes());
        let (fonts, resources, entries) = (&self.fonts, &self.resources, &self.entries);
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R {entries} \
             /Resources << /Font << /F1 3 0 R {fonts} >> {resources} >> >>"
        );
        let page = self.object(page);
        self.pages.push(page);
    }

    /// `trailer` is added to the trailer.
    pub(in crate::ingest::extract) fn finish(mut self, trailer: &str) -> Vec<u8> {
        let kids: Vec<String> = self.pages.iter().map(|page| format!("{page} 0 R")).collect();
        let catalog = format!("<< /Type /Catalog /Pages 2 0 R {} >>", self.catalog);
        self.objects[0] = catalog.into();
        self.objects[1] =
            format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len()).into();
        let info = self.object("<< /Title (The Ledger Contract) >>");
        let mut file = b"%PDF-1.5\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (index, object) in self.objects.iter().enumerate() {
            table += &format!("{:010} 00000 n \n", file.len());
            file.extend(format!("{} 0 obj\n", index + 1).bytes());
            file.extend(object);
            file.extend(b"\nendobj\n");
        }
        let (size, start) = (self.objects.len() + 1, file.len());
        let end = format!(
            "trailer\n<< /Size {size} /Root 1 0 R /Info {info} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
        );
        file.extend(table.bytes().chain(end.bytes()));
        file
    }
}

/// A PDF of these pages, each with one line.
pub(in crate::ingest::extract) fn pdf(pages: &[&str], trailer: &str) -> Vec<u8> {
    let mut file = File::new();
    for page in pages {
        file.page(&format!("BT /F1 12 Tf 72 720 Td ({page}) Tj ET"));
    }
    file.finish(trailer)
}

/// A PDF with one page of this content.
pub(super) fn drawn(content: &str) -> Vec<u8> {
    let mut file = File::new();
    file.page(content);
    file.finish("")
}

/// A file that is text, with a bit of everything.
pub(in crate::ingest::extract) fn ascii() -> String {
    let mut file = File::new();
    let form =
        file.stream("/Subtype /Form /BBox [0 0 600 700]", b"BT 1 Tr 9 9 Td (in a form) Tj ET");
    file.resources = format!("/XObject << /X {form} 0 R >>");
    file.entries = "/Annots [<< /Subtype /Text /Contents (A note) >>]".to_owned();
    file.page(
        "q 1 0 0 1 72 700 cm BT /F1 12 Tf [(Har) -20 (bour)] TJ 0 -14 Td (fee) Tj ET Q /X Do",
    );
    file.page("BT /F1 9 Tf 0 1 -1 0 300 60 Tm 3 Tc (Turned) Tj ET");
    String::from_utf8(file.finish("")).unwrap_or_default()
}
