"""LangChain: its indexing API with an SQL record manager, and Qdrant in local mode."""

from pathlib import Path
from typing import Any

from contenders.base import CHUNK_CHARACTERS, MODEL, OVERLAP_CHARACTERS, TOP_K, Library, run_program

DIMENSIONS = 384


class LangChain(Library):
    name = "LangChain"
    package = "langchain"
    note = "`index()` with `SQLRecordManager` and `cleanup=\"full\"`; Qdrant in local mode."


def vector_store(store: Path) -> Any:
    from langchain_openai import OpenAIEmbeddings
    from langchain_qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient
    from qdrant_client.models import Distance, VectorParams

    client = QdrantClient(path=str(store / "qdrant"))
    if not client.collection_exists("documents"):
        vectors = VectorParams(size=DIMENSIONS, distance=Distance.COSINE)
        client.create_collection("documents", vectors_config=vectors)
    # Without the check texts are sent as they are, which is what its documentation says to do with
    # endpoints that are not OpenAI's; with it, a tokeniser is downloaded and token ids are sent.
    embeddings = OpenAIEmbeddings(model=MODEL, check_embedding_ctx_length=False)
    return QdrantVectorStore(client=client, collection_name="documents", embedding=embeddings)


def ingest(corpus: Path, store: Path) -> None:
    from langchain_classic.indexes import SQLRecordManager
    from langchain_community.document_loaders import DirectoryLoader, TextLoader
    from langchain_core.indexing import index
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    records = SQLRecordManager("qdrant/documents", db_url=f"sqlite:///{store / 'records.sql'}")
    records.create_schema()
    loader = DirectoryLoader(
        str(corpus), glob="**/*.md", loader_cls=TextLoader, loader_kwargs={"encoding": "utf-8"}
    )
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP_CHARACTERS
    )
    chunks = splitter.split_documents(loader.load())
    # The default keys: Qdrant takes UUIDs only, and no other encoder makes them.
    index(chunks, records, vector_store(store), cleanup="full", source_id_key="source")


def query(store: Path, question: str) -> list[str]:
    found = vector_store(store).similarity_search(question, k=TOP_K)
    return [document.page_content for document in found]


def count(store: Path) -> int:
    return vector_store(store).client.count("documents").count


if __name__ == "__main__":
    run_program(ingest, query, count)
