"""The clients for Python, unmodified, against a docent that serves sample-docs without a model."""

import asyncio
import json

import cohere
import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from websockets.sync.client import connect

from checks import BACKUPS, CUT_URL, KEY, MODEL, QUESTION, URL, asks, check, run

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)


def cited(text, annotation):
    """A mark is where it is said to be, and leads somewhere."""
    assert text[annotation.start_index] == "[" and text[annotation.end_index - 1] == "]", annotation
    assert annotation.url.startswith(URL) and BACKUPS in annotation.title, annotation


@check
def openai_models():
    models = [model.id for model in client.models.list()]
    assert models == ["docent/docent"], models
    assert client.models.retrieve("docent/docent").id == "docent/docent"


@check
def openai_chat_create():
    answer = client.chat.completions.create(model=MODEL, messages=asks(), temperature=0.1)
    message = answer.choices[0].message
    assert "400 days" in message.content, message
    cited(message.content, message.annotations[0].url_citation)
    assert answer.model_extra["docent"]["ignored"] == ["temperature"]
    assert answer.model_extra["docent"]["citations"][0]["verified"]


@check
def openai_chat_create_stream():
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=asks(), stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "400 days" in text and chunks[-1].usage.total_tokens >= 0


@check
def openai_chat_stream_helper():
    with client.chat.completions.stream(model=MODEL, messages=asks()) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds and "400 days" in final.choices[0].message.content, kinds


@check
def openai_chat_error():
    try:
        client.chat.completions.create(model="gpt-4o", messages=asks())
    except openai.NotFoundError as error:
        assert error.code == "model_not_found" and error.request_id, error
    else:
        raise AssertionError("no error")


@check
def openai_responses_create():
    response = client.responses.create(
        model=MODEL,
        input=QUESTION,
        include=["file_search_call.results"],
        tools=[{"type": "file_search", "vector_store_ids": ["vs_docent"], "max_num_results": 4}],
    )
    assert "400 days" in response.output_text
    search, message = response.output
    assert search.results[0].filename == BACKUPS and search.queries == [QUESTION]
    file, url = message.content[0].annotations[:2]
    cited(response.output_text, url)
    assert file.type == "file_citation" and client.files.retrieve(file.file_id).filename == BACKUPS
    assert response.usage.output_tokens_details.reasoning_tokens == 0


@check
def openai_responses_create_stream():
    events = list(client.responses.create(model=MODEL, input=QUESTION, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"


@check
def openai_responses_stream_helper():
    with client.responses.stream(model=MODEL, input=QUESTION, instructions="Be brief.") as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == text and "400 days" in text
    assert final.output[1].content[0].annotations[1].type == "url_citation"


@check
def openai_responses_goes_on():
    first = client.responses.create(model=MODEL, input=QUESTION)
    items = [*asks(), *(item.model_dump() for item in first.output), *asks("Who restores them?")]
    assert client.responses.create(model=MODEL, input=items).output_text
    try:
        client.responses.create(model=MODEL, input="Who?", previous_response_id=first.id)
    except openai.BadRequestError as error:
        assert error.code == "unsupported_parameter" and error.param == "previous_response_id"
    else:
        raise AssertionError("no error")


@check
def openai_vector_stores():
    store = next(iter(client.vector_stores.list()))
    assert store.id == "vs_docent" and store.file_counts.completed > 20, store
    assert client.vector_stores.retrieve(store.id).name == "docent"
    found = list(client.vector_stores.search(store.id, query=QUESTION, max_num_results=3))
    assert found[0].filename == BACKUPS and found[0].attributes["tag.team"] == "ledger", found
    filters = {"type": "ne", "key": "source", "value": BACKUPS}
    others = client.vector_stores.search(store.id, query=QUESTION, filters=filters)
    assert BACKUPS not in [other.filename for other in others]
    files = list(client.vector_stores.files.list(store.id, limit=7))
    assert len(files) == store.file_counts.total and len({file.id for file in files}) == len(files)
    of = {"vector_store_id": store.id, "file_id": found[0].file_id}
    assert client.vector_stores.files.retrieve(**of).status == "completed"
    assert "400 days" in "".join(part.text for part in client.vector_stores.files.content(**of))
    assert len(list(client.files.list(limit=7))) == len(files)


@check
def openai_uploads():
    store = "vs_docent"
    of = client.vector_stores.files
    file = of.upload_and_poll(
        vector_store_id=store,
        file=("ferry.md", b"# Ferry\n\nThe ferry to Texel leaves at nine sharp.\n"),
        attributes={"team": "harbour"},
    )
    assert file.status == "completed" and file.attributes["tag.team"] == "harbour", file
    found = client.vector_stores.search(store, query="When does the ferry to Texel leave?").data[0]
    assert (found.filename, found.file_id) == ("ferry.md", file.id), found
    assert client.files.retrieve(file.id).filename == "ferry.md"
    assert of.delete(file.id, vector_store_id=store).deleted
    assert client.files.delete(file.id).deleted
    names = [(f"{n}.md", f"# Lamp {n}\n\nLamp {n} is lit.\n".encode()) for n in range(3)]
    bad = ("bad.bin", b"\0\1\2")
    batch = client.vector_stores.file_batches.upload_and_poll(store, files=[*names, bad])
    assert (batch.file_counts.completed, batch.file_counts.failed) == (3, 1), batch
    files = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store)
    for file in files:
        assert (file.last_error is not None) == (file.status == "failed"), file
        assert client.files.delete(file.id).deleted


@check
def openai_functions():
    other = openai.OpenAI(base_url=f"{CUT_URL}/v1", api_key=KEY, max_retries=0)
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    first = other.chat.completions.create(model=MODEL, messages=asks(), tools=tools).choices[0]
    call = first.message.tool_calls[0]
    assert first.finish_reason == "tool_calls" and call.function.name == "weather", first
    with other.chat.completions.stream(model=MODEL, messages=asks(), tools=tools) as stream:
        final = stream.get_final_completion().choices[0].message
    assert final.tool_calls[0].function.arguments == '{"city": "Texel"}', final
    returned = {"role": "tool", "tool_call_id": call.id, "content": "raining"}
    messages = [*asks(), first.message.model_dump(exclude_none=True), returned]
    last = other.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0]
    assert "raining" in last.message.content and last.finish_reason == "stop", last
    tools = [{"type": "function", "name": "weather", "parameters": parameters, "strict": False}]
    with other.responses.stream(model=MODEL, input=QUESTION, tools=tools) as stream:
        response = stream.get_final_response()
    call = response.output[-1]
    assert (call.type, call.name) == ("function_call", "weather"), response.output
    returned = {"type": "function_call_output", "call_id": call.call_id, "output": "raining"}
    items = [*asks(), call.model_dump(), returned]
    assert "raining" in other.responses.create(model=MODEL, input=items, tools=tools).output_text


