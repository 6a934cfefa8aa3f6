"""docent, with the endpoint that all share, and with the embedder it brings along."""

import json
import subprocess
from pathlib import Path

from contenders.base import CHUNK_TOKENS, MODEL, OVERLAP_TOKENS, TOP_K, Contender, Setup


class Docent(Contender):
    name = "docent"
    note = "hybrid retrieval, dense and sparse; the embedded store."

    def __init__(self, binary: Path) -> None:
        self.path = binary

    def install(self) -> None:
        """Nothing: it is built with `cargo build --release`."""

    def missing(self) -> str | None:
        return None if self.path.exists() else f"not built: there is no {self.path}"

    def versions(self) -> dict[str, str]:
        printed = subprocess.run([self.path, "--version"], check=True, capture_output=True, text=True)
        return {"docent": printed.stdout.split()[-1]}

    def options(self, setup: Setup) -> list[str]:
        embedder = ["--embedder", f"openai:{MODEL}", "--base-url", setup.base_url]
        return ["--data-dir", str(setup.store / "data"), *embedder]

    def ingest(self, setup: Setup) -> list[str]:
        chunking = ["--chunk-tokens", str(CHUNK_TOKENS), "--chunk-overlap", str(OVERLAP_TOKENS)]
        return [str(self.path), "ingest", str(setup.corpus), *chunking, *self.options(setup)]

    def query(self, setup: Setup, question: str) -> list[str]:
        what = ["search", question, "-k", str(TOP_K), "--format", "json"]
        return [str(self.path), *what, *self.options(setup)]

    def chunks(self, setup: Setup) -> int:
        status = [str(self.path), "status", "--format", "json", *self.options(setup)]
        return json.loads(self.ask(setup, status))["chunks"]

    def passages(self, output: str) -> list[str]:
        return [hit["text"] for hit in json.loads(output)["hits"]]


class DocentBuiltin(Docent):
    name = "docent, built-in embedder"
    note = "the same, computing its embeddings itself: the only row whose vectors are real."

    def options(self, setup: Setup) -> list[str]:
        return ["--data-dir", str(setup.store / "data")]
