#!/usr/bin/env python3
"""PDFs that are damaged in many ways, read by the program with its limits: mutate.py DIR BINARY [COUNT] [SEED]. See README.md."""
import collections
import glob
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

# Larger ones take longer and show nothing else.
LARGEST = 120_000
A_RUN = 1000


def flip(random, data, _):
    for _ in range(random.choice((1, 4, 16, 64))):
        data[random.randrange(len(data))] = random.randrange(256)
    return data


def cut(random, data, _):
    start = random.randrange(len(data))
    return data[:start] + data[start + random.randrange(1, 1 + len(data) // 4):]


def end_early(random, data, _):
    return data[:random.randrange(1, len(data))]


def repeat(random, data, _):
    start = random.randrange(len(data))
    part = data[start:start + random.randrange(1, 2000)]
    return data[:start] + part * random.choice((2, 20)) + data[start:]


def splice(random, data, other):
    return data[:random.randrange(len(data))] + other[random.randrange(len(other)):]


def numbers(random, data, _):
    """References, lengths and counts that are others."""
    values = (b"0", b"1", b"2", b"3", b"-1", b"65536", b"2147483647", b"99999999999", b"1e30")
    share = random.choice((0.01, 0.1))
    change = lambda match: random.choice(values) if random.random() < share else match.group()
    return bytearray(re.sub(rb"(?<![0-9.])[0-9]{1,10}(?= )", change, bytes(data)))


def names(random, data, _):
    """Entries of dictionaries under each other's names."""
    found = list(set(re.findall(rb"/[A-Za-z][A-Za-z0-9]{1,14}", bytes(data)))) or [b"/X"]
    change = lambda match: random.choice(found) if random.random() < 0.03 else match.group()
    return bytearray(re.sub(rb"/[A-Za-z][A-Za-z0-9]{1,14}", change, bytes(data)))


def nest(random, data, _):
    at = random.randrange(len(data))
    return data[:at] + random.choice((b"[", b"<<", b"(", b"q ", b"BT ", b"<</A ")) * random.choice((50, 5000)) + data[at:]


MUTATIONS = (flip, cut, end_early, repeat, splice, numbers, names, nest)


def mutants(corpus, count, random):
    files = sorted(path for path in glob.glob(f"{corpus}/**/*.[pP][dD][fF]", recursive=True)
                   if 0 < os.path.getsize(path) <= LARGEST)
    for _ in range(count):
        data = bytearray(open(random.choice(files), "rb").read())
        other = open(random.choice(files), "rb").read()
        for _ in range(random.choice((1, 1, 2))):
            if data:
                data = bytearray(random.choice(MUTATIONS)(random, data, other))
        # Without it, it is not read as a PDF at all.
        yield data if b"%PDF-" in data[:1024] else bytearray(b"%PDF-1.4\n") + data


def kind(reason):
    return re.sub(r"[0-9]+", "N", reason.split(":")[0])[:60]


def main(corpus, binary, count="5000", seed="1"):
    corpus, binary, source = os.path.abspath(corpus), os.path.abspath(binary), random.Random(int(seed))
    left, read, reasons = int(count), 0, collections.Counter()
    made = mutants(corpus, left, source)
    while left > 0:
        home = os.path.abspath("out/mutants")
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(f"{home}/docs")
        part = min(left, A_RUN)
        for number in range(part):
            with open(f"{home}/docs/{number:04}.pdf", "wb") as file:
                file.write(next(made))
        environment = dict(os.environ, HOME=home, XDG_DATA_HOME=home, XDG_CONFIG_HOME=home)
        began = time.time()
        run = subprocess.run([binary, "ingest", "docs", "--ocr", "off", "--quiet", "--format", "json"],
                             cwd=home, env=environment, capture_output=True, text=True, timeout=3600)
        report = json.loads(run.stdout)
        # 5: some sources have failed.
        if run.returncode not in (0, 5) or report["added"] + len(report["failed"]) + report["skipped"] + report.get("duplicates", 0) != part:
            print(f"LOST: exit code {run.returncode}, {report['added']} added, {len(report['failed'])} failed of {part}\n{run.stderr[-2000:]}")
        read += report["added"]
        reasons.update(kind(row["reason"]) for row in report["failed"])
        left -= part
        print(f"{part} files in {time.time() - began:.0f} s, exit code {run.returncode}, {report['added']} read", flush=True)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{count} files: {read} read, {sum(reasons.values())} refused; at most {most} MB in a process")
    for reason, number in reasons.most_common():
        print(f"  {number:5}  {reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