@check
def openai_embeddings():
    # base64, since nothing is said.
    first, second = client.embeddings.create(model=MODEL, input=["ledger backups", "tides"]).data
    floats = client.embeddings.create(model=MODEL, input="tides", encoding_format="float").data[0]
    near = max(abs(a - b) for a, b in zip(second.embedding, floats.embedding))
    assert len(first.embedding) == len(floats.embedding) and near < 1e-6, near


@check
def openai_async():
    async def ask():
        other = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
        async with other.chat.completions.stream(model=MODEL, messages=asks()) as stream:
            return await stream.get_final_completion()

    assert "400 days" in asyncio.run(ask()).choices[0].message.content


def cut_off(ask):
    """What there is of an answer comes, and then an error."""
    try:
        for _ in ask():
            pass
    except openai.APIError as error:
        assert error.body["code"], error
    else:
        raise AssertionError("an answer that was cut off seems whole")


@check
def openai_answers_that_are_cut_off():
    other = openai.OpenAI(base_url=f"{CUT_URL}/v1", api_key=KEY, max_retries=0)
    cut_off(lambda: other.chat.completions.create(model=MODEL, messages=asks(), stream=True))
    events = list(other.responses.create(model=MODEL, input=QUESTION, stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.message, events[-1]
    assert any(event.type == "response.output_text.delta" for event in events)


@check
def langchain_chat():
    model = ChatOpenAI(base_url=f"{URL}/v1", api_key=KEY, model=MODEL, max_retries=0)
    assert "400 days" in model.invoke(QUESTION).content
    assert "400 days" in "".join(chunk.content for chunk in model.stream(QUESTION))


@check
def langchain_responses():
    model = ChatOpenAI(
        base_url=f"{URL}/v1", api_key=KEY, model=MODEL, use_responses_api=True, max_retries=0
    )
    message = model.invoke(QUESTION)
    block = next(block for block in message.content if block["type"] == "text")
    assert "400 days" in block["text"] and block["annotations"], message
    assert "400 days" in "".join(chunk.text for chunk in model.stream(QUESTION))


@check
def langchain_embeddings():
    # Token ids of cl100k, since nothing is said.
    embeddings = OpenAIEmbeddings(base_url=f"{URL}/v1", api_key=KEY, model=MODEL)
    tokens = embeddings.embed_documents(["ledger backups", "Größe und Maß"])
    plain = OpenAIEmbeddings(
        base_url=f"{URL}/v1", api_key=KEY, model=MODEL, check_embedding_ctx_length=False
    ).embed_documents(["ledger backups", "Größe und Maß"])
    near = max(abs(a - b) for x, y in zip(tokens, plain) for a, b in zip(x, y))
    assert near < 1e-5, near


@check
def cohere_rerank():
    documents = ["The cat sat.", "Ledger backups are kept for 400 days.", "Tides rise."]
    other = cohere.ClientV2(api_key=KEY, base_url=URL)
    ranked = other.rerank(model=MODEL, query=QUESTION, documents=documents, top_n=2)
    assert [result.index for result in ranked.results][0] == 1 and len(ranked.results) == 2
    assert 0 <= ranked.results[0].relevance_score <= 1


@check
def websockets_chat():
    url = URL.replace("http", "ws", 1) + "/v1/docent/chat"
    with connect(url, additional_headers={"Authorization": f"Bearer {KEY}"}) as chat:

        def say(message):
            """What comes of it, to the last event."""
            chat.send(json.dumps(message))
            events = [json.loads(chat.recv())]
            while events[-1]["event"] not in ("done", "error", "cleared"):
                events.append(json.loads(chat.recv()))
            return events

        events = say({"type": "question", "question": QUESTION})
        assert events[0]["event"] == "begin" and "400 days" in events[-1]["answer"], events
        wrong = say({"type": "question", "questoin": QUESTION})
        assert wrong[0]["error"]["docent"]["hint"] == "did you mean `question`?", wrong
        assert say({"type": "clear"}) == [{"event": "cleared"}]
        again = say({"type": "resume", "answer_id": events[0]["answer_id"]})
        assert again[-1] == events[-1], again


run("openai", "langchain-openai", "cohere", "websockets")
