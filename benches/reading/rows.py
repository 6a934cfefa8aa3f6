#!/usr/bin/env python3
"""Rows of tables that stand on one line: rows.py DIR BINARY. See README.md."""
import os
import re
import sys
import unicodedata
import xml.etree.ElementTree as xml
from collections import defaultdict
from pathlib import Path

from measure import docent


def letters(text):
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or "")).replace("\u00ad", "").lower()


def rows(structure):
    """The cells of each row that has two or more of its own."""
    for region in xml.parse(structure).getroot().iter("region"):
        found = defaultdict(list)
        for cell in region.iter("cell"):
            row, text = cell.get("start-row"), letters(cell.findtext("content"))
            if text and cell.get("end-row", row) == row:
                found[row].append((int(cell.get("start-col")), text))
        yield from ([text for _, text in sorted(cells)] for cells in found.values() if len(cells) > 1)


def stands_on(line, cells):
    at = 0
    for cell in cells:
        at = line.find(cell, at)
        if at < 0:
            return False
        at += len(cell)
    return True


def main(corpus, binary):
    corpus = os.path.abspath(corpus)
    home = f"{corpus}-home"
    text = dict(docent(os.path.abspath(binary), corpus, home))
    counts = []
    for structure in sorted(Path(corpus).glob("**/*-str.xml")):
        pdf = str(structure).replace("-str.xml", ".pdf")
        if not os.path.exists(pdf):
            continue
        lines = [letters(line) for line in text.get(pdf, "").split("\n")]
        found = [any(stands_on(line, cells) for line in lines) for cells in rows(structure)]
        counts.append((found.count(False), len(found), os.path.basename(pdf)))
    missing, all_rows = sum(count[0] for count in counts), sum(count[1] for count in counts)
    print(f"{all_rows - missing} of {all_rows} rows ({1 - missing / all_rows:.1%}) in {len(counts)} files")
    for missing, count, name in sorted(counts, reverse=True)[:10]:
        print(f"  {missing} of {count} missing  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
