"""aichat: its RAG mode, built with `--rebuild-rag` and asked with `--dry-run`, which prints the prompt."""

import re
import subprocess
from pathlib import Path

from contenders.base import BATCH, CHUNK_CHARACTERS, HERE, MODEL, OVERLAP_CHARACTERS, TOP_K, Contender, Setup

RAG = "documents"
#: Stands between the passages and the question in the prompt it prints, and nowhere in the corpus.
MARK = "<<<question>>>"


class Aichat(Contender):
    name = "aichat"
    note = "RAG mode: `--rebuild-rag`, then `--dry-run`, which prints the prompt that no model is sent."

    def __init__(self, cache: Path) -> None:
        self.root = cache / "aichat"
        self.path = self.root / "bin" / "aichat"

    def install(self) -> None:
        crate = (HERE / "requirements" / "aichat.txt").read_text().strip().replace("==", "@")
        subprocess.run(["cargo", "install", crate, "--locked", "--quiet", "--root", self.root], check=True)

    def missing(self) -> str | None:
        return None if self.path.exists() else "not installed: run the `install` step"

    def versions(self) -> dict[str, str]:
        printed = subprocess.run([self.path, "--version"], check=True, capture_output=True, text=True)
        return {"aichat": printed.stdout.split()[-1]}

    def environment(self, setup: Setup) -> dict[str, str]:
        return setup.environment() | {"AICHAT_CONFIG_DIR": str(setup.store)}

    def prepare(self, setup: Setup) -> None:
        """Writes its settings, and a RAG that is empty: it makes one itself on a terminal only."""
        (setup.store / "config.yaml").write_text(CONFIG.format(base_url=setup.base_url))
        rags = setup.store / "rags"
        rags.mkdir()
        (rags / f"{RAG}.yaml").write_text(EMPTY_RAG.format(corpus=setup.corpus))

    def ingest(self, setup: Setup) -> list[str]:
        return [str(self.path), "--rag", RAG, "--rebuild-rag"]

    def query(self, setup: Setup, question: str) -> list[str]:
        return [str(self.path), "--rag", RAG, "--dry-run", question]

    def chunks(self, setup: Setup) -> int:
        stored = (setup.store / "rags" / f"{RAG}.yaml").read_text()
        return len(re.findall(r"^ *- page_content:", stored, re.MULTILINE))

    def passages(self, output: str) -> list[str]:
        """One: the prompt up to the question, in which the passages are not marked off."""
        context = output.partition(MARK)[0].strip()
        return [context] if context else []


CONFIG = f"""\
model: local:fake-chat
stream: false
save: false
rag_embedding_model: local:{MODEL}
rag_top_k: {TOP_K}
rag_template: "__CONTEXT__\\n{MARK}\\n__INPUT__"
clients:
- type: openai-compatible
  name: local
  api_base: {{base_url}}
  api_key: none
  models:
  - name: fake-chat
  - name: {MODEL}
    type: embedding
    default_chunk_size: {CHUNK_CHARACTERS}
    max_batch_size: {BATCH}
"""

EMPTY_RAG = f"""\
embedding_model: local:{MODEL}
chunk_size: {CHUNK_CHARACTERS}
chunk_overlap: {OVERLAP_CHARACTERS}
reranker_model: null
top_k: {TOP_K}
batch_size: {BATCH}
next_file_id: 0
document_paths:
- {{corpus}}/**/*.md
files: {{{{}}}}
vectors: {{{{}}}}
"""
