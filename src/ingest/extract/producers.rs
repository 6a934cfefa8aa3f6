//! Office documents as other programs write them (`tests/fixtures/producers/office.py`).

#![allow(clippy::unwrap_used, reason = "tests")]

use super::document;
use crate::ingest::document::Document;
use crate::types::DocumentKind;

fn read(kind: DocumentKind, name: &str) -> Document {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/producers/");
    document(name, kind, &[], &std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
}

#[test]
fn a_contract_of_python_docx() {
    let contract = read(DocumentKind::Docx, "python-docx.docx");
    let expected = "# Harbour agreement\n\n# Fees\n\nThe fee is due on Mondays.\n\n\
        1. Ships of up to 20 m\n2. Ships of more than 20 m\n- with a pilot\n\n\
        Port: Bergen | Winter fee: 120 | Summer fee: 95\nPort: Narvik | Winter fee: 80 | Summer fee: 60\n\
        Port: Oslo | Winter fee: by agreement | Summer fee: by agreement\n\n\
        Tolerance ± 5 cm. f=l/20\n\nParty: Quill Shipping\n\nPayment within 30 days.";
    assert_eq!(contract.text, expected);
    assert_eq!(contract.title, "Harbour agreement");
}

#[test]
fn a_text_of_libreoffice_for_word_97() {
    let terms = read(DocumentKind::Docx, "libreoffice.doc");
    let expected = "# Terms of the port\n\n# Fees\n\n\
        The fee is due on Mondays, says the port. Größe: “5 µm”, Βέργκεν.\nNot in May.\n\n\
        There are 10⁶ herring in H₂O for ~~50~~ 40 kr.\n\n- one\n- two\n\n\
        Port: Bergen | Winter fee: 120 | Summer fee: 95\n\
        Port: Oslo | Winter fee: by agreement | Summer fee: by agreement\n\nThe end\nof it.";
    assert_eq!(terms.text, expected);
    assert_eq!(terms.title, "Terms of the port");
}

#[test]
fn a_deck_of_python_pptx() {
    let deck = read(DocumentKind::Pptx, "python-pptx.pptx");
    let expected = "# Two harbours\n\n- Bergen is open all year\n\n- Narvik freezes\n\nSource: harbour masters\n\n\
        ## Notes\n\nMention the pilot boat.\n\n\
        # Arrivals\n\nShare of arrivals\n\n2023 | Bergen: 25% | Narvik: 13%\n2024 | Bergen: 50%\n\n\
        Port: Bergen | Berths: 14";
    assert_eq!(deck.text, expected);
    assert_eq!(deck.warnings[0].message, "slide 3 is hidden, and is left out");
}

#[test]
fn workbooks_of_openpyxl_and_xlsxwriter() {
    let staff = read(DocumentKind::Spreadsheet, "openpyxl.xlsx");
    let expected = "Name: Ida | Zip: 01730 | Since: 2024-01-01 | Share: 12.5%\nIda: On leave until June\n\
        Name: Kai | Zip: 05003 | Since: 2024-01-02 | Share: 25.0%\nItem: Bolt | Qty: 2\nTotal";
    assert_eq!(staff.text, expected);
    let said: Vec<&str> = staff.warnings.iter().map(|warning| &*warning.message).collect();
    let expected = [
        "sheet `Lists` is hidden, and is left out",
        "hidden, and left out: 1 row and 1 column of `Staff`",
        "1 formula without a value, not read (Sums!C2): open it in a spreadsheet program and save it",
    ];
    assert_eq!(said, expected);
    let fees = read(DocumentKind::Spreadsheet, "xlsxwriter.xlsx");
    let expected = "Fees of ports\n\
        Region: West | Port: Bergen | Fee, winter: 1,200.00 kr | Fee, summer: 950.00 kr\n\
        Region: West | Port: Florø | Fee, winter: 80.00 kr | Fee, summer: 60.00 kr\n\
        Pilot: Ann | Boat: 7 | Pay: 1,280.00 kr";
    assert_eq!(fees.text, expected);
    assert!(fees.warnings.is_empty());
}

#[test]
fn workbooks_of_xlwt_and_odfpy() {
    for (name, sheets) in [("xlwt.xls", 1), ("odfpy.ods", 0)] {
        let staff = read(DocumentKind::Spreadsheet, name);
        let expected = "Name: Ida | Town: Bergen\nName: Kai | Town: Narvik";
        assert_eq!(staff.text, expected, "{name}");
        let said: Vec<&str> = staff.warnings.iter().map(|warning| &*warning.message).collect();
        let expected = [
            "sheet `Lists` is hidden, and is left out",
            "hidden, and left out: 1 row and 1 column of `Staff`",
        ];
        assert_eq!(said, expected[1 - sheets..], "{name}");
    }
}

#[test]
fn texts_and_slides_of_odfpy() {
    let rules = read(DocumentKind::Odt, "odfpy.odt");
    let expected = "# Harbour rules\n\nAnchoring is free for a night.\nExcept in the fairway.\n\n\
        1. Call the master\n2. Pay\n\nPort: Bergen | Fee: 120 | Day: Monday\nPort: Narvik | Fee: 95 | Day: Friday";
    assert_eq!(rules.text, expected);
    let slides = read(DocumentKind::Odp, "odfpy.odp");
    let expected = "# Berths\n\nBergen has 14\n\n## Notes\n\nSay more of berths.\n\n\
        # Pilots\n\nAnn and Kai\n\n## Notes\n\nSay more of pilots.";
    assert_eq!(slides.text, expected);
}
