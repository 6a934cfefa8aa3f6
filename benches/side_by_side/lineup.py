"""The tools that are compared, in the order of the table."""

from pathlib import Path

from contenders import aichat, docent, langchain, llama_index, llm, txtai
from contenders.base import Contender


def every(cache: Path, docent_binary: Path, torch: Path | None = None) -> list[Contender]:
    """All contenders; the first is what the others are compared with.

    `torch` is a directory of packages with a torch to use, where there is one already.
    """
    return [
        docent.Docent(docent_binary),
        docent.DocentBuiltin(docent_binary),
        llama_index.LlamaIndex(cache),
        langchain.LangChain(cache),
        txtai.Txtai(cache, torch),
        llm.Llm(cache),
        aichat.Aichat(cache),
    ]
