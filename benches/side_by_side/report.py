"""The results as Markdown: medians with ratios to docent, the spread, and what was measured on what."""

import os
import platform
import statistics
from collections.abc import Callable

from contenders.base import Contender
from measure import Round

MIB = 1024 * 1024

Values = Callable[[Round], float]
Measures = list[tuple[str, Values, Callable[[float], str]]]
MEASURES: Measures = [
    ("ingest", lambda round: round.ingest.seconds, lambda value: f"{value:.2f} s"),
    ("re-ingest", lambda round: round.reingest.seconds, lambda value: f"{value:.3g} s"),
    ("cold query", lambda round: round.query.seconds, lambda value: f"{value:.3g} s"),
    ("peak RSS, ingest", lambda round: round.ingest.peak_rss_bytes / MIB, lambda value: f"{value:.0f} MiB"),
    ("peak RSS, query", lambda round: round.query.peak_rss_bytes / MIB, lambda value: f"{value:.0f} MiB"),
]
#: Of its own and of its children; the endpoint is not in it.
PROCESSOR: Measures = [
    ("ingest", lambda round: round.ingest.cpu_seconds, lambda value: f"{value:.2f} s"),
    ("re-ingest", lambda round: round.reingest.cpu_seconds, lambda value: f"{value:.3g} s"),
    ("cold query", lambda round: round.query.cpu_seconds, lambda value: f"{value:.3g} s"),
]


class Result:
    """The rounds of one contender, or why there are none."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.rounds: list[Round] = []
        self.error: str | None = None

    @property
    def measured(self) -> bool:
        return self.error is None and bool(self.rounds)

    def median(self, value: Values) -> float:
        return statistics.median(value(round) for round in self.rounds)


def markdown(results: list[Result], machine: dict[str, str]) -> str:
    """All that is to be said, as one Markdown text. The first result is what the others are held to."""
    parts = [
        "Medians; in brackets the ratio to docent (above 1: docent is faster or smaller).",
        medians(results, MEASURES),
        "Processor time, which a busy machine distorts less; medians again.",
        medians(results, PROCESSOR),
    ]
    parts += [losses(results), spread(results), counts(results), failures(results)]
    parts += [notes(results), versions(results), bullets(machine)]
    return "\n\n".join(part for part in parts if part)


def medians(results: list[Result], measures: Measures) -> str:
    base = results[0]
    rows = []
    for result in results:
        if result.measured:
            cells = [cell(result, base, value, show) for _, value, show in measures]
        else:
            cells = ["failed"] * len(measures)
        rows.append([result.contender.name, *cells])
    return table(["", *(name for name, _, _ in measures)], rows)


def cell(result: Result, base: Result, value: Values, show: Callable[[float], str]) -> str:
    own = result.median(value)
    if result is base or not base.measured:
        return show(own)
    ratio = own / base.median(value)
    text = f"{ratio:.1f}x" if ratio >= 1 else f"**{ratio:.2f}x**"
    return f"{show(own)} ({text})"


def losses(results: list[Result]) -> str:
    """Where docent is behind, in words: a table of large numbers hides a small one."""
    base = results[0]
    if not base.measured:
        return ""
    cpu = [(f"processor time, {name}", value, show) for name, value, show in PROCESSOR]
    behind = [
        f"{name}: {result.contender.name} {result.median(value) / base.median(value):.2f}"
        for result in results[1:]
        if result.measured
        for name, value, _ in [*MEASURES, *cpu]
        if result.median(value) < base.median(value)
    ]
    if not behind:
        return "docent is behind in nothing measured here."
    return "Where docent is behind, and how much of its figure the other takes:\n\n" + lines(behind)


def spread(results: list[Result]) -> str:
    rows = [
        [result.contender.name, *(extremes(result, value, show) for _, value, show in MEASURES)]
        for result in results
        if result.measured
    ]
    return f"Least and most over the rounds.\n\n{table(['', *(name for name, _, _ in MEASURES)], rows)}"


def extremes(result: Result, value: Values, show: Callable[[float], str]) -> str:
    values = [value(round) for round in result.rounds]
    return f"{show(min(values))} .. {show(max(values))}"


def counts(results: list[Result]) -> str:
    head = ["", "chunks", "texts sent, ingest", "texts sent, re-ingest", "requests, ingest"]
    head.append("right file found")
    rows = []
    for result in results:
        if result.measured:
            last = result.rounds[-1]
            found = f"{sum(round.found for round in result.rounds)} of {len(result.rounds)}"
            numbers = [last.chunks, last.ingest.texts, last.reingest.texts, last.ingest.requests, found]
            rows.append([result.contender.name, *map(str, numbers)])
    return f"What was done, as the store and the endpoint counted it.\n\n{table(head, rows)}"


def failures(results: list[Result]) -> str:
    failed = [f"{result.contender.name}: {result.error}" for result in results if result.error]
    return "Failed:\n\n" + lines(failed) if failed else ""


def notes(results: list[Result]) -> str:
    return lines([f"{result.contender.name}: {result.contender.note}" for result in results])


def versions(results: list[Result]) -> str:
    """The versions that matter to a reader; the JSON has every package."""
    told = []
    for result in results:
        if result.measured:
            own = result.contender.versions()
            wanted = getattr(result.contender, "package", "").replace("_", "-")
            shown = {name: own[name] for name in own if not wanted or matters(name, wanted)}
            told.append(f"{result.contender.name}: {', '.join(f'{n} {v}' for n, v in shown.items())}")
    return "Versions:\n\n" + lines(told)


def matters(package: str, wanted: str) -> bool:
    name = package.lower().replace("_", "-")
    return name.startswith((wanted, "qdrant", "faiss", "litellm", "openai", "torch"))


def machine() -> dict[str, str]:
    """What it ran on, and how busy that was."""
    return {
        "processor": f"{os.cpu_count()} cores, {processor()}",
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def bullets(values: dict[str, str]) -> str:
    return lines([f"{name}: {value}" for name, value in values.items()])


def lines(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def table(head: list[str], rows: list[list[str]]) -> str:
    text = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in text)
