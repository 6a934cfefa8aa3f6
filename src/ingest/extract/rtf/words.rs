//! What control words of an RTF begin, and the signs they stand for.

/// Where the text of a group goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Destination {
    Text,
    /// Footnotes, endnotes and comments, which have paragraphs of their own.
    Note,
    /// The number or the bullet of a paragraph.
    Label,
    Fonts,
    Styles,
    /// What is known of the document.
    Info,
    Title,
    /// Of a comment.
    Author,
    Nothing,
}

/// What a word begins, as the first of its group; `None` for a word that begins nothing.
pub(super) fn destination(word: &str) -> Option<Destination> {
    Some(match word {
        "footnote" => Destination::Note,
        "listtext" | "pntext" => Destination::Label,
        "fonttbl" => Destination::Fonts,
        "stylesheet" => Destination::Styles,
        "info" => Destination::Info,
        "atnauthor" => Destination::Author,
        // Text although it may be left out: of shapes, of results, in Unicode.
        "shpinst" | "ud" | "moMath" | "moMathPara" => Destination::Text,
        "colortbl" | "pict" | "header" | "headerl" | "headerr" | "headerf" | "footer"
        | "footerl" | "footerr" | "footerf" | "fldinst" | "objdata" | "objclass" | "objname"
        | "nonshppict" | "shprslt" | "sp" | "nonesttables" | "filetbl" | "revtbl" | "listtable"
        | "listoverridetable" | "rsidtbl" | "themedata" | "colorschememapping" | "datastore"
        | "datafield" | "latentstyles" | "generator" | "template" | "private" | "xmlnstbl"
        | "ftnsep" | "ftnsepc" | "ftncn" | "aftnsep" | "aftnsepc" | "aftncn" | "bkmkstart"
        | "bkmkend" | "tc" | "tcn" | "xe" | "rxe" | "txe" | "pn" | "pntxta" | "pntxtb"
        | "pnseclvl" | "formfield" | "upr" | "mmathPict" | "background" | "atnid" | "atndate"
        | "atnref" | "atrfstart" | "atrfend" | "atnparent" | "atnicn" | "docvar" | "userprops"
        | "wgrffmtfilter" | "hlinkbase" | "passwordhash" | "falt" | "panose" | "fontemb"
        | "fontfile" | "nesttableprops" | "do" => Destination::Nothing,
        // Properties of formulas: `mfPr`, `msSupPr`.
        _ if word.starts_with('m') && word.ends_with("Pr") => Destination::Nothing,
        _ => return None,
    })
}

/// The sign that a word stands for.
pub(super) fn sign(word: &str) -> Option<&'static str> {
    Some(match word {
        "emdash" => "—",
        "endash" => "–",
        "lquote" => "‘",
        "rquote" => "’",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "bullet" => "•",
        "nbhyphen" => "-",
        "nbsp" => "\u{A0}",
        "emspace" | "enspace" | "qmspace" | "tab" => " ",
        "line" | "lbr" | "softline" | "page" | "column" => "\n",
        _ => return None,
    })
}
