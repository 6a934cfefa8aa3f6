#!/usr/bin/env python3
"""Takes the PDFs out of mirrors of public repositories: MIRRORS=DIRECTORY collect.py DIR OWNER+NAME...
ENDS=docx,pptx takes files with these ends instead."""
import hashlib
import os
import subprocess
import sys

MIRRORS = os.environ["MIRRORS"]
LARGEST = 12_000_000
ENDS = tuple("." + end for end in os.environ.get("ENDS", "pdf").split(","))
MAGIC = {".pdf": b"%PDF-"}


def git(repository, *arguments):
    return subprocess.run(["git", "-C", f"{MIRRORS}/{repository}/repo", *arguments], capture_output=True).stdout


def collect(directory, repository, seen):
    """Writes every distinct file of a repository; gives how many."""
    os.makedirs(f"{directory}/{repository}", exist_ok=True)
    count = 0
    for line in git(repository, "ls-tree", "-r", "-l", "HEAD").decode(errors="replace").splitlines():
        entry, path = line.split("\t", 1)
        _, kind, blob, size = entry.split()
        if kind != "blob" or not path.lower().endswith(ENDS) or not size.isdigit() or int(size) > LARGEST:
            continue
        data = git(repository, "cat-file", "blob", blob)
        digest = hashlib.sha1(data).digest()
        magic = MAGIC.get(os.path.splitext(path)[1].lower(), b"PK\x03\x04")
        if magic not in data[:1024] or digest in seen:
            continue
        seen.add(digest)
        with open(f"{directory}/{repository}/{path.replace('/', '__')}", "wb") as file:
            file.write(data)
        count += 1
    return count


if __name__ == "__main__":
    seen = set()
    for name in sys.argv[2:]:
        print(name, collect(sys.argv[1], name, seen))
