"""A local server that speaks OpenAI's chat completions: scripted replies, and what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OpenAiStub:
    """``with OpenAiStub(reply) as stub``: ``stub.url`` and ``stub.requests``.

    ``reply`` is a text, or a number: that HTTP status with an error body.
    """

    def __init__(self, reply: str | int) -> None:
        self.requests: list[dict[str, Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                stub.requests.append(json.loads(self.rfile.read(length)))
                status, body = stub._answer(reply)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @staticmethod
    def _answer(reply: str | int) -> tuple[int, bytes]:
        if isinstance(reply, int):
            return reply, b'{"error": {"message": "stub", "type": "stub"}}'
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice]}
        return 200, json.dumps({**body, "usage": usage}).encode()

    def __enter__(self) -> OpenAiStub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
