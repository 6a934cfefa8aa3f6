"""Compares docent with what a user would pick instead. See README.md beside this file.

    python3 benches/side_by_side install
    python3 benches/side_by_side run --json results.json
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

# The repository stays as it is: nothing is written beside these files.
sys.dont_write_bytecode = True

import corpus
import lineup
import report
from contenders.base import HERE, Contender
from measure import Endpoint, Failed, endpoint, one_round

REPOSITORY = HERE.parent.parent


def main() -> int:
    options = arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = choose(lineup.every(options.cache, options.docent.resolve(), options.torch), options.only)
    return install(chosen) if options.step == "install" else run(chosen, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["install", "run"])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where all is kept [%(default)s]")
    parser.add_argument(
        "--docent", type=Path, default=REPOSITORY / "target/release/docent", help="binary [%(default)s]"
    )
    parser.add_argument("--torch", type=Path, help="install: a site-packages with a torch for txtai to use")
    parser.add_argument("--only", action="append", default=[], help="part of a contender's name (repeatable)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count [%(default)s]")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    options = parser.parse_args()
    options.cache = options.cache.resolve()
    return options


def default_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "docent-side-by-side"


def choose(every: list[Contender], wanted: list[str]) -> list[Contender]:
    """Those asked for; docent is always among them, as what the others are compared with."""
    if not wanted:
        return every
    asked = [c for c in every[1:] if any(part.lower() in c.name.lower() for part in wanted)]
    return [every[0], *asked]


def install(chosen: list[Contender]) -> int:
    """Installs all, and says which could not be."""
    failed = 0
    for contender in chosen:
        say(f"install {contender.name}")
        try:
            contender.install()
        except (OSError, subprocess.CalledProcessError) as error:
            failed += 1
            say(f"failed  {contender.name}: {error}")
    return min(failed, 1)


def run(chosen: list[Contender], options: argparse.Namespace) -> int:
    """Measures, prints the tables, and writes the raw numbers."""
    texts = options.cache / "corpus"
    corpus.write(texts)
    machine = report.machine()
    results = [report.Result(contender) for contender in chosen]
    with endpoint() as server:
        for number in range(options.rounds + 1):
            turn(results, number, options.cache / "work", texts, server)
    machine["load at the end"] = report.machine()["load"]
    machine["commit"] = commit()
    machine["corpus"] = describe(texts)
    print(report.markdown(results, machine))
    if options.json:
        options.json.write_text(json.dumps(raw(results, machine), indent=1) + "\n")
    return 0 if all(result.measured for result in results) else 1


def turn(results: list[report.Result], number: int, work: Path, texts: Path, server: Endpoint) -> None:
    """One round over all. The first (0) is not counted: it fills the caches of disk and endpoint."""
    shift = number % len(results)
    for result in results[shift:] + results[:shift]:
        if result.error is None:
            result.error = result.contender.missing()
        if result.error is not None:
            continue
        say(f"round {number}  {result.contender.name}")
        try:
            measured = one_round(result.contender, number, work, texts, server)
        except (Failed, OSError, ValueError, subprocess.CalledProcessError) as error:
            result.error = str(error)
            say(f"failed  {result.error}")
            continue
        if number > 0:
            result.rounds.append(measured)


def raw(results: list[report.Result], machine: dict[str, str]) -> dict:
    return {
        "machine": machine,
        "contenders": [
            {
                "name": result.contender.name,
                "error": result.error,
                "versions": result.contender.versions() if result.measured else {},
                "rounds": [round.as_json() for round in result.rounds],
            }
            for result in results
        ],
    }


def commit() -> str:
    git = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    found = subprocess.run(git, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def describe(texts: Path) -> str:
    files = list(texts.rglob("*.md"))
    return f"{len(files)} Markdown files, {sum(file.stat().st_size for file in files):,} bytes"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
