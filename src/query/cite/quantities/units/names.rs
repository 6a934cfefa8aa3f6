//! The names of units and multipliers, in all known languages.

use super::Dimension;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const WEEK: f64 = 604_800.0;
const KI: f64 = 1_024.0;

pub(super) type UnitRow = (Dimension, f64, &'static str);

/// Names in lower case, in all known languages.
pub(super) const NAMES: &[UnitRow] = &[
    (Dimension::Time, 1e-9, "nanosecond nanoseconds nanosekunde nanosekunden"),
    (Dimension::Time, 1e-6, "microsecond microseconds mikrosekunde mikrosekunden"),
    (
        Dimension::Time,
        1e-3,
        "ms msec millis millisecond milliseconds millisekunde millisekunden milliseconde \
         millisecondes millisecondi millisecondo milisegundo milisegundos milliseconden ミリ秒 毫秒",
    ),
    (
        Dimension::Time,
        1.0,
        "sec secs second seconds sekunde sekunden sek seconde secondes segundo segundos secondi \
         secondo seconden секунда секунды секунд сек 秒 秒間 秒钟 saniye ثانية ثوان ثواني सेकंड \
         שנייה שניות δευτερόλεπτα δευτερόλεπτο",
    ),
    (
        Dimension::Time,
        MINUTE,
        "min mins minute minutes minuten minuto minutos minuti minuut минута минуты минут минуту \
         мин 分 分間 分钟 dakika دقيقة دقائق मिनट דקה דקות λεπτά λεπτό minütig minütige minütigen",
    ),
    (
        Dimension::Time,
        HOUR,
        "hr hrs hour hours stunde stunden std stündig stündige stündigen heure heures hora horas \
         ora ore uur uren час часа часов 時間 小时 小時 saat ساعة ساعات घंटे घंटा שעה שעות ώρα ώρες",
    ),
    (
        Dimension::Time,
        DAY,
        "day days tag tage tagen tages tägig tägige tägigen tägiger tägiges jour jours día días \
         dia dias giorno giorni dag dagen день дня дней дні 日 日間 天 gün günü يوم أيام يوما दिन \
         दिनों יום ימים ημέρα ημέρες μέρες",
    ),
    (
        Dimension::Time,
        WEEK,
        "week weeks woche wochen wöchig wöchige wöchigen semaine semaines semana semanas settimana \
         settimane weken неделя недели недель 週間 週 周 星期 hafta أسبوع أسابيع सप्ताह שבוע שבועות \
         εβδομάδα εβδομάδες fortnightly",
    ),
    (Dimension::Time, 2.0 * WEEK, "fortnight fortnights"),
    (
        Dimension::Months,
        1.0,
        "month months monat monate monaten monats monatig monatige monatigen mois mes meses mese \
         mesi mês maand maanden месяц месяца месяцев か月 ヶ月 カ月 個月 个月 月間 ay شهر أشهر महीने महीना \
         חודש חודשים μήνας μήνες",
    ),
    (Dimension::Months, 3.0, "quarterly quartal quartale quartalen trimestre trimestres trimestri"),
    (
        Dimension::Months,
        12.0,
        "year years yr yrs jahr jahre jahren jahres jährig jährige jährigen jähriger an ans année \
         années año años anno anni ano anos jaar jaren год года лет 年 年間 yıl yılı yaş سنة سنوات \
         عام أعوام वर्ष साल שנה שנים έτος έτη χρόνια",
    ),
    (
        Dimension::Months,
        120.0,
        "decade decades jahrzehnt jahrzehnte jahrzehnten décennie décennies década décadas decennio \
         decenni decennium decennia",
    ),
    (
        Dimension::Months,
        1200.0,
        "century centuries jahrhundert jahrhunderte siècle siècles siglo siglos secolo secoli \
         século séculos eeuw eeuwen",
    ),
    (
        Dimension::Length,
        1e-3,
        "mm millimetre millimetres millimeter millimeters millimètre millimètres milímetro \
         milímetros millimetro millimetri",
    ),
    (
        Dimension::Length,
        1e-2,
        "cm centimetre centimetres centimeter centimeters zentimeter zentimetern centimètre \
         centimètres centímetro centímetros centimetro centimetri センチ 厘米",
    ),
    (
        Dimension::Length,
        1.0,
        "metre metres meter meters metern mètre mètres metro metros metri メートル 米 метр метра метров μέτρα",
    ),
    (
        Dimension::Length,
        1e3,
        "km kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres kilómetro \
         kilómetros chilometro chilometri quilómetro quilómetros quilômetro quilômetros км キロ 公里 \
         千米 χιλιόμετρα",
    ),
    (
        Dimension::Length,
        0.0254,
        "inch inches zoll pouce pouces pulgada pulgadas pollice pollici polegada polegadas インチ",
    ),
    (Dimension::Length, 0.3048, "ft foot feet fuß pied pieds pie pies piede piedi pé pés voet"),
    (Dimension::Length, 0.9144, "yard yards"),
    (
        Dimension::Length,
        1_609.344,
        "mi mile miles meile meilen milla millas miglio miglia milha milhas mijl",
    ),
    (Dimension::Area, 1.0, "sqm m² m2 quadratmeter quadratmetern"),
    (Dimension::Area, 1e4, "ha hectare hectares hektar hectárea hectáreas ettaro ettari"),
    (Dimension::Area, 1e6, "km² km2 quadratkilometer"),
    (
        Dimension::Volume,
        1e-3,
        "ml millilitre millilitres milliliter milliliters mililitro mililitros millilitro millilitri",
    ),
    (
        Dimension::Volume,
        1.0,
        "litre litres liter liters litro litros litri литр литра литров リットル 升",
    ),
    (Dimension::Volume, 1e3, "m³ m3 kubikmeter"),
    (Dimension::Volume, 3.785_411_784, "gallon gallons"),
    (
        Dimension::Mass,
        1e-6,
        "µg mcg microgram micrograms mikrogramm microgramme microgrammes microgramo microgramos",
    ),
    (
        Dimension::Mass,
        1e-3,
        "mg milligram milligrams milligramm milligramme milligrammes miligramo miligramos milligrammo \
         milligrammi miligrama miligramas мг",
    ),
    (
        Dimension::Mass,
        1.0,
        "gram grams gramm gramme grammes gramo gramos grammo grammi grama gramas грамм 克 グラム",
    ),
    (
        Dimension::Mass,
        1e3,
        "kg kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos \
         chilogrammo chilogrammi quilograma quilogramas quilo quilos кг キログラム 公斤",
    ),
    (
        Dimension::Mass,
        1e6,
        "tonne tonnes tonnen ton tons tonelada toneladas tonnellata tonnellate トン 吨",
    ),
    (Dimension::Mass, 453.592_37, "lb lbs pound pounds"),
    (Dimension::Mass, 28.349_523_125, "oz ounce ounces unze unzen"),
    (Dimension::Bytes, 1.0, "byte bytes octet octets バイト 字节"),
    (Dimension::Bytes, 1e3, "kb kilobyte kilobytes ko kilooctet kilooctets"),
    (Dimension::Bytes, 1e6, "mb megabyte megabytes mo mégaoctet mégaoctets"),
    (Dimension::Bytes, 1e9, "gb gigabyte gigabytes go gigaoctet gigaoctets ギガバイト"),
    (Dimension::Bytes, 1e12, "tb terabyte terabytes téraoctet téraoctets"),
    (Dimension::Bytes, 1e15, "pb petabyte petabytes"),
    (Dimension::Bytes, KI, "kib kibibyte kibibytes"),
    (Dimension::Bytes, KI * KI, "mib mebibyte mebibytes"),
    (Dimension::Bytes, KI * KI * KI, "gib gibibyte gibibytes"),
    (Dimension::Bytes, KI * KI * KI * KI, "tib tebibyte tebibytes"),
    (Dimension::Bits, 1.0, "bit bits ビット"),
    (Dimension::Bits, 1e3, "kbit kbits kilobit kilobits kbps"),
    (Dimension::Bits, 1e6, "mbit mbits megabit megabits mbps"),
    (Dimension::Bits, 1e9, "gbit gbits gigabit gigabits gbps"),
    (
        Dimension::Share,
        0.01,
        "% percent pct prozent pourcent porcento procent процент процента процентов パーセント yüzde \
         بالمئة بالمائة प्रतिशत אחוז אחוזים ποσοστό",
    ),
    (Dimension::Share, 0.001, "‰ promille permille"),
    (Dimension::Hertz, 1.0, "hz hertz"),
    (Dimension::Hertz, 1e3, "khz"),
    (Dimension::Hertz, 1e6, "mhz"),
    (Dimension::Hertz, 1e9, "ghz"),
    (Dimension::Watts, 1.0, "watt watts"),
    (Dimension::Watts, 1e3, "kw kilowatt kilowatts"),
    (Dimension::Watts, 1e6, "megawatt megawatts"),
    (Dimension::WattHours, 1.0, "wh wattstunden"),
    (Dimension::WattHours, 1e3, "kwh kilowattstunde kilowattstunden"),
    (Dimension::WattHours, 1e6, "mwh"),
    (Dimension::WattHours, 1e9, "gwh"),
    (Dimension::WattHours, 1e12, "twh"),
    (Dimension::Joules, 1.0, "joule joules"),
    (Dimension::Joules, 1e3, "kj"),
    (Dimension::Joules, 4_184.0, "kcal"),
    (Dimension::Volts, 1.0, "volt volts voltios"),
    (Dimension::Volts, 1e3, "kv"),
    (Dimension::Amperes, 1.0, "ampere amperes amp amps"),
    (Dimension::Amperes, 1e-3, "ma mah"),
    (Dimension::Pixels, 1.0, "px pixel pixels bildpunkt bildpunkte bildpunkten"),
    (Dimension::Bars, 1.0, "bar bars"),
    (Dimension::Bars, 0.068_947_57, "psi"),
    (Dimension::Bars, 1e-3, "mbar hpa"),
    (Dimension::Decibels, 1.0, "db decibel decibels dezibel"),
    (Dimension::Speed, 1.0 / 3.6, "kph kmh km/h"),
    (Dimension::Speed, 0.447_04, "mph"),
    (Dimension::Celsius, 1.0, "°c celsius ℃"),
    (Dimension::Fahrenheit, 1.0, "°f fahrenheit ℉"),
    (Dimension::Kelvin, 1.0, "kelvin"),
    (Dimension::Degrees, 1.0, "° degree degrees grad degré degrés grado grados gradi graus graden"),
    (Dimension::Euros, 1.0, "€ eur euro euros ευρώ евро ユーロ 欧元"),
    (
        Dimension::Euros,
        0.01,
        "cent cents centime centimes céntimo céntimos centesimo centesimi cêntimos",
    ),
    (
        Dimension::Dollars,
        1.0,
        "$ usd dollar dollars dólar dólares dollaro dollari доллар долларов ドル 美元",
    ),
    (Dimension::Pounds, 1.0, "£ gbp livre livres"),
    (Dimension::Yen, 1.0, "¥ jpy yen 円"),
    (Dimension::Francs, 1.0, "chf franken francs franchi"),
    (Dimension::Rupees, 1.0, "₹ inr rupee rupees रुपये"),
    (Dimension::Yuan, 1.0, "cny rmb yuan 元"),
    (
        Dimension::Times,
        1.0,
        "× fold times mal fois vez veces volta volte vezes keer maal 回 次 раз раза",
    ),
];

/// Signs right after the number; case matters.
pub(super) const SIGNS: &[UnitRow] = &[
    (Dimension::Time, 1.0, "s"),
    (Dimension::Time, 1e-6, "µs us"),
    (Dimension::Time, 1e-9, "ns"),
    (Dimension::Time, HOUR, "h"),
    (Dimension::Time, DAY, "d"),
    (Dimension::Length, 1.0, "m"),
    (Dimension::Length, 0.0254, "\" ″"),
    (Dimension::Mass, 1.0, "g"),
    (Dimension::Mass, 1e6, "t"),
    (Dimension::Volume, 1.0, "l L"),
    (Dimension::Volume, 0.01, "cl"),
    (Dimension::Bytes, 1.0, "B"),
    (Dimension::Bits, 1e6, "Mb"),
    (Dimension::Bits, 1e9, "Gb"),
    (Dimension::Watts, 1.0, "W"),
    (Dimension::Watts, 1e6, "MW"),
    (Dimension::Watts, 1e-3, "mW"),
    (Dimension::Volts, 1.0, "V"),
    (Dimension::Volts, 1e-3, "mV"),
    (Dimension::Amperes, 1.0, "A"),
    (Dimension::Kelvin, 1.0, "K"),
    (Dimension::Joules, 1.0, "J"),
    (Dimension::Times, 1.0, "x"),
];

/// Names of several words; `year old` and similar phrases are units themselves.
pub(super) const PHRASES: &[(Dimension, f64, &str)] = &[
    (Dimension::Share, 0.01, "per cent"),
    (Dimension::Share, 0.01, "pour cent"),
    (Dimension::Share, 0.01, "por ciento"),
    (Dimension::Share, 0.01, "por cento"),
    (Dimension::Share, 0.01, "per cento"),
    (Dimension::PercentagePoints, 1.0, "percentage points"),
    (Dimension::PercentagePoints, 1.0, "percentage point"),
    (Dimension::PercentagePoints, 1.0, "prozentpunkte"),
    (Dimension::PercentagePoints, 1.0, "prozentpunkten"),
    (Dimension::PercentagePoints, 1.0, "points de pourcentage"),
    (Dimension::PercentagePoints, 1.0, "puntos porcentuales"),
    (Dimension::PercentagePoints, 1.0, "punti percentuali"),
    (Dimension::PercentagePoints, 1.0, "pontos percentuais"),
    (Dimension::PercentagePoints, 1.0, "procentpunten"),
    (Dimension::PercentagePoints, 1.0, "pp"),
    (Dimension::Area, 1.0, "square metres"),
    (Dimension::Area, 1.0, "square meters"),
    (Dimension::Area, 1.0, "mètres carrés"),
    (Dimension::Area, 1.0, "metros cuadrados"),
    (Dimension::Area, 1.0, "metri quadrati"),
    (Dimension::Area, 1.0, "metros quadrados"),
    (Dimension::Speed, 1.0 / 3.6, "km / h"),
    (Dimension::Speed, 1.0 / 3.6, "kilometers per hour"),
    (Dimension::Speed, 1.0 / 3.6, "kilometres per hour"),
    (Dimension::Speed, 1.0 / 3.6, "kilometer pro stunde"),
    (Dimension::Speed, 1.0 / 3.6, "kilomètres par heure"),
    (Dimension::Speed, 1.0 / 3.6, "kilómetros por hora"),
    (Dimension::Speed, 1.0 / 3.6, "chilometri all ' ora"),
    (Dimension::Speed, 1.0 / 3.6, "quilómetros por hora"),
    (Dimension::Speed, 1.0 / 3.6, "kilometer per uur"),
    (Dimension::Speed, 1.0, "m / s"),
    (Dimension::Months, 3.0, "quarters of a year"),
    (Dimension::Celsius, 1.0, "° c"),
    (Dimension::Fahrenheit, 1.0, "° f"),
    (Dimension::Celsius, 1.0, "degrees celsius"),
    (Dimension::Fahrenheit, 1.0, "degrees fahrenheit"),
    (Dimension::Celsius, 1.0, "grad celsius"),
    (Dimension::Celsius, 1.0, "degrés celsius"),
    (Dimension::Celsius, 1.0, "grados celsius"),
    (Dimension::Celsius, 1.0, "gradi celsius"),
    (Dimension::Celsius, 1.0, "graus celsius"),
    (Dimension::Celsius, 1.0, "graden celsius"),
    (Dimension::Pounds, 1.0, "pounds sterling"),
    (Dimension::Francs, 1.0, "schweizer franken"),
    (Dimension::Dollars, 1.0, "us $"),
    (Dimension::Dollars, 1.0, "us dollars"),
    (Dimension::Dollars, 0.01, "us cents"),
    (Dimension::Pounds, 1.0, "livres sterling"),
    (Dimension::Volume, 1e3, "cubic metres"),
    (Dimension::Volume, 1e3, "cubic meters"),
    (Dimension::Volume, 1e3, "metros cúbicos"),
    (Dimension::Volume, 1e3, "mètres cubes"),
    (Dimension::Volume, 1e3, "metri cubi"),
    (Dimension::Area, 1.0, "vierkante meter"),
];

/// Names that are other words in other languages, with the languages in which they are units.
pub(super) const RESTRICTED: &[(&str, &str)] = &[
    ("fr", "livre livres an ans go mo ko pied pieds ons octet octets"),
    ("es", "pie pies año años"),
    ("it", "ora ore piede mese"),
    ("pt", "pé pés ano anos"),
    ("es pt", "mes meses dia hora horas"),
    ("de", "std sek zoll fuß"),
    ("nl", "uur voet"),
    ("en", "ton tons mi amp amps foot feet bar bars yr yrs hr hrs"),
    ("en de nl", "cent cents"),
    ("tr", "ay gün saat"),
];

/// Words that multiply the number before them, for the languages in which they mean the same.
pub(super) const MULTIPLIERS: &[(&str, f64, &str)] = &[
    (
        "",
        1e3,
        "thousand thousands tausend mille mila mil duizend tsd tys тыс тысяч тысячи χιλιάδες bin ألف हज़ार אלף 千",
    ),
    (
        "",
        1e6,
        "million millions mio millionen million. millones millón milioni milione milhões milhão \
         miljoen mln млн миллион миллиона миллионов εκατομμύριο εκατομμύρια milyon مليون מיליון 百万",
    ),
    (
        "",
        1e9,
        "milliarde milliarden mrd milliard milliards miliardo miliardi miljard mld bn bilhão bilhões млрд milyar مليار δισεκατομμύρια",
    ),
    ("en", 1e9, "billion billions"),
    ("de fr es it nl", 1e12, "billion billionen billions billón billones bilione bilioni biljoen"),
    ("en", 1e12, "trillion trillions"),
    ("", 1e5, "lakh lakhs लाख"),
    ("", 1e7, "crore crores करोड़"),
    ("", 1e4, "万 萬"),
    ("", 1e8, "億 亿"),
];
