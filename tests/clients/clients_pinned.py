"""Clients for Python that pin the version of `openai`, and so are installed apart."""

import os

# Prices of models, which it would load from elsewhere.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

from checks import BACKUPS, KEY, MODEL, QUESTION, URL, asks, check, run


@check
def llama_index_chat():
    model = OpenAILike(model=MODEL, api_base=f"{URL}/v1", api_key=KEY, is_chat_model=True)
    assert "400 days" in model.complete(QUESTION).text
    messages = [ChatMessage(role="user", content=QUESTION)]
    assert "400 days" in "".join(piece.delta or "" for piece in model.stream_chat(messages))


@check
def llama_index_embeddings():
    embeddings = OpenAILikeEmbedding(model_name=MODEL, api_base=f"{URL}/v1", api_key=KEY)
    assert len(embeddings.get_text_embedding_batch(["ledger", "tides"])) == 2


LITELLM = {"api_base": f"{URL}/v1", "api_key": KEY}


@check
def litellm_chat():
    answer = litellm.completion(model=f"openai/{MODEL}", messages=asks(), **LITELLM)
    assert "400 days" in answer.choices[0].message.content
    assert answer.choices[0].message.annotations, answer
    pieces = litellm.completion(model=f"openai/{MODEL}", messages=asks(), stream=True, **LITELLM)
    assert "400 days" in "".join(piece.choices[0].delta.content or "" for piece in pieces)


@check
def litellm_responses():
    response = litellm.responses(model=f"openai/{MODEL}", input=QUESTION, **LITELLM)
    assert "400 days" in response.output[1].content[0].text
    events = list(
        litellm.responses(model=f"openai/{MODEL}", input=QUESTION, stream=True, **LITELLM)
    )
    assert events[-1].type == "response.completed", events[-1]


@check
def litellm_embeddings_rerank_and_search():
    embedded = litellm.embedding(model=f"openai/{MODEL}", input=["ledger", "tides"], **LITELLM)
    assert len(embedded.data) == 2
    documents = ["Tides rise.", "Ledger backups are kept for 400 days."]
    ranked = litellm.rerank(
        model=f"cohere/{MODEL}", query=QUESTION, documents=documents, api_base=URL, api_key=KEY
    )
    assert ranked.results[0]["index"] == 1, ranked
    found = litellm.vector_stores.search(
        vector_store_id="vs_docent", query=QUESTION, custom_llm_provider="openai", **LITELLM
    )
    assert found["data"][0]["filename"] == BACKUPS, found


run("openai", "llama-index-core", "litellm")
