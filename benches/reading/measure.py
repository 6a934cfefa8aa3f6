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
    return re.findall(r"[^\W_]+", CJK.sub(r" \1 ", unicodedata.normalize("NFKC", text).lower()))


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


def reference(pdf, cache):
    if not os.path.exists(cache):
        import pymupdf
        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
        try:
            document = pymupdf.open(pdf)
            text = "" if document.needs_pass else "\f".join(page.get_text() for page in document)
        except Exception:  # MuPDF has many kinds of errors; a file that it cannot open is no reference
            text = ""
        with open(cache, "w", errors="surrogateescape") as file:
            file.write(text)
    with open(cache, errors="surrogateescape") as file:
        return file.read()


def poppler(files):
    for pdf in files:
        try:
            yield pdf, subprocess.run(["pdftotext", pdf, "-"], capture_output=True, timeout=20).stdout.decode(errors="replace")
        except subprocess.TimeoutExpired:
            print("took too long:", pdf)


def docent(binary, corpus, home):
    """The text of all sources, in pieces of 8192 tokens put together by page."""
    subprocess.run(["rm", "-rf", home])
    os.makedirs(home)
    environment = dict(os.environ, HOME=home, XDG_DATA_HOME=home, XDG_CONFIG_HOME=home)
    run = lambda *arguments: subprocess.run([binary, *arguments], cwd=home, env=environment, capture_output=True, text=True)
    with open(f"{home}/ingest.json", "w") as file:
        file.write(run("ingest", "--chunk-tokens", "8192", "--chunk-overlap", "0", "--quiet", "--format", "json", corpus).stdout)
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
    rows = []
    for pdf in files:
        expected = words(reference(pdf, "out/reference/" + pdf.replace("/", "~")))
        if len(expected) < 20:
            continue
        found = words(texts.get(pdf, ""))
        common = sum((Counter(expected) & Counter(found)).values())
        rows.append((common / len(expected), common / max(1, len(found)), order(expected, found), len(expected), pdf))
    recall, precision = (sum(row[column] for row in rows) / len(rows) for column in (0, 1))
    read = [row[2] for row in rows if row[0] > 0.1]
    below = [sum(row[0] < limit for row in rows) for limit in (0.9, 0.5)]
    print(f"{name}: {len(rows)} files, recall {recall:.4f}, precision {precision:.4f}, order {sum(read) / len(read):.4f}, "
          f"below .9: {below[0]}, below .5: {below[1]}")
    for row in sorted(rows)[:15]:
        print("  recall %.3f precision %.3f order %.3f words %d %s" % row)


if __name__ == "__main__":
    main(*sys.argv[1:])
