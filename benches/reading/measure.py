#!/usr/bin/env python3
"""Words of PDFs against MuPDF's: measure.py DIR NAME docent BINARY | measure.py DIR NAME poppler. See README.md."""
import bisect
import glob
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict

CJK = re.compile("([\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")


def words(text):
    text = text.replace("\u00ad\n", "").replace("\u00ad", "")
    text = re.sub(r"([^\W\d_])[-\u2010]\s*\n\s*(?=[^\W\d_])", r"\1", text)
    text = unicodedata.normalize("NFKC", text).lower()
    # Marks that no letter has one sign with are no words of their own.
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", CJK.sub(r" \1 ", text))


def without_names(text):
    """Rows of tables without the names of their columns, which docent repeats: each name once a table."""
    seen, kept = Counter(), set()
    lines = [line.split(" | ") for line in text.split("\n")]
    for cell in (cell for line in lines for cell in line):
        name, colon, _ = cell.partition(": ")
        seen.update([name] if colon else [])
    for line in lines:
        if len(line) == 1:
            if line[0]:
                kept.clear()
            continue
        for index, cell in enumerate(line):
            name, colon, value = cell.partition(": ")
            if colon and seen[name] > 1 and name in kept:
                line[index] = value
            kept.add(name)
    return "\n".join(" | ".join(line) for line in lines)


def order(reference, found):
    """The longest run of words in the reference's order; words that one of the two has more often are left out."""
    counts, others = Counter(reference), Counter(found)
    places, used, ends, pairs = defaultdict(list), Counter(), [], 0
    for place, word in enumerate(reference):
        places[word].append(place)
    for word in found:
        if used[word] < counts[word] and (counts[word] in (1, others[word])):
            place = places[word][used[word]]
            used[word] += 1
            pairs += 1
            at = bisect.bisect_left(ends, place)
            ends[at:at + 1] = [place]
    return len(ends) / max(1, pairs)


def text_of(document):
    return "\f".join(page.get_text() for page in document)


def fair_text_of(document):
    """What a reader sees once: without lines that are printed again for bold, and running headers once."""
    pages, count = [], Counter()
    for page in document:
        seen, lines = set(), []
        for line in (line for block in page.get_text("dict")["blocks"] for line in block.get("lines", ())):
            text, height = "".join(span["text"] for span in line["spans"]), page.rect.height or 1
            x, y = (round(part / 2) for part in line["bbox"][:2])
            if any((text, x + dx, y + dy) in seen for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                continue
            seen.add((text, x, y))
            at_edge = not 0.11 < (line["bbox"][3] - page.rect.y0) / height < 0.89
            lines.append((text, re.sub(r"[0-9]+|^[ivxl]+$", "#", text.strip()) if at_edge else None))
        count.update({key for _, key in lines if key})
        pages.append(lines)
    shown, texts = set(), []
    for lines in pages:
        kept = []
        for text, key in lines:
            if key is None or count[key] < 3 or key not in shown:
                kept.append(text)
            shown.add(key)
        texts.append("\n".join(kept))
    return "\f".join(texts)


def reference(pdf, cache, text_of):
    if not os.path.exists(cache):
        import pymupdf
        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
        try:
            document = pymupdf.open(pdf)
            text = "" if document.needs_pass else text_of(document)
        except Exception:  # MuPDF has many kinds of errors; a file that it cannot open is no reference
            text = ""
        with open(cache, "w", errors="replace") as file:
            file.write(text)
    with open(cache, errors="surrogateescape") as file:
        return file.read()


def poppler(files):
    for pdf in files:
        try:
            yield pdf, subprocess.run(["pdftotext", pdf, "-"], capture_output=True, timeout=20).stdout.decode(errors="replace")
        except subprocess.TimeoutExpired:
            print("took too long:", pdf)


# What stands in a file is measured; scans.py measures OCR.
OCR = ("--ocr", os.environ.get("OCR", "off"))


def docent(binary, corpus, home):
    """The text of all sources, in pieces of 8192 tokens put together by page."""
    subprocess.run(["rm", "-rf", home])
    os.makedirs(home)
    environment = dict(os.environ, HOME=home, XDG_DATA_HOME=home, XDG_CONFIG_HOME=home)
    run = lambda *arguments: subprocess.run([binary, *arguments], cwd=home, env=environment, capture_output=True, text=True)
    with open(f"{home}/ingest.json", "w") as file:
        file.write(run("ingest", *OCR, "--chunk-tokens", "8192", "--chunk-overlap", "0", "--quiet", "--format", "json", corpus).stdout)
    hits = json.loads(run("search", "--mode", "dense", "-k", "1000000", "--format", "json", "x").stdout)["hits"]
    pieces = defaultdict(list)
    for hit in hits:
        page = re.search(r"#page=(\d+)", hit["citation"])
        pieces[hit["source"]].append((int(page.group(1)) if page else 0, hit["text"]))
    for source, parts in pieces.items():
        yield source, "\n".join(text for _, text in sorted(parts, key=lambda part: part[0]))


def main(corpus, name, engine, binary=None):
    corpus = os.path.abspath(corpus)
    files = sorted(glob.glob(f"{corpus}/**/*.[pP][dD][fF]", recursive=True))
    os.makedirs("out/reference", exist_ok=True)
    texts = dict(poppler(files) if engine == "poppler" else docent(os.path.abspath(binary), corpus, os.path.abspath(f"out/{name}")))
    for kind, text_of_file in (("as MuPDF gives it", text_of), ("what is seen once", fair_text_of)):
        rows = []
        os.makedirs(f"out/reference/{text_of_file.__name__}", exist_ok=True)
        for pdf in files:
            cache = f"out/reference/{text_of_file.__name__}/" + pdf.replace("/", "~")[-200:]
            expected = words(reference(pdf, cache, text_of_file))
            if len(expected) < 20:
                continue
            found = words(without_names(texts.get(pdf, "")))
            common = sum((Counter(expected) & Counter(found)).values())
            rows.append((common / len(expected), common / max(1, len(found)), order(expected, found), len(expected), pdf))
        recall, precision = (sum(row[column] for row in rows) / len(rows) for column in (0, 1))
        read = [row[2] for row in rows if row[0] > 0.1]
        below = [sum(row[0] < limit for row in rows) for limit in (0.9, 0.5)]
        print(f"{name}, {kind}: {len(rows)} files, recall {recall:.4f}, precision {precision:.4f}, "
              f"order {sum(read) / len(read):.4f}, below .9: {below[0]}, below .5: {below[1]}")
        for row in sorted(rows)[:15]:
            print("  recall %.3f precision %.3f order %.3f words %d %s" % row)


if __name__ == "__main__":
    main(*sys.argv[1:])
