use super::*;

/// Each word of four letters or more, by its length and first letter.
fn terms(text: &str) -> Vec<u32> {
    Words::of(text)
        .iter()
        .filter(|word| word.len() > 3 && !ASKING.contains(word))
        .map(|word| word.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31) ^ u32::from(byte)))
        .collect()
}

fn fits(question: &str, sentence: &str) -> bool {
    let words = Words::of(sentence);
    parts(question, &terms)[0].fit(&Form { text: sentence, words: &words }) > 0.0
}

#[test]
fn a_question_falls_into_parts_that_ask_for_something() {
    let check = |question: &str, expected: &[ExpectedAnswer]| {
        let found: Vec<ExpectedAnswer> =
            parts(question, &terms).iter().map(|part| part.asks).collect();
        assert_eq!(found, expected, "{question}");
    };
    check(
        "How long are backups kept, and who may restore one?",
        &[ExpectedAnswer::Duration, ExpectedAnswer::Person],
    );
    check("How many hours does it take?", &[ExpectedAnswer::Number]);
    check(
        "When does it end early, or how many lines are left?",
        &[ExpectedAnswer::Time, ExpectedAnswer::Number],
    );
    check("What does the export cost?", &[ExpectedAnswer::Definition]);
    check("Why and how do I export?", &[ExpectedAnswer::Anything]);
    for comparison in [
        "What is the difference between apples and pears?",
        "apples vs. pears",
        "Compare apples with pears",
        "How do apples differ from pears?",
        "How do apples and pears differ in winter?",
        "What distinguishes apples from pears?",
    ] {
        check(comparison, &[ExpectedAnswer::Definition; 2]);
        assert_eq!(parts(comparison, &terms)[1].terms.len(), 1, "{comparison}");
    }
    check("ledger exports", &[ExpectedAnswer::Anything]);
    check("Where are the exports?", &[ExpectedAnswer::Place]);
    check("In what year did exports begin?", &[ExpectedAnswer::Time]);
    check("Who is it, and why?", &[]);
}

#[test]
fn languages_ask_with_words_of_their_own() {
    use ExpectedAnswer::{Anything, Number, Person, Place, Reason, Time};
    for (question, expected) in [
        ("Wer schrieb den Bericht?", Person),
        ("Wann endet der Vertrag?", Time),
        ("Wie viele Sicherungen gibt es?", Number),
        ("Qui a restauré la sauvegarde?", Person),
        ("Quand finit le contrat ?", Time),
        ("¿Cuántas copias hay en la sede?", Number),
        ("¿Dónde se guardan las copias?", Place),
        ("Quante copie sono conservate?", Number),
        ("Quem restaurou os arquivos?", Person),
        ("Waarom mislukte de export?", Reason),
        ("Câte rezerve există în depozit?", Number),
        ("Bu sözleşme ne zaman bitti?", Time),
        ("Bản sao được lưu giữ ở đâu?", Place),
        ("Сколько копий хранится?", Number),
        ("Кто восстановил архив?", Person),
        ("Πότε τελειώνει η σύμβαση;", Time),
        ("متى انتهى العقد؟", Time),
        ("كم عدد النسخ في المستودع؟", Number),
        ("این قرارداد در چه سالی پایان یافت؟", Time),
        ("כמה עותקים יש במחסן?", Number),
        ("מתי הסתיים החוזה?", Time),
        ("गोदाम में कितने लोग काम करते हैं?", Number),
        ("백업은 언제 삭제되는가?", Time),
        ("창고에는 몇 명이 일하는가?", Number),
        ("合同什么时候结束？", Time),
        ("仓库里有多少人工作？", Number),
        ("契約はいつ終わりますか？", Time),
        ("倉庫では何人が働いていますか？", Number),
        ("โกดังมีคนทำงานกี่คน", Number),
        ("ใครเป็นผู้เขียนรายงาน", Person),
        ("Welche Sicherung wird aufbewahrt?", Anything),
    ] {
        let words = Words::of(question);
        let words: Vec<&str> = words.iter().collect();
        assert_eq!(
            AskingWords::of_text(question, &words).asks(question, &words),
            expected,
            "{question}"
        );
    }
}

#[test]
fn words_that_only_ask_are_not_content() {
    for (question, expected) in [
        ("How long are the backups kept?", "are the backups kept?"),
        ("List the rules of the warehouse", "the rules of the warehouse"),
        ("Please explain retention to me", "retention to"),
        ("Welche Sicherungen werden im Keller aufbewahrt?", "Sicherungen Keller aufbewahrt?"),
        ("Où sont les sauvegardes ?", "sauvegardes ?"),
        ("Когда была основана компания?", "основана компания?"),
        ("متى انتهى العقد؟", "انتهى العقد؟"),
        ("合同什么时候结束？", "合同 结束？"),
    ] {
        assert_eq!(content(question), expected);
    }
}

