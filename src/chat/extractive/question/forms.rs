//! Words that show the form of an answer, in the languages of [`tables`](super::tables).

/// Words for a time: months, parts of the year and of the past, and distances in the past.
pub(super) const TIMES: &str = "january|february|march|april|june|july|august|september|october|november|december|\
    today|yesterday|tomorrow|century|centuries|decade|ago|monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|\
    summer|autumn|winter|midnight|noon|morning|evening|night|daily|weekly|monthly|annually|\
    januar|februar|marz|mai|juni|juli|oktober|dezember|jahrhundert|jahrhunderts|\
    janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|siecle|\
    enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|siglo|\
    gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|secolo|\
    janeiro|fevereiro|marco|maio|junho|julho|setembro|outubro|dezembro|seculo|\
    januari|februari|maart|mei|augustus|eeuw|secolul|yuzyil|век|века|веке|αιωνα|القرن|قرن|המאה|सदी|शताब्दी|세기|世纪|世紀";

/// Beginnings of conditions, which answer "when does it".
pub(super) const CONDITIONS: &str = "when|whenever|if|once|after|before|until|unless|while|as|during|since|wenn|sobald|nachdem|\
    bevor|bis|seit|quand|lorsque|apres|avant|cuando|despues|antes|si|se|dopo|prima|depois|als|na|voor|когда|после|до|если|\
    بعد|قبل|عندما|אחרי|לאחר|לפני|כאשר|जब|बाद|पहले";

/// Words that give a reason.
pub(super) const REASONS: &str = "because|cause|caused|causes|reason|reasons|due|therefore|weil|da|wegen|grund|daher|parce|\
    car|cause|raison|porque|debido|causa|perche|poiche|dovuto|omdat|want|doordat|reden|потому|из за|причина|لان|بسبب|زيرا|چون|כי|\
    בגלל|מכיוון|क्योंकि|कारण|때문|때문에|因为|因為|由于|ため|ので|เพราะ|เนื่องจาก";
