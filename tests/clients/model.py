"""A chat model that says half of an answer and hangs up, or calls the function that it is given. Prints its port."""

import http.server
import json

PIECES = ["Backups are ", "kept for "]


def answer(asked):
    """Calls the function, or says what it returned."""
    last = asked["messages"][-1]
    if last["role"] == "tool":
        return [({"content": f"It is {last['content']} [1]."}, None), ({}, "stop")]
    name = asked["tools"][0]["function"]["name"]
    begin = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
    rest = {"index": 0, "function": {"arguments": '{"city": "Texel"}'}}
    return [({"tool_calls": [begin]}, None), ({"tool_calls": [rest]}, None), ({}, "tool_calls")]


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if "tools" in asked:
            for delta, reason in answer(asked):
                self.say(delta, reason)
            self.wfile.write(b"0\r\n\r\n")
            return
        for piece in PIECES:
            self.say({"content": piece}, None)
        # Without the chunk that ends a body.
        self.close_connection = True

    def say(self, delta, reason):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        data = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
print(server.server_port, flush=True)
server.serve_forever()
