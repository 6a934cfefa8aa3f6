//! How languages ask: words split as by [`Words`](crate::text::Words), alternatives separated by `|`. In
//! scripts without spaces they are found anywhere, otherwise only as whole words.

use super::ExpectedAnswer;

/// The words with which a language asks.
pub(super) struct AskingTable {
    /// By what is asked for. If several match at the same place, the longest counts.
    pub(super) words: &'static [(ExpectedAnswer, &'static str)],
    /// Words that say nothing about what is asked: articles, auxiliaries, politeness, instructions.
    pub(super) aside: &'static str,
    /// Numbers written as words, from two on.
    pub(super) numbers: &'static str,
    /// Least share of the question that an answer must have: see `docs/answers.md`.
    pub(super) floor: f32,
}

/// English is first: it wins a tie.
pub(super) const LANGUAGES: &[AskingTable] = &[
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "who|whom|whose"),
            (
                ExpectedAnswer::Time,
                "when|what year|which year|what date|what day|what month|what century|what decade",
            ),
            (
                ExpectedAnswer::Number,
                "how many|how much|what percentage|what percent|what number|how big|how large|how small|how high|how tall|how deep|how wide|how heavy|how thick",
            ),
            (
                ExpectedAnswer::Duration,
                "how long|how often|how frequently|how far|how soon|how quickly|how quick|how fast|how old|how late|how early",
            ),
            (ExpectedAnswer::Place, "where"),
            (ExpectedAnswer::Reason, "why"),
            (
                ExpectedAnswer::Definition,
                "what is|what are|what was|what were|what does|what do|whats",
            ),
            (ExpectedAnswer::Anything, "what|which|how|how low|how little"),
        ],
        aside: "may|might|could|shall|would|must|one|ones|get|gets|got|getting|mean|means|please|tell|explain|describe|\
                list|give|show|me|us|going|really|actually|today|currently|happens|happen|kind|sort|way|exactly|anything|\
                something|many|much|did|does|do|name|called",
        numbers: "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|dozens|twenty|thirty|forty|fifty|\
                  hundred|hundreds|thousand|thousands|million|millions|billion|billions|half|third|quarter|twice|once|\
                  none|single|both|couple|pair|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|sixty|seventy|eighty|ninety|double|percent",
        floor: 0.34,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "wer|wen|wem|wessen"),
            (
                ExpectedAnswer::Time,
                "wann|in welchem jahr|welches jahr|in welchem jahrhundert|welchem datum",
            ),
            (ExpectedAnswer::Number, "wie viele|wie viel|wieviele|wieviel|wie hoch|wie gross"),
            (ExpectedAnswer::Duration, "wie lange|wie oft|wie schnell|wie weit|wie alt"),
            (ExpectedAnswer::Place, "wo|wohin|woher"),
            (ExpectedAnswer::Reason, "warum|weshalb|wieso"),
            (ExpectedAnswer::Definition, "was ist|was sind|was war|was bedeutet|was bezeichnet"),
            (
                ExpectedAnswer::Anything,
                "was|wie|welche|welcher|welches|welchen|welchem|wofur|womit|woraus|worin|wodurch|wozu",
            ),
        ],
        aside: "der|die|das|den|dem|des|ein|eine|einen|einem|einer|eines|und|oder|ist|sind|war|waren|wird|werden|wurde|\
                wurden|hat|haben|hatte|hatten|kann|konnen|konnte|muss|mussen|soll|sich|es|er|sie|man|ich|mir|mich|uns|in|\
                im|an|am|auf|aus|bei|beim|fur|mit|nach|von|vom|vor|zu|zum|zur|als|dass|nicht|auch|noch|nur|bitte|gibt|nenne",
        numbers: "zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|dutzend|hundert|tausend|million|millionen|\
                  milliarde|milliarden|halfte|drittel|viertel|zweimal|dreimal|beide|keine",
        floor: 0.22,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "qui|a qui|de qui"),
            (ExpectedAnswer::Time, "quand|en quelle annee|quelle annee|a quelle date"),
            (ExpectedAnswer::Number, "combien|combien de"),
            (ExpectedAnswer::Duration, "combien de temps|a quelle frequence|quel age"),
            (ExpectedAnswer::Place, "ou"),
            (ExpectedAnswer::Reason, "pourquoi"),
            (
                ExpectedAnswer::Definition,
                "qu est ce que|qu est ce qu|que signifie|quel est|quelle est",
            ),
            (
                ExpectedAnswer::Anything,
                "que|quoi|quel|quelle|quels|quelles|comment|lequel|laquelle",
            ),
        ],
        aside: "le|la|les|l|d|un|une|des|du|de|et|est|sont|etait|etaient|a|ont|il|elle|ils|on|se|s|ce|c|cette|ces|au|aux|\
                en|dans|par|pour|sur|avec|ne|pas|t|y|je|me|moi|qu|son|sa|ses|leur|leurs|peut|faut|sert",
        numbers: "deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|douzaine|cent|cents|mille|million|millions|\
                  milliard|milliards|moitie|tiers|quart|aucun|aucune",
        floor: 0.29,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "quien|quienes|a quien|de quien"),
            (ExpectedAnswer::Time, "cuando|en que ano|que ano|en que fecha"),
            (ExpectedAnswer::Number, "cuantos|cuantas|cuanto|cuanta|que porcentaje|que cantidad"),
            (ExpectedAnswer::Duration, "cuanto tiempo|con que frecuencia|que edad"),
            (ExpectedAnswer::Place, "donde|a donde|adonde|en donde"),
            (ExpectedAnswer::Reason, "por que"),
            (ExpectedAnswer::Definition, "que es|que son|que era|que significa|cual es|cuales son"),
            (ExpectedAnswer::Anything, "que|cual|cuales|como"),
        ],
        aside: "el|la|los|las|un|una|unos|unas|de|del|y|o|es|son|era|eran|fue|fueron|ha|han|habia|se|su|sus|lo|le|les|al|\
                a|en|con|por|para|no|me|que|puede|pueden|debe|hay|tiene|tienen|tenia",
        numbers: "dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|docena|cien|ciento|mil|millon|millones|mitad|\
                  tercio|cuarto|ninguno|ninguna",
        floor: 0.32,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "chi|a chi|di chi"),
            (ExpectedAnswer::Time, "quando|in che anno|in quale anno|quale anno"),
            (ExpectedAnswer::Number, "quanti|quante|quanto|quanta|che percentuale"),
            (ExpectedAnswer::Duration, "quanto tempo|ogni quanto|per quanto tempo"),
            (ExpectedAnswer::Place, "dove|dov"),
            (ExpectedAnswer::Reason, "perche|come mai"),
            (
                ExpectedAnswer::Definition,
                "che cos e|cos e|cosa e|che cosa e|qual e|quali sono|cosa significa",
            ),
            (ExpectedAnswer::Anything, "che|cosa|che cosa|quale|quali|qual|come"),
        ],
        aside: "il|lo|la|gli|le|l|i|un|una|uno|di|del|dello|della|dei|degli|delle|e|o|sono|era|erano|ha|hanno|stato|stata|\
                stati|fu|si|al|alla|ai|alle|nel|nella|nei|in|con|per|da|dal|dalla|su|sul|non|mi|ci|suo|sua|suoi|puo|viene|\
                venne|a",
        numbers: "due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|dozzina|cento|mille|mila|milione|milioni|\
                  miliardo|miliardi|meta|terzo|quarto|nessuno|nessuna",
        floor: 0.28,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "quem|de quem|a quem"),
            (ExpectedAnswer::Time, "quando|em que ano|que ano"),
            (ExpectedAnswer::Number, "quantos|quantas|quanto|quanta"),
            (ExpectedAnswer::Duration, "quanto tempo|com que frequencia"),
            (ExpectedAnswer::Place, "onde|aonde"),
            (ExpectedAnswer::Reason, "por que|porque"),
            (ExpectedAnswer::Definition, "o que e|o que sao|o que significa|qual e|quais sao"),
            (ExpectedAnswer::Anything, "que|qual|quais|como|o que"),
        ],
        aside: "o|a|os|as|um|uma|de|do|da|dos|das|e|ou|foi|foram|era|eram|se|em|no|na|nos|nas|por|pelo|pela|para|com|ao|\
                aos|seu|sua|seus|suas|nao|me|ha|tem|pode|deve|sao",
        numbers: "dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|duzia|cem|cento|mil|milhao|milhoes|metade|\
                  terco|quarto|nenhum|nenhuma",
        floor: 0.29,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "wie|wiens|aan wie"),
            (ExpectedAnswer::Time, "wanneer|in welk jaar|welk jaar"),
            (ExpectedAnswer::Number, "hoeveel|hoe groot|hoe hoog"),
            (ExpectedAnswer::Duration, "hoe lang|hoe vaak|hoe snel|hoe oud"),
            (ExpectedAnswer::Place, "waar|waarheen|waarvandaan"),
            (ExpectedAnswer::Reason, "waarom"),
            (ExpectedAnswer::Definition, "wat is|wat zijn|wat was|wat betekent"),
            (ExpectedAnswer::Anything, "wat|welke|welk|hoe"),
        ],
        aside: "de|het|een|en|is|zijn|was|waren|wordt|worden|werd|werden|heeft|hebben|had|kan|moet|mag|van|op|in|te|bij|\
                voor|met|naar|aan|door|uit|er|men|zich|niet|dat|die|ik|mij|om|tot|als",
        numbers: "twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|dozijn|honderd|duizend|miljoen|miljard|helft|geen",
        floor: 0.29,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "cine|cui|al cui|a cui"),
            (ExpectedAnswer::Time, "cand|in ce an|in ce data"),
            (ExpectedAnswer::Number, "cati|cate|cat|cata"),
            (ExpectedAnswer::Duration, "cat timp|cat de des|cat dureaza"),
            (ExpectedAnswer::Place, "unde"),
            (ExpectedAnswer::Reason, "de ce"),
            (ExpectedAnswer::Definition, "ce este|ce sunt|ce inseamna|care este|care sunt"),
            (ExpectedAnswer::Anything, "ce|care|cum|carui|carei"),
        ],
        aside: "a|al|ale|ai|au|un|o|de|la|in|din|pe|cu|si|este|sunt|era|erau|fost|se|sa|s|pentru|prin|lui|ei|lor|nu|care|ca|\
                are|avea|acest|poate|le|l",
        numbers: "doi|doua|trei|patru|cinci|sase|sapte|opt|noua|zece|suta|sute|mie|mii|milion|milioane|miliarde|jumatate",
        floor: 0.26,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "kim|kimin|kime|kimdir|kimler|kimlerin|kimi"),
            (ExpectedAnswer::Time, "ne zaman|hangi yil|hangi yilda|hangi tarihte|hangi yuzyilda"),
            (ExpectedAnswer::Number, "kac|ne kadar|kactir|kaci|yuzde kac"),
            (ExpectedAnswer::Duration, "ne kadar sure|ne siklikta|kac yil"),
            (ExpectedAnswer::Place, "nerede|nereye|nereden|neresi|nerededir"),
            (ExpectedAnswer::Reason, "neden|nicin|niye"),
            (ExpectedAnswer::Definition, "nedir|ne demek"),
            (
                ExpectedAnswer::Anything,
                "ne|hangi|nasil|neydi|mi|mu|neyi|neler|hangisi|hangisidir|nelerdir|adi nedir",
            ),
        ],
        aside: "bir|ve|ile|bu|icin|de|da|olarak|ettigi|oldu|olan|olmustur|vardi|var|adi|ki|gibi|daha|en|olur|edilir|sonra|once",
        numbers: "iki|uc|dort|bes|alti|yedi|sekiz|dokuz|yuz|bin|milyon|milyar|yari|yarisi",
        floor: 0.19,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "ai|nguoi nao"),
            (
                ExpectedAnswer::Time,
                "khi nao|nam nao|ngay nao|bao gio|luc nao|thoi gian nao|thang nao|the ky nao",
            ),
            (ExpectedAnswer::Number, "bao nhieu|may"),
            (ExpectedAnswer::Duration, "bao lau"),
            (ExpectedAnswer::Place, "o đau|đau|noi nao"),
            (ExpectedAnswer::Reason, "tai sao|vi sao"),
            (ExpectedAnswer::Definition, "la gi"),
            (ExpectedAnswer::Anything, "gi|nao|nhu the nao|the nao|lam sao"),
        ],
        aside: "la|cua|va|co|đuoc|đa|trong|cho|voi|mot|nhung|cac|bi|o|vao|tu|đen|ra|đe|khi|thi|ma|nay|đo|tai|ve|nguoi|đieu|\
                cai|su|theo|ten",
        numbers: "hai|ba|bon|nam|sau|bay|tam|chin|muoi|tram|nghin|ngan|trieu|ty|nua",
        floor: 0.4,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "кто|кого|кому|кем|чеи|чья|чье"),
            (ExpectedAnswer::Time, "когда|в каком году|какого года|в каком веке|какого числа"),
            (ExpectedAnswer::Number, "сколько|какое количество|какои процент|насколько"),
            (ExpectedAnswer::Duration, "как долго|как часто|сколько времени"),
            (ExpectedAnswer::Place, "где|куда|откуда"),
            (ExpectedAnswer::Reason, "почему|зачем|отчего"),
            (ExpectedAnswer::Definition, "что такое|что означает|что значит"),
            (
                ExpectedAnswer::Anything,
                "что|какои|какая|какое|какие|каким|какую|какого|каких|какими|каком|какому|как|которыи|которая|чем|чего|чему",
            ),
        ],
        aside: "в|во|на|и|с|со|к|по|из|за|от|до|о|об|у|для|при|был|была|было|были|есть|это|является|являются|ли|же|бы|не|его|\
                ее|их|он|она|они|году|год|ето|называется|называют|мог|может",
        numbers: "два|две|двух|три|трех|четыре|четырех|пять|пяти|шесть|шести|семь|восемь|девять|десять|десяти|сто|тысяча|\
                  тысяч|тысячи|миллион|миллиона|миллионов|миллиард|миллиардов|половина|половины|дважды|оба|треть",
        floor: 0.17,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "ποιοσ|ποιοι|ποιον|ποιων"),
            (ExpectedAnswer::Time, "ποτε|ποια χρονια|ποιο ετοσ|ποιο ετοσ|ποια ημερομηνια"),
            (ExpectedAnswer::Number, "ποσα|ποσοι|ποσεσ|ποσο|ποσουσ|ποσων"),
            (ExpectedAnswer::Duration, "ποσο καιρο|ποσο συχνα"),
            (ExpectedAnswer::Place, "που"),
            (ExpectedAnswer::Reason, "γιατι"),
            (ExpectedAnswer::Definition, "τι ειναι|τι σημαινει"),
            (ExpectedAnswer::Anything, "τι|πωσ|ποια|ποιο|ποιεσ|ποιουσ|ποιασ|ποιου"),
        ],
        aside: "ο|η|το|οι|τα|τον|την|τησ|του|των|τουσ|τισ|ενα|μια|ενασ|και|να|σε|στο|στη|στην|στον|στα|στισ|στουσ|με|για|\
                απο|ειναι|ηταν|εχει|εχουν|ειχε|δεν|θα|που|κατα|ωσ|μπορει|αυτο",
        numbers: "δυο|τρεισ|τρια|τεσσερα|τεσσερισ|πεντε|εξι|επτα|εφτα|οκτω|οχτω|εννεα|δεκα|εκατο|χιλια|χιλιαδεσ|εκατομμυρια|\
                  εκατομμυριο|μισο|μισα",
        floor: 0.2,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "من|من هو|من هي|من هم|من الذي|لمن|ومن|من كان"),
            (ExpectedAnswer::Time, "متي|في اي عام|في اي سنه|اي عام|في اي قرن|ومتي|في اي سنة"),
            (ExpectedAnswer::Number, "كم|كم عدد|ما عدد|كم يبلغ|كم تبلغ|وكم"),
            (ExpectedAnswer::Duration, "كم مره|كم من الوقت|كم استمر|كم دام"),
            (ExpectedAnswer::Place, "اين|في اين|الي اين|من اين|واين"),
            (ExpectedAnswer::Reason, "لماذا|لم|ما سبب"),
            (ExpectedAnswer::Definition, "ما هو|ما هي|ماهو|ماهي|ما معني|من هو"),
            (
                ExpectedAnswer::Anything,
                "ما|ماذا|بماذا|كيف|هل|اي|ايه|لماذا|مما|بم|فيما|بما|اذكر|عرف|ما اسم|ما الذي|ما هم",
            ),
        ],
        aside: "في|من|علي|الي|عن|مع|او|و|كان|كانت|هو|هي|هم|التي|الذي|الذين|ان|هذا|هذه|ذلك|قد|تم|يتم|بعد|عند|ثم|ما|لا|هناك|كل|عليه|\
                فيه|فيها|له|لها|اسم|بين|حيث|اذا",
        numbers: "اثنان|اثنين|اثنتين|ثلاثه|ثلاث|اربعه|اربع|خمسه|خمس|سته|ست|سبعه|سبع|ثمانيه|ثماني|تسعه|تسع|عشره|عشر|مئه|مائه|\
                  الف|الاف|مليون|ملايين|مليار|نصف|ثلث|ربع|مرتين|عشرون|عشرين|ثلاثين|ثلاثون",
        floor: 0.23,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "چه كسي|چه كساني|كيست|چه كس|توسط چه كسي"),
            (
                ExpectedAnswer::Time,
                "چه زماني|چه سالي|كي|چه وقت|چه تاريخي|چه موقع|در چه سالي|چه قرني",
            ),
            (
                ExpectedAnswer::Number,
                "چند|چقدر|چه تعداد|چندتا|چندمين|چند نفر|چه مقدار|چه ميزان|چند بار",
            ),
            (ExpectedAnswer::Duration, "چه مدت|چند وقت|چند سال"),
            (ExpectedAnswer::Place, "كجا|كجاست|در كجا|كجاي|چه كشوري|چه شهري"),
            (ExpectedAnswer::Reason, "چرا|به چه دليل|علت چيست"),
            (ExpectedAnswer::Definition, "چيست|يعني چه"),
            (ExpectedAnswer::Anything, "چه|چگونه|كدام|ايا|چي|چطور|چيه|چيزي|چه چيزي|كدامند|چه نام"),
        ],
        aside: "در|از|به|با|كه|را|و|اين|ان|است|بود|شد|مي|هاي|هايي|براي|شده|كرد|كرده|بوده|هست|بر|يك|تا|خود|ها|دارد|داشت|شود|ميشود|\
                نام|نيز|او|يا|هم|دارند|بودند|هستند|كند|ميكند|ميكنند|اند|اي",
        numbers: "دو|سه|چهار|پنج|شش|هفت|هشت|نه|ده|يازده|دوازده|صد|هزار|ميليون|ميليارد|نيمي|نصف|بيست|سي",
        floor: 0.27,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "מי|מיהו|מיהי|מי היה|מי היו|למי|של מי|ידי מי|את מי"),
            (ExpectedAnswer::Time, "מתי|באיזו שנה|באיזה שנה|באיזה תאריך|באיזו מאה|באילו שנים"),
            (ExpectedAnswer::Number, "כמה|בכמה|מה מספר|כמה אחוזים|לכמה|מכמה"),
            (ExpectedAnswer::Duration, "כמה זמן|באיזו תדירות"),
            (ExpectedAnswer::Place, "איפה|היכן|לאן|מאין|מהיכן|מאיפה"),
            (ExpectedAnswer::Reason, "מדוע|למה|מה הסיבה"),
            (ExpectedAnswer::Definition, "מהו|מהי|מה זה|מהם|מהן"),
            (
                ExpectedAnswer::Anything,
                "מה|איך|כיצד|איזה|איזו|אילו|האם|באיזה|באיזו|באילו|במה|ממה|מאיזה|מאיזו|לאיזה|לאיזו|ובאיזה",
            ),
        ],
        aside: "את|של|על|אל|עם|הוא|היא|הם|הן|היה|היתה|הייתה|היו|לא|או|כי|גם|זה|זו|זאת|אשר|יש|בין|לפי|כדי|ידי|אחרי|לאחר|לפני|בו|בה|\
                לו|לה|שם|נקרא|נקראת|כאשר|כל",
        numbers: "שני|שתי|שניים|שתיים|שלושה|שלוש|ארבעה|ארבע|חמישה|חמש|שישה|שש|שבעה|שבע|שמונה|תשעה|תשע|עשרה|עשר|מאה|מאות|אלף|אלפים|\
                  אלפי|מיליון|מיליוני|מיליארד|חצי|מחצית|שליש|רבע|פעמיים",
        floor: 0.25,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "कौन|किसने|किसके|किसकी|किसका|किसे|किन्होंने|कौन थे|कौन था"),
            (ExpectedAnswer::Time, "कब|किस वर्ष|किस साल|किस तारीख|किस सदी|किस दिन"),
            (ExpectedAnswer::Number, "कितने|कितनी|कितना|कितनों"),
            (ExpectedAnswer::Duration, "कितने समय|कितनी बार|कितनी देर|कब तक"),
            (ExpectedAnswer::Place, "कहाँ|कहां|किस जगह"),
            (ExpectedAnswer::Reason, "क्यों|किस कारण"),
            (ExpectedAnswer::Definition, "क्या है|क्या हैं"),
            (ExpectedAnswer::Anything, "क्या|किस|किन|कैसे|कैसा|कैसी|कौन सा|कौन सी|कौन से|कौनसा|कौनसी"),
        ],
        aside: "में|के|की|का|को|से|है|हैं|था|थी|थे|ने|पर|और|एक|यह|वह|इस|उस|हुआ|हुई|हुए|गया|गई|गए|कर|करने|करता|करते|किया|लिए|जाता|जाती|\
                द्वारा|साथ|रूप|तो|भी|हो|ही|नाम|अपने|अपनी|सा|सी|होता|कहा|रहा|दिया|जो|लिये|बाद",
        numbers: "दो|तीन|चार|पांच|पाँच|छह|छः|सात|आठ|नौ|दस|ग्यारह|बारह|सौ|हजार|हज़ार|लाख|करोड़|मिलियन|अरब|आधा|आधे",
        floor: 0.35,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "누구|누가|누군가|누구의|누구인가|누구를|누구에게"),
            (ExpectedAnswer::Time, "언제|몇년|몇년도|몇월|며칠|언제인가|어느해|몇세기"),
            (ExpectedAnswer::Number, "몇|몇명|얼마|얼마나|몇개|몇번|몇퍼센트|몇위|몇번째"),
            (ExpectedAnswer::Duration, "얼마동안|몇시간|얼마만큼"),
            (ExpectedAnswer::Place, "어디|어디서|어디에|어디에서|어디인가|어느곳"),
            (ExpectedAnswer::Reason, "왜|무엇때문에"),
            (ExpectedAnswer::Definition, "무엇인가|무엇인가요|뭐야|뭔가"),
            (
                ExpectedAnswer::Anything,
                "무엇|무엇이|무엇을|무엇에|무엇으로|어떤|무슨|어느|어떻게|뭐|뭘|무엇이라고|무엇이라|무엇이었는가|무엇일까",
            ),
        ],
        aside: "것은|것을|있는|있다|이|그|는|은|수|한|이름은|하는|등|이를|위해|대한|되는|된|했는가|하는가|인가|있는가|되었는가|였는가|\
                가|말은|불리는|때|년|명|개|번|사람은|불렀는가|당시",
        numbers: "둘|셋|넷|다섯|여섯|일곱|여덟|아홉|열|백|천|만|억|두|세|네|절반",
        floor: 0.34,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "谁|誰|何人|哪位|哪个人|什么人"),
            (
                ExpectedAnswer::Time,
                "何时|什么时候|什么时间|哪一年|哪年|几年|哪一天|何年|幾年|何時|哪年|几月|几号|什么年代|哪个世纪",
            ),
            (
                ExpectedAnswer::Number,
                "多少|几个|幾個|几人|多少人|百分之几|几种|几次|有几|几所|几座|几|幾",
            ),
            (ExpectedAnswer::Duration, "多久|多长时间|多长|多少年|多少次"),
            (ExpectedAnswer::Place, "哪里|哪裡|哪儿|何处|在哪|什么地方|何地|哪个国家|哪个城市"),
            (ExpectedAnswer::Reason, "为什么|为何|為什麼|為何|什么原因"),
            (ExpectedAnswer::Definition, "什么是|是什么|是什麼|何谓|是指什么"),
            (
                ExpectedAnswer::Anything,
                "什么|什麼|甚么|哪些|哪个|哪一个|哪种|哪|如何|怎么|怎样|怎麼|是否|吗|呢|有何|何",
            ),
        ],
        aside: "请问|請問|的|了|是|在|有|被|和|与|都|叫做|叫|名字",
        numbers: "一|二|两|三|四|五|六|七|八|九|十|百|千|万|亿|兩|億|萬|半",
        floor: 0.31,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "誰|だれ|何者|どなた|何という人"),
            (ExpectedAnswer::Time, "いつ|何年|何月|何日|何時|何世紀|何年代|何曜日"),
            (
                ExpectedAnswer::Number,
                "いくつ|何人|何個|何回|何本|何度|何種類|何番目|いくら|何割|何|どのくらい|どれくらい|どれだけ|何パーセント|何km|何m",
            ),
            (ExpectedAnswer::Duration, "何年間|何日間|何時間|どれくらいの期間"),
            (ExpectedAnswer::Place, "どこ|何処|どの国|どの都市|何県|何市|何区|何州"),
            (ExpectedAnswer::Reason, "なぜ|どうして|何故|何のため"),
            (ExpectedAnswer::Definition, "とは何|とはなに|とは何か"),
            (
                ExpectedAnswer::Anything,
                "何か|何を|何が|何と|何という|なに|なん|どの|どんな|どれ|どのような|どう|何の|何に|何で|何は|は何|何です",
            ),
        ],
        aside: "ですか|でしょうか|ますか|ましたか|のは|こと|もの|した|されて|された|いる|いた|という|は|の|が|を|に|で|と|も|か|た|て|し|な|い|る",
        numbers: "一|二|三|四|五|六|七|八|九|十|百|千|万|億|半",
        floor: 0.4,
    },
    AskingTable {
        words: &[
            (ExpectedAnswer::Person, "ใคร|ผู้ใด|คนใด|คนไหน"),
            (
                ExpectedAnswer::Time,
                "เมื่อใด|เมื่อไหร่|เมื่อไร|ปีใด|ปีไหน|ปีอะไร|พศใด|พศอะไร|คศใด|คศอะไร|วันที่เท่าไหร่|วันที่เท่าไร|วันที่เท่าใด|วันใด|วันไหน|ตอนไหน|ช่วงใด|ศตวรรษใด",
            ),
            (ExpectedAnswer::Number, "กี่|เท่าไร|เท่าไหร่|เท่าใด|จำนวนเท่าใด"),
            (ExpectedAnswer::Duration, "นานเท่าใด|นานเท่าไร|นานเท่าไหร่|กี่ปี|กี่วัน|บ่อยแค่ไหน"),
            (
                ExpectedAnswer::Place,
                "ที่ไหน|ที่ใด|แห่งใด|ประเทศใด|ประเทศอะไร|จังหวัดใด|จังหวัดอะไร|เมืองใด|เมืองอะไร",
            ),
            (ExpectedAnswer::Reason, "ทำไม|เพราะเหตุใด|เหตุใด|เพราะอะไร"),
            (ExpectedAnswer::Definition, "คืออะไร|หมายถึงอะไร"),
            (ExpectedAnswer::Anything, "อะไร|อย่างไร|ยังไง|หรือไม่|ใด|ไหน|อะไรบ้าง"),
        ],
        aside: "คือ|ที่|ของ|ใน|มี|เป็น|ได้|และ|ให้|จาก|ว่า|กับ|โดย|ชื่อ|ถูก|บ้าง|การ|ความ|เรียกว่า",
        numbers: "สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ|ร้อย|พัน|หมื่น|แสน|ล้าน|ครึ่ง",
        floor: 0.64,
    },
];
