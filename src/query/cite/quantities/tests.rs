use super::super::language::TextLanguage;
use super::*;

/// The quantities of a claim that a passage does not support, and what it says instead.
fn lacking(claim: &str, passage: &str) -> String {
    let of = |text: &str| read(text, TextLanguage::of(text));
    let stated = of(passage);
    let facts = StatedQuantities::of(vec![&stated], &[]);
    let claimed = of(claim);
    let missing = claimed.quantities.iter().filter(|quantity| !facts.bear_out(quantity, &claimed));
    let shown = missing.map(|quantity| match facts.instead_of(quantity) {
        Some(instead) => format!("{} ({instead})", quantity.shown),
        None => quantity.shown.clone(),
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn all(cases: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(claim, passage, expected)| lacking(claim, passage) != *expected)
        .map(|(claim, passage, expected)| {
            format!("{claim:?} from {passage:?}: {:?}, not {expected:?}", lacking(claim, passage))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_number_counts_what_it_counts() {
    all(&[
        ("They are kept for 400 days.", "Ledger backups are kept for 400 days.", ""),
        (
            "They are kept for 900 days.",
            "The backups are kept for 400 days.",
            "900 days (400 days)",
        ),
        ("They are kept for 900 Fridays.", "They are kept for 900 days.", "900 Fridays (900 days)"),
        ("It takes two weeks.", "It takes 14 days.", ""),
        ("It takes two weeks.", "It takes 15 days.", "two weeks (15 days)"),
        ("The timeout is 90 minutes.", "The timeout is 1.5 hours.", ""),
        ("It takes 24 months.", "It takes two years.", ""),
        ("The limit is 5 GB.", "The limit is 5 GiB.", "5 GB (5 GiB)"),
        ("The limit is 5 MB, in bytes.", "MAX_SIZE = 5000000", ""),
        ("The limit is 5 MB.", "The limit is 5,000 kB.", ""),
        ("Two people approve.", "A restore needs the approval of two operators.", ""),
        (
            "There are two operators.",
            "There are two keys and three operators.",
            "two operators (three operators)",
        ),
        ("The timeout is 30 seconds.", "| Timeout (s) | 30 |", ""),
        ("The recall is 98.8 %.", "| recall | 0.988 |", ""),
        ("Over 7,300 issues were closed.", "7346 issues were closed.", ""),
        ("It is 8 °C.", "It is -8 °C.", "8 °C (-8 °C)"),
        ("It is minus 8 degrees Celsius.", "It is \u{2212}8 °C.", ""),
        ("Eight degrees below zero", "It is at -8 degrees", ""),
        (
            "A limit of 60 requests per minute is set.",
            "The limit is 60 requests per hour.",
            "60 requests (60 requests)",
        ),
        ("A limit of 60 requests per minute is set.", "The limit is 60 requests/min.", ""),
        ("It costs $5.", "It costs 5 dollars.", ""),
        ("It costs 5 €.", "It costs $5.", "5 € ($5)"),
        ("It costs EUR 1,250.50.", "Es kostet 1.250,50 € pro Jahr, und nicht mehr.", ""),
        ("A one-day course is offered.", "The course takes 1 day.", ""),
        ("One day is enough for it.", "It takes 2 days.", "One day (2 days)"),
        ("This is one of the rules.", "There are 2 rules.", ""),
        ("It listens on port 8080.", "The server listens on port 8080 by default.", ""),
        ("It listens on port 8443.", "The server listens on port 8080 by default.", "8443"),
        ("Python 3.10 is needed.", "Python 3.1 is needed.", "3.10"),
        ("Version 1.18.3 is needed", "It needs v1.18.3 or a later one", ""),
        ("It is in 1204 files", "It is in 1,204 files", ""),
    ]);
}

#[test]
fn bounds_and_ranges() {
    all(&[
        (
            "At least 12 characters are needed.",
            "The password has to have at least 12 characters.",
            "",
        ),
        (
            "At most 12 characters are allowed.",
            "The password has to have at least 12 characters.",
            "12 characters (12 characters)",
        ),
        ("More than 5 users", "up to 5 users", "5 users (5 users)"),
        ("It takes 10 to 20 minutes.", "It takes 10–20 minutes.", ""),
        ("It takes between 10 and 20 minutes.", "It takes 10-20 minutes.", ""),
        (
            "It takes 10 to 25 minutes.",
            "It takes 10–20 minutes.",
            "10 to 25 minutes (10–20 minutes)",
        ),
        ("It takes 15 minutes.", "It takes 10–20 minutes.", "15 minutes (10–20 minutes)"),
        ("It takes at least 10 minutes.", "It takes 10 to 20 minutes.", ""),
        ("Es dauert höchstens 20 Minuten.", "Es dauert 10 bis 20 Minuten.", ""),
        (
            "Es dauert mindestens 20 Minuten.",
            "Es dauert höchstens 20 Minuten.",
            "20 Minuten (20 Minuten)",
        ),
        ("Values from 5 up to 10 GB.", "The minimum is 5 GB and the maximum is 10 GB.", ""),
    ]);
}

#[test]
fn shares_and_multiples() {
    all(&[
        ("12.5 % of them", "an eighth of them, 1/8", ""),
        ("half of the users", "50 percent of the users", ""),
        ("a third of the budget is left", "33 % of the budget is left", ""),
        ("It grew by 5 percentage points.", "It grew by 5 percent.", "5 percentage points"),
        ("10k files are allowed", "The limit is 10,000 files", ""),
        ("2.5 million euros", "€2,500,000 were paid", ""),
        ("Das kostet 3 Mio. Euro im Jahr.", "Die Kosten sind 3.000.000 Euro und nicht mehr.", ""),
        ("1½ hours are needed", "It takes 90 minutes", ""),
        ("the third step", "step 3 is this", ""),
        ("on the third day", "after three days", "third day (three days)"),
    ]);
}

#[test]
fn notations_and_number_words_of_several_languages() {
    all(&[
        ("Es sind 1.250,5 Liter in dem Tank.", "There are 1,250.5 litres in the tank.", ""),
        ("Die Frist ist einundzwanzig Tage lang.", "The term is 21 days.", ""),
        ("Le délai est de quatre-vingt-dix jours.", "The term is 90 days.", ""),
        (
            "Le délai est de vingt-et-un jours.",
            "The term is 22 days.",
            "vingt-et-un jours (22 days)",
        ),
        ("El plazo es de treinta y cinco días.", "The term is 35 days.", ""),
        ("Il termine è di quarantadue giorni.", "The term is 42 days.", ""),
        ("O prazo é de trinta e dois dias.", "The term is 32 days.", ""),
        ("De termijn is eenentwintig dagen.", "The term is 21 days.", ""),
        ("バックアップは４００日間保存されます。", "The backups are kept for 400 days.", ""),
        ("يتم الاحتفاظ بها لمدة ٤٠٠ يوم", "They are kept for 400 days.", ""),
        ("इन्हें ४०० दिन रखा जाता है", "They are kept for 400 days.", ""),
        ("About 12,5 % stay.", "12.5 % of them stay", ""),
        ("1 250 files sind es, und das ist nicht viel für die Firma.", "There are 1,250 files", ""),
    ]);
}

#[test]
fn dates_and_times() {
    all(&[
        ("It starts on 3 March 2024.", "Es beginnt am 03.03.2024, und das ist fest.", ""),
        ("It starts on March 3rd, 2024.", "Start: 2024-03-03", ""),
        ("It starts on 4 March 2024.", "Start: 2024-03-03", "4 March 2024 (2024-03-03)"),
        ("It was in March 2024.", "It was on 3 March 2024.", ""),
        ("It was on 3 March 2024.", "It was in March 2024.", "3 March 2024 (March 2024)"),
        ("It was in 2024.", "It was on 3 March 2024.", ""),
        ("It was on 3 March 2024.", "In 2024 it was on 3 March.", ""),
        ("Le 3 mars 2024, c'est le début de la période.", "Start: 3/3/2024", ""),
        ("El 3 de marzo de 2024 es el día en que se abre.", "2024年3月3日に開始します", ""),
        ("It opens at 3 pm.", "It opens at 15:00.", ""),
        (
            "It opens at 3:30 p.m. on Mondays",
            "Geöffnet ist ab 15.30 Uhr, und das an jedem Montag.",
            "",
        ),
        ("It opens at 4 pm.", "It opens at 15:00.", "4 pm (15:00)"),
        ("On may 3 be it", "may 3", ""),
    ]);
}

/// Whether a number follows from what a passage states, by arithmetic.
fn derived(claim: &str, passage: &str) -> bool {
    let of = |text: &str| read(text, TextLanguage::of(text));
    let (stated, claimed) = (of(passage), of(claim));
    let facts = StatedQuantities::of(vec![&stated], &[]);
    claimed.quantities.iter().all(|figure| facts.bear_out(figure, &claimed))
}

#[test]
fn numbers_follow_from_others() {
    let cases = [
        (
            "The deposit is EUR 3,751.50, three times the rent of EUR 1,250.50.",
            "The rent is EUR 1,250.50 per month. The deposit amounts to three months' rent.",
        ),
        (
            "Goods trains stopped in 1969.",
            "Passenger service ended in 1971, two years after the last goods train.",
        ),
        (
            "Fehlalarme gab es 35, denn von 214 Einsätzen waren 61 Brände und 118 Hilfen.",
            "Die Wehr rückte zu 214 Einsätzen aus, davon waren 61 Brände und 118 Hilfen; der Rest waren Fehlalarme.",
        ),
        (
            "Llovieron 154 mm menos que la media.",
            "En 2023 llovieron 187 mm, frente a los 341 mm de la media.",
        ),
        (
            "Con la colazione un letto costa almeno 26,50 euro.",
            "Il prezzo di un letto va da 22 a 34 euro; la colazione costa 4,50 euro in più.",
        ),
        (
            "En 2021, on comptait donc 1,56 million d'abonnés.",
            "En 2022, on comptait 1,8 million d'abonnés, soit 240 000 de plus qu'en 2021.",
        ),
    ];
    for (claim, passage) in cases {
        assert!(derived(claim, passage), "{claim:?} from {passage:?}");
    }
    let wrong = [
        (
            "Fehlalarme gab es 53, denn von 214 Einsätzen waren 61 Brände und 118 Hilfen.",
            cases[2].1,
        ),
        ("Llovieron 145 mm menos que la media.", cases[3].1),
    ];
    for (claim, passage) in wrong {
        assert!(!derived(claim, passage), "{claim:?} from {passage:?}");
    }
}

#[test]
fn numbers_are_said_of_something() {
    let programmes = "Eco 50 takes 3 h 55 min and uses 0.75 kWh. Intensive 70 takes 2 h 10 min and uses 1.35 kWh.";
    all(&[
        ("The programme Intensive 70 uses 1.35 kWh of it.", programmes, ""),
        (
            "Repairs of more than EUR 100 are borne by the landlord.",
            "Repairs up to EUR 100 are borne by the tenant. Everything above that is borne by the landlord.",
            "",
        ),
        (
            "U kunt vanaf twee uur 's middags aankomen.",
            "De aankomst is mogelijk vanaf 14.00 uur.",
            "",
        ),
        ("電話は9時から17時まで", "平日の午前9時から午後5時まで受け付けています。", ""),
        (
            "Si spegne da sola dopo un'ora.",
            "La macchina si spegne da sola dopo 30 minuti.",
            "un'ora (30 minuti)",
        ),
    ]);
}

#[test]
fn what_a_clause_says_with_another_number_is_not_worked_out() {
    let battery = "The battery lasts for around 60 km. E-bikes cost 50 % more than bikes.";
    let programmes = "Eco 50 takes 3 h 55 min and uses 0.75 kWh. Intensive 70 takes 2 h 10 min and uses 1.35 kWh.";
    all(&[
        ("The battery lasts for around 90 km.", battery, "90 km (60 km)"),
        ("Intensive 70 uses 0.75 kWh.", programmes, "0.75 kWh (1.35 kWh)"),
        ("The battery of two bikes lasts 120 km.", battery, ""),
    ]);
}

#[test]
fn names_with_numbers_limits_rates_and_scales() {
    all(&[
        (
            "Retention is in Section 2.3.",
            "Section 3.2 covers retention, and Section 4 sign-on.",
            "2.3",
        ),
        ("Retention is in Section 3.2.", "Section 3.2 covers retention.", ""),
        (
            "At least 25 legal holds can be active.",
            "No more than 25 holds can be active.",
            "25 legal holds (25 holds)",
        ),
        ("Keep it below 77 °F.", "Keep it below 25 °C.", ""),
        ("Keep it below 25 °F.", "Keep it below 25 °C.", "25 °F"),
        (
            "The price is 1.95 € per day.",
            "The price is 1.95 € per week.",
            "1.95 € per day (1.95 € per week)",
        ),
    ]);
}
