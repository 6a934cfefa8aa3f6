"""simonw's llm: `embed-multi` and `similar`. It embeds whole files: it has no chunks."""

import json
import sqlite3

from contenders.base import MODEL, TOP_K, InVenv, Setup

COLLECTION = "documents"


class Llm(InVenv):
    name = "llm"
    package = "llm"
    note = "`embed-multi --files` and `similar`; one text per file, so fewer and coarser passages."

    def environment(self, setup: Setup) -> dict[str, str]:
        return setup.environment() | {"LLM_USER_PATH": str(setup.store)}

    def ingest(self, setup: Setup) -> list[str]:
        files = ["--files", str(setup.corpus), "**/*.md", "--store"]
        return [self.binary("llm"), "embed-multi", COLLECTION, "-m", MODEL, *files]

    def query(self, setup: Setup, question: str) -> list[str]:
        return [self.binary("llm"), "similar", COLLECTION, "-c", question, "-n", str(TOP_K)]

    def chunks(self, setup: Setup) -> int:
        with sqlite3.connect(setup.store / "embeddings.db") as database:
            return database.execute("select count(*) from embeddings").fetchone()[0]

    def passages(self, output: str) -> list[str]:
        return [json.loads(line)["content"] or "" for line in output.splitlines()]
