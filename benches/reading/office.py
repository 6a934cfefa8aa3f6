#!/usr/bin/env python3
"""Words of Office documents and books against python-docx, python-pptx, openpyxl and the pages of EPUBs:
office.py DIR NAME BINARY [EXTENSION...]. See README.md."""
import datetime
import glob
import json
import os
import posixpath
import re
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from urllib.parse import unquote

from measure import order, words

warnings.simplefilter("ignore")


def docx(path):
    """Paragraphs and tables of the body, tables in tables too."""
    import docx
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    def blocks(parent, element):
        for child in element.iterchildren():
            if child.tag.endswith("}p"):
                yield Paragraph(child, parent).text
            elif child.tag.endswith("}tbl"):
                seen = set()
                for row in Table(child, parent).rows:
                    for cell in row.cells:
                        if cell._tc not in seen:
                            seen.add(cell._tc)
                            yield from blocks(cell, cell._tc)

    document = docx.Document(path)
    return "\n".join(blocks(document, document.element.body))


def pptx(path):
    """Text of shapes, of groups, of tables, and notes. Hidden slides are left out."""
    import pptx
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND

    furniture = {KIND.DATE, KIND.FOOTER, KIND.SLIDE_NUMBER}

    def texts(shapes):
        for shape in shapes:
            if shape.is_placeholder and shape.placeholder_format.type in furniture:
                continue
            if hasattr(shape, "shapes"):
                yield from texts(shape.shapes)
            elif getattr(shape, "has_table", False) and shape.has_table:
                yield from (cell.text for row in shape.table.rows for cell in row.cells)
            elif shape.has_text_frame:
                yield shape.text_frame.text

    for slide in pptx.Presentation(path).slides:
        if slide._element.get("show") in ("0", "false"):
            continue
        yield from texts(slide.shapes)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            yield slide.notes_slide.notes_text_frame.text


def xlsx(path):
    """Values of cells that are shown. Numbers are left out: they are shown by their formats, which openpyxl does not apply."""
    import openpyxl

    for sheet in openpyxl.load_workbook(path, data_only=True).worksheets:
        if sheet.sheet_state != "visible":
            continue
        hidden = {column for column, it in sheet.column_dimensions.items() if it.hidden}
        for row in sheet.iter_rows():
            if sheet.row_dimensions[row[0].row].hidden:
                continue
            for cell in row:
                value = cell.value
                number = isinstance(value, (int, float, datetime.date, datetime.time, datetime.timedelta))
                if value is not None and not number and cell.column_letter not in hidden:
                    yield str(value)


def epub(path):
    """The pages of the spine, without ruby."""
    from bs4 import BeautifulSoup

    book = zipfile.ZipFile(path)
    xml = lambda name: BeautifulSoup(book.read(name), "xml")
    root = xml("META-INF/container.xml").find("rootfile")["full-path"]
    package = xml(root)
    items = {item["id"]: item for item in package.find("manifest").find_all("item")}
    for reference in package.find("spine").find_all("itemref"):
        item = items.get(reference["idref"])
        if item is None or "nav" in item.get("properties", "").split():
            continue
        page = BeautifulSoup(book.read(posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(item["href"])))), "lxml")
        for element in page(["script", "style", "rt", "rp", "head"]):
            element.decompose()
        yield page.get_text(" ")


def docent(binary, corpus, home):
    """The text of each source, its chunks in order."""
    subprocess.run(["rm", "-rf", home], check=True)
    os.makedirs(home)
    environment = dict(os.environ, HOME=home, XDG_DATA_HOME=home, XDG_CONFIG_HOME=home)
    run = lambda *arguments: subprocess.run([binary, *arguments], cwd=home, env=environment, capture_output=True, text=True).stdout
    report = run("ingest", "--chunk-tokens", "8192", "--chunk-overlap", "0", "--quiet", "--format", "json", corpus)
    with open(f"{home}/ingest.json", "w") as file:
        file.write(report)
    failed = {row["source"] for row in json.loads(report)["failed"]}
    for path in glob.glob(f"{corpus}/**/*.*", recursive=True):
        if path not in failed and path.rsplit(".", 1)[1] in READERS:
            yield path, "\n".join(chunk["text"] for chunk in json.loads(run("show", path, "--format", "json"))["chunks"])


READERS = {"docx": docx, "pptx": pptx, "xlsx": xlsx, "epub": epub}


def reference(path, extension):
    """None for what the reference itself can't open."""
    try:
        text = READERS[extension](path)
        return text if isinstance(text, str) else "\n".join(text)
    except Exception:  # each of them has errors of many kinds
        return None


def main(corpus, name, binary, *extensions):
    corpus = os.path.abspath(corpus)
    texts = dict(docent(os.path.abspath(binary), corpus, os.path.abspath(f"out/{name}")))
    for extension in extensions or READERS:
        rows, unread = [], 0
        for path in sorted(glob.glob(f"{corpus}/**/*.{extension}", recursive=True)):
            expected = words(reference(path, extension) or "")
            found = words(texts.get(path, ""))
            if extension == "xlsx":
                expected, found = ([word for word in it if re.search("[^\\W\\d]", word)] for it in (expected, found))
            if len(expected) < 3:
                unread += 1
                continue
            common = sum((Counter(expected) & Counter(found)).values())
            known = set(expected)
            # A row repeats the names of its columns: a word that is in the document is no mistake.
            precise = sum(word in known for word in found) / max(1, len(found))
            rows.append((common / len(expected), precise, order(expected, found), len(expected), path[len(corpus) + 1:]))
        if not rows:
            continue
        recall, precision = (sum(row[column] for row in rows) / len(rows) for column in (0, 1))
        read = [row[2] for row in rows if row[0] > 0.1] or [0]
        below = [sum(row[0] < limit for row in rows) for limit in (0.9, 0.5)]
        print(f"{extension}: {len(rows)} files ({unread} with under 3 words), recall {recall:.4f}, precision {precision:.4f}, "
              f"order {sum(read) / len(read):.4f}, below .9: {below[0]}, below .5: {below[1]}")
        for row in sorted(rows)[:10]:
            print("  recall %.3f precision %.3f order %.3f words %d %s" % row)
        for row in sorted(rows, key=lambda row: row[1])[:5]:
            print("  least precise: recall %.3f precision %.3f order %.3f words %d %s" % row)


if __name__ == "__main__":
    main(*sys.argv[1:])