#[test]
fn what_is_counted_is_the_focus_and_what_follows_than_is_compared() {
    let parts = parts("How many lines has version 2 more than version 1?", &terms);
    assert_eq!(parts[0].focus, terms("lines").into_iter().collect());
    assert_eq!(parts[0].compared, terms("version").into_iter().collect());
    assert_eq!(parts[0].numbered, [Words::of("version 2")]);
}

#[test]
fn sentences_fit_what_is_asked() {
    for (question, sentence, expected) in [
        ("How long are backups kept?", "They stay for 14 days.", true),
        ("How long are backups kept?", "They stay for two weeks.", true),
        ("How long are backups kept?", "They have 14 pages.", false),
        ("How many backups are there?", "There are a number of advantages.", false),
        ("How many backups are there?", "There are 40 of them.", true),
        ("How many backups are there?", "There are three of them.", true),
        ("How many backups were made in 2019?", "Backups were made in 2019.", false),
        ("How many backups are there?", "It began in 1987.", false),
        ("Who restores backups?", "Then Mary Jones does.", true),
        ("Who restores backups?", "Nobody does.", false),
        ("Who restores backups?", "They are restored every Tuesday.", false),
        ("Who founded Acme Works?", "In May they called it Acme Works.", true),
        ("Who founded Acme Works?", "Everybody knows Acme Works.", false),
        ("Where are exports kept?", "They are kept in Bergen.", true),
        ("Where are exports kept?", "They are kept for long.", false),
        ("When do exports fail?", "They fail if the disk is full.", true),
        ("When did exports fail?", "They failed in 2024.", true),
        ("When did exports fail?", "They failed if the disk was full.", false),
        ("Which company restores backups?", "Everybody does.", false),
        ("Which company restores backups?", "That is done by Acme Works.", true),
        ("Which company restores backups?", "They are restored in two hours.", false),
        ("How long is the export of rows?", "It has 300 lines.", true),
        ("How far are exports moved?", "They go 20 km.", true),
        ("How far are exports moved?", "There are 20 of them.", false),
        ("How much do exports cost?", "They are 12 euros each.", true),
        ("How big are exports?", "They have 12 MB.", true),
        ("How big are exports?", "They are large.", false),
        ("Why do exports fail?", "Because the disk is full.", true),
        ("What is an export?", "An export is a file.", true),
        ("What is an export?", "A file is the outcome of an export.", false),
        ("Wie viele Sicherungen gibt es?", "Es gibt drei davon.", true),
        ("Wie viele Sicherungen gibt es?", "Es gibt manche davon.", false),
        ("Quand finit le contrat ?", "Il finit en 2031.", true),
        ("Quand finit le contrat ?", "Il finit bien.", false),
        ("¿Cuántas copias hay en la sede?", "Hay doce copias.", true),
        ("¿Cuántas copias hay en la sede?", "Hay copias en todas partes.", false),
        ("Quante copie sono conservate?", "Sono sette copie.", true),
        ("Quante copie sono conservate?", "Le copie sono conservate.", false),
        ("Quantos arquivos existem no porto?", "Existem oito.", true),
        ("Quantos arquivos existem no porto?", "Existem alguns.", false),
        ("Hoeveel kopieën zijn er?", "Er zijn negen kopieën.", true),
        ("Hoeveel kopieën zijn er?", "Er zijn wat kopieën.", false),
        ("Сколько копий хранится?", "Хранится пять копий.", true),
        ("Сколько копий хранится?", "Копии хранятся долго.", false),
        ("كم عدد النسخ في المستودع؟", "في المستودع ١٢ نسخة.", true),
        ("كم عدد النسخ في المستودع؟", "النسخ في المستودع.", false),
        ("仓库里有多少人工作？", "仓库里有30人工作。", true),
        ("仓库里有多少人工作？", "人们在仓库工作。", false),
    ] {
        assert_eq!(fits(question, sentence), expected, "{question} {sentence}");
    }
}

#[test]
fn hyphens_do_not_make_a_third_word() {
    let plain =
        |question: &str| parts(question, &|text| terms(&text.replace('-', "")))[0].terms.len();
    assert_eq!(plain("dual-licensed crates"), 3);
    assert_eq!(plain("LGR-4012 crates"), 2);
}

#[test]
fn english_is_detected_by_its_small_words() {
    let is_english = |question: &str| {
        let words = Words::of(question);
        let words: Vec<&str> = words.iter().collect();
        AskingWords::of_text(question, &words).are_english(&words)
    };
    for question in [
        "Who elects the members of the European Parliament?",
        "What is the function of the system in a nervous system?",
        "which branch has the least influence in the EU",
    ] {
        assert!(is_english(question), "{question}");
    }
    for question in [
        "Wer wählt die Mitglieder in Europa?",
        "Chi elegge i membri in Europa?",
        "서울 시장",
        "Parlament Europejski",
    ] {
        assert!(!is_english(question), "{question}");
    }
}
