"""Says of each answer in which tier it is: `documented` (docs/citations.md says that such a fault is found) or
`meaning` (rules on words may find it).

An answer of a documented kind (mark-*, uncited-*, number-*, quote-*, derived) stays in that tier where the false member
of its pair differs from the right one in a mark, a quotation, or a number with the words beside it (`14 days`, `at most
14`). Where both have the same of these, the fault is in other words: one of meaning, whatever the kind is called.
Answers without a pair stay.

    tiers.py [--check | --moved]

rewrites answers.jsonl and heldout.jsonl beside it; `--check` only says whether they are as it would write them,
`--moved` only counts, by kind, which documented kinds are in the other tier, and prints no answer.
"""

import json
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

DOCUMENTED = re.compile(r"(mark|uncited|number|quote)-|derived$")
# Words of numbers; German, Dutch and Italian write several of them as one.
PARTS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half third thirds quarter
quarters fifth fifths sixth tenth tenths hundredth dozen once twice thrice double triple first second fourth seventh eighth
ninth eleventh twelfth percent per cent k
null ein eins eine einen einem einer zwei drei vier fünf sechs sieben acht neun zehn elf zwölf sech sieb zwanzig dreißig
ßig zig und hundert tausend million millionen milliarde milliarden mio mrd halb halbe halben hälfte drittel viertel fünftel
achtel zehntel prozent dutzend erste ersten erster zweite zweiten zweiter dritte dritten dritter vierte vierten fünfte doppelt dreifach einmal zweimal
dreimal anderthalb
zéro un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt vingts trente
quarante cinquante soixante cent cents mille million millions milliard milliards demi demie moitié tiers quart quarts douzaine
premier première deuxième troisième quatrième double triple
cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis veinte treinta
cuarenta cincuenta sesenta setenta ochenta noventa cien ciento cientos doscientos trescientos mil millón millones medio media
mitad tercio tercios cuarto cuartos quinto docena primer primero primera segundo segunda tercero tercera doble triple
uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici venti trenta
quaranta cinquanta sessanta settanta ottanta novanta cento mila mille milione milioni miliardo miliardi mezzo mezza metà
mezz terzo terzi quarto quarti quinto dozzina primo prima secondo seconda terza doppio triplo
zero um uma dois duas três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis vinte trinta
quarenta cinquenta sessenta setenta oitenta noventa cem cento duzentos trezentos mil milhão milhões meio meia metade terço terços
quarto quartos quinto dúzia primeiro primeira segundo segunda terceiro terceira dobro triplo
nul een één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien twintig dertig veertig
vijftig zestig zeventig tachtig negentig honderd duizend miljoen miljard half halve helft derde kwart vierde vijfde tiende
dozijn eerste tweede dubbel en ën
один одна два две три четыре пять шесть семь восемь девять десять двадцать тридцать сорок пятьдесят сто тысяч тысяча миллион
половина треть четверть первый второй третий
ένα μία δύο τρία τρεις τέσσερα πέντε έξι επτά οκτώ εννέα δέκα είκοσι τριάντα εκατό χίλια μισό
שניים שתי שני שלושה שלוש ארבעה יומיים שבועיים חודשיים שנתיים שעתיים
bir iki üç dört beş altı yedi sekiz dokuz on yirmi otuz kırk elli yüz bin milyon yarım yarısı
""".split()
# Articles and conjunctions that are numbers only within a word or beside one.
ALONE = set(
    "ein eine einen einem einer un une una uno um uma een en ën und per cent k second six on media prima medio meio".split()
) - {"six", "second"}
NUMBER_WORD = re.compile("(?:" + "|".join(sorted(map(re.escape, set(PARTS)), key=len, reverse=True)) + ")+(?:s?te[nrsm]?)?$")
QUOTATION = re.compile(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|»[^«]*«|‹[^›]*›|「[^」]*」|『[^』]*』|‘[^’]*’(?!\w)|‚[^‘’]*[‘’]')
# As loose as they come, in the answers alone: whatever is in brackets and has a digit, and raised digits.
MARK = re.compile(r"[\[【［〔(（][^\[\]【】［］〔〕()（）]*\d[^\[\]【】［］〔〕()（）]*[\]】］〕)）]|[¹²³⁴-⁹]+")
WORD = re.compile(r"\w+|[^\w\s]")
BESIDE = 3


def is_number(word):
    if any(unicodedata.category(c)[0] == "N" or unicodedata.numeric(c, None) is not None for c in word):
        return True
    word = word.lower()
    return word not in ALONE and NUMBER_WORD.fullmatch(word) is not None


def looks(answer):
    """The marks, quotations and numbers with what is beside them, each in order."""
    words = WORD.findall(answer)
    said = [word.lower() for word in words]
    spans = [
        tuple(said[max(0, at - BESIDE) : at + 1 + BESIDE]) for at, word in enumerate(words) if is_number(word)
    ]
    return MARK.findall(answer), QUOTATION.findall(answer), spans


def tiers(rows):
    pairs = {}
    for row in rows:
        name, _, member = row["id"].rpartition("-")
        if member in ("a", "b"):
            pairs.setdefault(name, {})[member] = row["answer"]
    for row in rows:
        tier = "documented" if DOCUMENTED.match(row["kind"]) else "meaning"
        pair = pairs.get(row["id"].rpartition("-")[0], {})
        if tier == "documented" and len(pair) == 2 and looks(pair["a"]) == looks(pair["b"]):
            tier = "meaning"
        yield tier


def main():
    for name in ("answers.jsonl", "heldout.jsonl", "heldout2.jsonl"):
        path = Path(__file__).with_name(name)
        before = path.read_text()
        rows = [json.loads(line) for line in before.splitlines()]
        for row, tier in zip(rows, tiers(rows)):
            row["tier"] = tier
        after = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if "--moved" in sys.argv:
            moved = [r["kind"] for r in rows if DOCUMENTED.match(r["kind"]) and r["tier"] == "meaning"]
            print(name, len(moved), "of", len(rows), dict(sorted(Counter(moved).items())))
        elif "--check" in sys.argv:
            if before != after:
                sys.exit(f"{path}: run {Path(__file__).name}")
        else:
            path.write_text(after)


main()
