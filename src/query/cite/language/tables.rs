//! Words that show a language, and what a sentence of it is.

use super::TextLanguage;

/// Small words, which decide if a text is too short for its letters to do so.
pub(super) const SMALL: [(TextLanguage, &[&str]); 7] = [
    (
        TextLanguage::English,
        &[
            "the", "of", "and", "is", "are", "to", "for", "with", "be", "must", "from", "it",
            "this", "that", "at", "by", "not", "can", "may", "has", "have", "after", "within",
            "each", "per", "was", "were", "they", "up", "least", "on", "all",
        ],
    ),
    (
        TextLanguage::German,
        &[
            "der", "die", "das", "und", "ist", "sind", "nicht", "ein", "eine", "für", "mit", "von",
            "auf", "werden", "wird", "den", "dem", "des", "nach", "im", "zu", "bei", "kann",
            "muss", "müssen", "dürfen", "darf", "pro", "bis", "oder", "sich", "beträgt", "alle",
        ],
    ),
    (
        TextLanguage::French,
        &[
            "le", "la", "les", "des", "du", "et", "est", "sont", "une", "pour", "dans", "pas",
            "ne", "que", "qui", "par", "au", "aux", "sur", "doit", "peut", "avec", "il", "elle",
            "être", "l", "d", "ce", "cette", "plus", "après", "sans", "chaque",
        ],
    ),
    (
        TextLanguage::Spanish,
        &[
            "el", "la", "los", "las", "del", "y", "es", "son", "una", "para", "en", "no", "que",
            "por", "con", "se", "debe", "puede", "al", "su", "más", "hasta", "después", "cada",
            "un", "como", "está", "están", "deben", "ser", "lo", "sin",
        ],
    ),
    (
        TextLanguage::Italian,
        &[
            "il", "lo", "la", "gli", "le", "della", "del", "dei", "e", "è", "sono", "una", "per",
            "non", "che", "con", "si", "deve", "può", "al", "nel", "nella", "di", "da", "dopo",
            "ogni", "più", "alla", "dal", "i", "devono", "entro",
        ],
    ),
    (
        TextLanguage::Portuguese,
        &[
            "o", "a", "os", "as", "do", "da", "dos", "das", "e", "é", "são", "uma", "um", "para",
            "em", "não", "que", "por", "com", "se", "deve", "pode", "ao", "no", "na", "mais",
            "até", "após", "cada", "ser", "pelo", "pela",
        ],
    ),
    (
        TextLanguage::Dutch,
        &[
            "de", "het", "een", "en", "is", "zijn", "niet", "voor", "met", "van", "op", "wordt",
            "worden", "dat", "die", "naar", "in", "te", "bij", "kan", "moet", "mag", "per", "tot",
            "of", "na", "aan", "door", "binnen", "uit", "er", "elke",
        ],
    ),
];

/// Small words that say little about the language.
pub(super) const FURTHER: [(TextLanguage, &[&str]); 7] = [
    (
        TextLanguage::English,
        &[
            "a", "an", "in", "as", "or", "if", "than", "when", "before", "during", "since",
            "until", "also", "among", "against", "only", "then", "its", "their", "will", "do",
            "does", "but", "so", "into", "over", "under", "without", "because", "while", "which",
            "who", "more", "less", "other", "about", "every", "any", "no", "one", "there", "here",
            "you", "your", "we", "our", "he", "she", "his", "her", "them", "these", "those",
            "between", "through", "via", "should", "would", "could", "had", "been", "being", "did",
            "where", "how", "what", "both", "once", "don", "doesn", "didn", "isn", "aren", "wasn",
            "weren", "couldn", "shouldn", "wouldn", "hasn", "haven", "hadn", "vs",
        ],
    ),
    (
        TextLanguage::German,
        &[
            "einen", "einem", "einer", "eines", "zur", "zum", "vom", "am", "an", "aus", "über",
            "unter", "vor", "als", "wenn", "dass", "wie", "auch", "nur", "noch", "aber", "so",
            "war", "waren", "hat", "haben", "sein", "seine", "ihr", "ihre", "es", "er", "sie",
            "wir", "man", "durch", "ohne", "um", "gegen", "seit", "während", "jede", "jeder",
            "jedes", "in",
        ],
    ),
    (
        TextLanguage::French,
        &[
            "un", "de", "à", "en", "ou", "si", "mais", "sous", "avant", "entre", "leur", "leurs",
            "son", "sa", "ses", "on", "nous", "vous", "ils", "elles", "ont", "a", "été", "peuvent",
            "doivent", "comme", "aussi", "très", "se", "s", "n", "qu", "y", "c",
        ],
    ),
    (
        TextLanguage::Spanish,
        &[
            "de", "a", "o", "si", "pero", "sobre", "entre", "antes", "desde", "sus", "ha", "han",
            "fue", "pueden", "también", "muy", "más", "le", "les", "ese", "esta", "este",
            "durante",
        ],
    ),
    (
        TextLanguage::Italian,
        &[
            "un", "uno", "l", "d", "a", "in", "su", "o", "se", "ma", "tra", "fra", "prima", "ha",
            "hanno", "possono", "anche", "come", "questo", "questa", "degli", "delle", "dell",
            "sul", "sulla", "ai", "agli", "alle", "durante",
        ],
    ),
    (
        TextLanguage::Portuguese,
        &[
            "de", "à", "às", "aos", "ou", "mas", "sobre", "entre", "antes", "desde", "seu", "sua",
            "foi", "podem", "devem", "também", "muito", "nos", "nas", "pelos", "pelas", "este",
            "esta", "durante", "lhe", "sem",
        ],
    ),
    (
        TextLanguage::Dutch,
        &[
            "als", "om", "over", "onder", "maar", "ook", "nog", "wel", "was", "waren", "heeft",
            "hebben", "hun", "hij", "zij", "ze", "we", "dit", "deze", "tussen", "tijdens",
            "zonder", "ieder", "iedere", "kunnen", "moeten", "mogen", "elk", "zich",
        ],
    ),
];

