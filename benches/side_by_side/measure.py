"""One process measured, and one round of one contender."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import corpus
from contenders.base import HERE, Contender, Setup

LIMIT_S = 900


class Failed(Exception):
    """A contender's command that did not do what it should."""


@dataclass(frozen=True)
class Run:
    """What one process took. `texts` and `requests` are what the endpoint was sent meanwhile."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    texts: int
    requests: int
    endpoint_seconds: float


@dataclass(frozen=True)
class Round:
    """One contender, once: an empty store, the same corpus again, and a question."""

    ingest: Run
    reingest: Run
    query: Run
    chunks: int
    passages: int
    found: bool

    def as_json(self) -> dict:
        return asdict(self)


class Endpoint:
    """The embedding endpoint, in a process of its own."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.root}/v1"
        # A proxy of the user's has no business between here and loopback.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def count(self) -> dict[str, float]:
        with self.opener.open(f"{self.root}/count") as answer:
            return json.load(answer)


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    command = [sys.executable, str(HERE / "endpoint.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield Endpoint(int(server.stdout.readline()))
        server.stdin.close()


def measure(contender: Contender, command: list[str], setup: Setup, server: Endpoint) -> tuple[Run, str]:
    """Runs a command in a new process; returns what it took, and what it printed."""
    before = server.count()
    printed, complained = setup.store / "stdout", setup.store / "stderr"
    with printed.open("wb") as out, complained.open("wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=contender.environment(setup), cwd=setup.store, stdin=subprocess.DEVNULL,
            stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        status, usage = wait(process)
        seconds = time.perf_counter() - started
    after = server.count()
    if status != 0:
        raise Failed(f"`{' '.join(command[:3])} ..` ended with {status}: {last_line(complained)}")
    run = Run(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_rss_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        texts=int(after["texts"] - before["texts"]),
        requests=int(after["requests"] - before["requests"]),
        endpoint_seconds=after["seconds"] - before["seconds"],
    )
    return run, printed.read_text(errors="replace")


def wait(process: subprocess.Popen) -> tuple[int, "os.struct_rusage"]:
    """Waits with `wait4`, which alone tells the peak of this child and of the children it waited for."""
    timer = threading.Timer(LIMIT_S, os.killpg, [process.pid, signal.SIGKILL])
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def last_line(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing to stderr"


def one_round(contender: Contender, number: int, directory: Path, texts: Path, server: Endpoint) -> Round:
    """Measures a contender once, in a store that is removed afterwards."""
    store = directory / "store"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    setup = Setup(texts, store, server.base_url)
    contender.prepare(setup)
    question = corpus.question(number)
    ingest, _ = measure(contender, contender.ingest(setup), setup, server)
    chunks = contender.chunks(setup)
    reingest, _ = measure(contender, contender.ingest(setup), setup, server)
    if (again := contender.chunks(setup)) != chunks:
        raise Failed(f"{chunks} chunks after the first ingest, {again} after the second")
    query, printed = measure(contender, contender.query(setup, question.text), setup, server)
    passages = contender.passages(printed)
    found = any(question.subject in passage for passage in passages)
    shutil.rmtree(store)
    if not chunks or not passages:
        raise Failed(f"{chunks} chunks stored, {len(passages)} passages found")
    return Round(ingest, reingest, query, chunks, len(passages), found)
