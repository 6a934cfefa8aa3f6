"""What schemathesis is told of docent beside its document."""

import json

import schemathesis

# Names that exist: without them, most of what is generated would go no further than a 404.
NAMES = {"model": "docent", "collection": "docent"}


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        for name, value in NAMES.items():
            if isinstance(body.get(name), str):
                body = {**body, name: value}
    return body


@schemathesis.serializer("application/jsonl")
def lines(context, value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