/// Words of languages, by their codes.
pub(super) type WordTable = [(&'static str, &'static str)];

pub(super) const PREDICATES: &WordTable = &[
    (
        "en",
        "is are was were be can cannot can't may must will has have had does do not never no isn't aren't needs requires",
    ),
    (
        "de",
        "ist sind war waren kann können darf dürfen muss müssen wird werden hat haben nicht kein keine nie",
    ),
    ("fr", "est sont était peut peuvent doit doivent sera seront a ont ne n'est n'a pas jamais"),
    ("es", "es son era puede pueden debe deben será tiene tienen no nunca está están"),
    ("it", "è sono era può possono deve devono sarà ha hanno non mai"),
    ("pt", "é são era pode podem deve devem será tem têm não nunca está estão"),
    (
        "nl",
        "is zijn was kan kunnen mag mogen moet moeten wordt worden heeft hebben niet geen nooit",
    ),
];

pub(super) const PASSAGES: &WordTable = &[
    (
        "en",
        "passage passages document documents source sources context excerpt excerpts text texts documentation",
    ),
    (
        "de",
        "passage* textstelle* dokument* quelle* text texte texten auszug auszüge* unterlagen abschnitt*",
    ),
    (
        "fr",
        "passage passages document documents source sources texte textes extrait extraits contexte",
    ),
    ("es", "pasaje pasajes documento documentos fuente fuentes texto textos fragmento* contexto"),
    (
        "it",
        "passaggio passaggi documento documenti fonte fonti testo testi brano brani estratti contesto",
    ),
    (
        "pt",
        "passagem passagens documento documentos fonte fontes texto textos trecho trechos contexto excerto*",
    ),
    ("nl", "passage passages document documenten bron bronnen tekst teksten fragment* context"),
    ("ru", "отрывк* документ* источник* текст*"),
];

pub(super) const DENIALS: &WordTable = &[
    ("en", "not no nothing none neither nor don't doesn't didn't isn't cannot without open"),
    ("de", "nicht nichts kein keine keinen keiner keines keinem weder ohne offen"),
    ("fr", "ne n pas rien aucun aucune ni sans n'*"),
    ("es", "no nada ningún ninguno ninguna ni tampoco sin"),
    ("it", "non niente nulla nessun nessuno nessuna né senza"),
    ("pt", "não nada nenhum nenhuma nem sem"),
    ("nl", "niet niets geen noch zonder"),
    ("ru", "не нет ничего ни"),
];

pub(super) const SAYING: &WordTable = &[
    (
        "en",
        "say* mention* contain* specif* state* provid* includ* describ* tell* cover* indicat* name* answer* address* give* list* leav* explain* discuss*",
    ),
    (
        "de",
        "sag* nenn* erwähn* enth* angeb* geben gibt lass* beschreib* beantwort* steht stehen hervor",
    ),
    ("fr", "précis* mentionn* dis* dit indiqu* contien* donn* répond* nomm* parl*"),
    ("es", "indic* mencion* dic* contien* especific* precis* respond* nombr* habl*"),
    ("it", "dic* menzion* conten* conteng* contien* specific* indic* precis* rispond* parl*"),
    ("pt", "diz* mencion* contê* contém indic* especific* precis* respond* fala*"),
    ("nl", "zeg* vermeld* bevat* noem* geef* geven beantwoord* beschrijf* beschrijv* staat"),
    ("ru", "сказан* говор* указан* упомин* сообща*"),
];

/// Words that begin a heading which asks a question.
pub(super) const QUESTIONS: &WordTable = &[
    ("en", "how why what when where who which"),
    ("de", "wie warum was wann wo wer welche welcher welches"),
    ("fr", "comment pourquoi quand où qui quel quelle que"),
    ("es", "cómo por cuándo dónde quién cuál qué"),
    ("it", "come perché quando dove chi quale cosa"),
    ("pt", "como por quando onde quem qual"),
    ("nl", "hoe waarom wanneer waar wie welke wat"),
];

/// Words with which the answerer speaks of itself.
pub(super) const SPEAKERS: &WordTable = &[
    ("en", "i i'm i'll i've"),
    ("de", "ich"),
    ("fr", "je j'*"),
    ("es", "yo puedo"),
    ("it", "io posso"),
    ("pt", "eu posso"),
    ("nl", "ik"),
];
