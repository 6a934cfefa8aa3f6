"""txtai: an embeddings database with content, its vectors from the endpoint through LiteLLM."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contenders.base import CHUNK_CHARACTERS, MODEL, TOP_K, Library, Setup, run_program


class Txtai(Library):
    name = "txtai"
    package = "txtai"
    note = "`Embeddings(content=True)`, loaded and upserted again; it does not know what is unchanged."

    def __init__(self, cache: Path, torch: Path | None) -> None:
        super().__init__(cache)
        self.torch = torch

    def create(self) -> None:
        """Lets the environment see a torch that is there: pip's own choice brings gigabytes for GPUs."""
        super().create()
        if self.torch:
            (packages,) = self.venv.glob("lib/python*/site-packages")
            (packages / "torch-from-elsewhere.pth").write_text(f"{self.torch}\n")

    def environment(self, setup: Setup) -> dict[str, str]:
        # Else both look at the network when they are imported or loaded.
        offline = {"HF_HUB_OFFLINE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        return super().environment(setup) | offline


def embeddings() -> Any:
    from txtai import Embeddings

    return Embeddings(
        path=f"openai/{MODEL}",
        method="litellm",
        vectors={"api_base": os.environ["OPENAI_BASE_URL"], "encoding_format": "float"},
        content=True,
    )


def pieces(text: str) -> Iterator[str]:
    """Neighbouring paragraphs, as many as fit a chunk: txtai's own splitter wants another library."""
    piece = ""
    for paragraph in text.split("\n\n"):
        if piece and len(piece) + len(paragraph) + 2 > CHUNK_CHARACTERS:
            yield piece
            piece = ""
        piece = f"{piece}\n\n{paragraph}" if piece else paragraph
    if piece:
        yield piece


def ingest(corpus: Path, store: Path) -> None:
    database = embeddings()
    state = store / "index"
    if state.exists():
        database.load(str(state))
    database.upsert(
        (f"{path.relative_to(corpus)}#{number}", piece, None)
        for path in sorted(corpus.rglob("*.md"))
        for number, piece in enumerate(pieces(path.read_text(encoding="utf-8")))
    )
    database.save(str(state))


def query(store: Path, question: str) -> list[str]:
    database = embeddings()
    database.load(str(store / "index"))
    return [found["text"] for found in database.search(question, TOP_K)]


def count(store: Path) -> int:
    database = embeddings()
    database.load(str(store / "index"))
    return database.count()


if __name__ == "__main__":
    run_program(ingest, query, count)
