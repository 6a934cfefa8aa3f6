//! The destinations that control words of an RTF start, and the characters that they stand for.

/// Where the text of a group goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RtfDestination {
    Text,
    /// Footnotes, endnotes and comments, which have paragraphs of their own.
    Note,
    /// The number or the bullet of a paragraph.
    Label,
    Fonts,
    Styles,
    /// Properties of the document.
    Info,
    Title,
    /// The author of a comment.
    Author,
    Nothing,
}

/// The destination that a word starts as the first of its group; `None` if it starts none.
pub(super) fn destination(word: &str) -> Option<RtfDestination> {
    Some(match word {
        "footnote" => RtfDestination::Note,
        "listtext" | "pntext" => RtfDestination::Label,
        "fonttbl" => RtfDestination::Fonts,
        "stylesheet" => RtfDestination::Styles,
        "info" => RtfDestination::Info,
        "atnauthor" => RtfDestination::Author,
        // These are text although they are marked as ignorable: text of shapes, results, Unicode.
        "shpinst" | "ud" | "moMath" | "moMathPara" => RtfDestination::Text,
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
        | "fontfile" | "nesttableprops" | "do" => RtfDestination::Nothing,
        // Properties of formulas: `mfPr`, `msSupPr`.
        _ if word.starts_with('m') && word.ends_with("Pr") => RtfDestination::Nothing,
        _ => return None,
    })
}

/// The character that a word stands for.
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
