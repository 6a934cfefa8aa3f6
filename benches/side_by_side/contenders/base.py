"""What the driver asks of a contender, and what the contenders that are Python libraries share.

A library's file is used from two sides: the driver imports it for its adapter, and the library's own
environment runs it with `-m contenders.NAME`, as the program that a user of the library would write. So
the library is imported where it is used, not at the top.
"""

import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
#: A name whose tokeniser the tools know, so that those which count tokens count the same.
MODEL = "text-embedding-3-small"
TOP_K = 5
CHUNK_TOKENS = 256
OVERLAP_TOKENS = 32
CHUNK_CHARACTERS = 1000
OVERLAP_CHARACTERS = 125
BATCH = 100


@dataclass(frozen=True)
class Setup:
    """Where one run happens: nothing is shared between two stores, not even a home directory."""

    corpus: Path
    store: Path
    base_url: str

    def environment(self) -> dict[str, str]:
        """All that a contender sees: no settings of the user, and no way out but loopback."""
        nowhere = "http://127.0.0.1:9"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.store),
            "LANG": "C.UTF-8",
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": self.base_url,
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


class Contender(ABC):
    """A tool: how it is installed, and the commands that ingest and ask."""

    name: str
    #: What to say of it below the table: how it is used here.
    note: str = ""

    @abstractmethod
    def install(self) -> None:
        """Installs it, with the network; raises `CalledProcessError` or `OSError`."""

    @abstractmethod
    def missing(self) -> str | None:
        """Why it cannot run, if so."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of it and of what it is built on."""

    def prepare(self, setup: Setup) -> None:
        """Writes the settings it wants, before anything is measured."""

    def environment(self, setup: Setup) -> dict[str, str]:
        return setup.environment()

    @abstractmethod
    def ingest(self, setup: Setup) -> list[str]:
        """The command that brings the store in line with the corpus, the first time and later."""

    @abstractmethod
    def query(self, setup: Setup, question: str) -> list[str]:
        """The command that prints the passages for a question."""

    @abstractmethod
    def chunks(self, setup: Setup) -> int:
        """How many chunks the store holds."""

    @abstractmethod
    def passages(self, output: str) -> list[str]:
        """The passages in what the query printed."""

    def ask(self, setup: Setup, command: list[str]) -> str:
        """What a command prints, not measured."""
        return subprocess.run(
            command, env=self.environment(setup), cwd=setup.store, stdin=subprocess.DEVNULL,
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip


class InVenv(Contender):
    """A contender that pip installs, into an environment of its own."""

    #: Name of its file in `requirements/`, and of its environment.
    package: str

    def __init__(self, cache: Path) -> None:
        self.venv = cache / self.package

    def install(self) -> None:
        self.create()
        self.fill()

    def create(self) -> None:
        subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)

    def fill(self) -> None:
        pip = [self.binary("python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "-r", HERE / "requirements" / f"{self.package}.txt"], check=True)

    def missing(self) -> str | None:
        return None if Path(self.binary("python")).exists() else "not installed: run the `install` step"

    def binary(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    def versions(self) -> dict[str, str]:
        pip = [self.binary("python"), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
        listed = json.loads(subprocess.run(pip, check=True, capture_output=True, text=True).stdout)
        return {item["name"]: item["version"] for item in listed}


class Library(InVenv):
    """A Python library: its commands run this file's program in its environment."""

    def program(self, setup: Setup, *arguments: str) -> list[str]:
        module = type(self).__module__
        return [self.binary("python"), "-m", module, *arguments, str(setup.corpus), str(setup.store)]

    def environment(self, setup: Setup) -> dict[str, str]:
        # No byte code beside these files: it would be the only thing a run leaves in the repository.
        return setup.environment() | {"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}

    def ingest(self, setup: Setup) -> list[str]:
        return self.program(setup, "ingest")

    def query(self, setup: Setup, question: str) -> list[str]:
        return self.program(setup, "query", question)

    def chunks(self, setup: Setup) -> int:
        return int(self.ask(setup, self.program(setup, "count")))

    def passages(self, output: str) -> list[str]:
        return json.loads(output)


def run_program(
    ingest: Callable[[Path, Path], None],
    query: Callable[[Path, str], list[str]],
    count: Callable[[Path], int],
) -> None:
    """The main function of a library's program: `ingest`, `query QUESTION` or `count`, and two paths."""
    match sys.argv[1:]:
        case ["ingest", corpus, store]:
            ingest(Path(corpus), Path(store))
        case ["query", question, _, store]:
            print(json.dumps(query(Path(store), question)))
        case ["count", _, store]:
            print(count(Path(store)))
        case arguments:
            raise SystemExit(f"unexpected arguments: {arguments}")
