"""LlamaIndex: an ingestion pipeline with a document store, and Qdrant in local mode."""

from pathlib import Path
from typing import Any

from contenders.base import BATCH, CHUNK_TOKENS, MODEL, OVERLAP_TOKENS, TOP_K, Library, run_program


class LlamaIndex(Library):
    name = "LlamaIndex"
    package = "llama_index"
    note = "`IngestionPipeline` with a docstore, persisted; Qdrant in local mode."


def embedding() -> Any:
    import os

    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    return OpenAILikeEmbedding(
        model_name=MODEL, api_base=os.environ["OPENAI_BASE_URL"], embed_batch_size=BATCH
    )


def vector_store(store: Path) -> Any:
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    client = QdrantClient(path=str(store / "qdrant"))
    return QdrantVectorStore(client=client, collection_name="documents")


def ingest(corpus: Path, store: Path) -> None:
    from llama_index.core import SimpleDirectoryReader
    from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.storage.docstore import SimpleDocumentStore

    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS),
            embedding(),
        ],
        vector_store=vector_store(store),
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
    )
    state = store / "pipeline"
    if state.exists():
        pipeline.load(str(state))
    # Without this it finds nothing where a directory above the corpus is hidden, as a cache is.
    reader = SimpleDirectoryReader(
        str(corpus), recursive=True, filename_as_id=True, exclude_hidden=False
    )
    pipeline.run(documents=reader.load_data())
    pipeline.persist(str(state))


def query(store: Path, question: str) -> list[str]:
    from llama_index.core import VectorStoreIndex

    index = VectorStoreIndex.from_vector_store(vector_store(store), embed_model=embedding())
    found = index.as_retriever(similarity_top_k=TOP_K).retrieve(question)
    return [item.node.get_content() for item in found]


def count(store: Path) -> int:
    return vector_store(store).client.count("documents").count


if __name__ == "__main__":
    run_program(ingest, query, count)
