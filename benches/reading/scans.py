#!/usr/bin/env python3
"""Words that OCR finds: scans.py DIR NAME BINARY [DPI] [PAGES]. See README.md."""
import os
import resource
import sys
from collections import Counter

import pymupdf

os.environ.setdefault("OCR", "auto")
from measure import docent, words

# Fewer words are a title page or a picture.
ENOUGH = 100


def scanned(corpus, scans, dpi, wanted):
    """Of each file the first page with enough words, as a picture; the words of each."""
    os.makedirs(scans, exist_ok=True)
    references = {}
    pymupdf.TOOLS.mupdf_display_errors(False)
    for folder, _, names in sorted(os.walk(corpus)):
        for name in sorted(names):
            if len(references) == wanted:
                return references
            try:
                file = pymupdf.open(os.path.join(folder, name))
                page = next(page for page in file if len(words(page.get_text())) >= ENOUGH)
            except Exception:  # not a PDF, damaged, or no such page
                continue
            reference = words(page.get_text())
            # Other letters are not known to the model, and marks of unknown ones are no words.
            if any(ord(letter) >= 0x250 for word in reference for letter in word):
                continue
            picture = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
            scan = pymupdf.open()
            scan.new_page(width=page.rect.width, height=page.rect.height).insert_image(page.rect, pixmap=picture)
            path = os.path.join(scans, name)
            scan.save(path)
            references[path] = Counter(reference)
    return references


def main(corpus, name, binary, dpi="150", wanted="40"):
    corpus, scans = os.path.abspath(f"{corpus}/{name}"), os.path.abspath(f"{corpus}/{name}-scans-{dpi}")
    references = scanned(corpus, scans, int(dpi), int(wanted))
    found = {source: Counter(words(text)) for source, text in docent(os.path.abspath(binary), scans, scans + "-home")}
    rows, sums = [], Counter()
    for path, reference in references.items():
        text = found.get(path, Counter())
        both = (reference & text).total()
        sums.update(reference=reference.total(), found=text.total(), both=both)
        rows.append((both / reference.total(), path))
    print(f"{len(rows)} pages at {dpi} dpi: recall {sums['both'] / sums['reference']:.3f}, "
          f"precision {sums['both'] / max(1, sums['found']):.3f}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{(used.ru_utime + used.ru_stime) / max(1, len(rows)):.1f} s of processor time a page, {used.ru_maxrss // 1024} MB")
    for recall, path in sorted(rows)[:10]:
        print(f"  {recall:.3f}  {os.path.basename(path)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
