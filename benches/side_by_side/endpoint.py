"""A local OpenAI-compatible `/v1/embeddings` that answers at once, so that the tools are what is measured.

A vector is the words of its text, hashed into 384 dimensions: deterministic, no model, and yet near to
the vectors of texts that share its rare words, so that a search can be checked for finding the right
file. What was computed once is kept, both as JSON and as base64: an endpoint that gets slower under one
contender would be measured as that contender's slowness.

`GET /count` says how many requests, texts and seconds of work there were so far.
"""

import base64
import functools
import hashlib
import json
import math
import re
import struct
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSIONS = 384
WORD = re.compile(r"\w+")

counts: Counter[str] = Counter()
counting = threading.Lock()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Header and body in one segment each way: a delayed acknowledgement costs 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        started = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = inputs(body["input"])
        answer = embeddings(texts, body.get("encoding_format", "float"), body.get("model", ""))
        self.reply(answer)
        with counting:
            counts["requests"] += 1
            counts["texts"] += len(texts)
            counts["seconds"] += time.perf_counter() - started

    def do_GET(self) -> None:
        if self.path == "/count":
            with counting:
                self.reply(json.dumps({key: counts[key] for key in ("requests", "texts", "seconds")}))
        else:
            self.reply(json.dumps({"object": "list", "data": [{"id": "fake", "object": "model"}]}))

    def reply(self, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


def inputs(value: str | list) -> list[str]:
    """The texts of a request: one text, many, or one or many lists of token ids."""
    if isinstance(value, str):
        return [value]
    if value and isinstance(value[0], int):
        return [" ".join(map(str, value))]
    return [item if isinstance(item, str) else " ".join(map(str, item)) for item in value]


def embeddings(texts: list[str], encoding: str, model: str) -> str:
    """The answer of the endpoint, put together from parts that are JSON already."""
    which = 1 if encoding == "base64" else 0
    items = ",".join(
        f'{{"object":"embedding","index":{index},"embedding":{vector(text)[which]}}}'
        for index, text in enumerate(texts)
    )
    tokens = sum(len(text) for text in texts) // 4
    usage = f'{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}'
    return f'{{"object":"list","model":{json.dumps(model)},"data":[{items}],"usage":{usage}}}'


@functools.cache
def vector(text: str) -> tuple[str, str]:
    """The vector of a text, of length 1, as a JSON array and as a JSON string of base64."""
    values = [0.0] * DIMENSIONS
    for word, count in Counter(WORD.findall(text.lower())).items():
        for slot, sign in slots(word):
            values[slot] += sign * math.sqrt(count)
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    packed = struct.pack(f"<{DIMENSIONS}f", *(value / length for value in values))
    floats = [round(value, 7) for value in struct.unpack(f"<{DIMENSIONS}f", packed)]
    return json.dumps(floats, separators=(",", ":")), f'"{base64.b64encode(packed).decode()}"'


@functools.cache
def slots(word: str) -> list[tuple[int, float]]:
    """Where a word goes: four dimensions with a sign each, fewer for short words, which say little."""
    digest = hashlib.blake2b(word.encode(), digest_size=12).digest()
    many = 4 if len(word) > 4 else 1
    return [
        (int.from_bytes(digest[at : at + 2], "little") % DIMENSIONS, 1.0 if digest[at + 2] & 1 else -1.0)
        for at in range(0, 3 * many, 3)
    ]


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    # Ends with the driver, however that ends: its end of this pipe closes.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
