"""JSON-RPC over HTTP on the loop-back interface."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from governance.devchain.errors import RpcError
from governance.devchain.methods import Methods, refusal

HOST = "127.0.0.1"
LARGEST_REQUEST_BYTES = 16 * 2**20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    methods: Methods

    def do_POST(self) -> None:
        # A web page may send text/plain to any port without asking; it must ask for application/json.
        if not self.headers.get("content-type", "").startswith("application/json"):
            self._send(415, refusal(None, RpcError(-32600, "content-type must be application/json")))
            return
        try:
            size = int(self.headers.get("content-length", ""))
        except ValueError:
            self._send(411, refusal(None, RpcError(-32600, "content-length is missing")))
            return
        if not 0 <= size <= LARGEST_REQUEST_BYTES:
            self.close_connection = True
            self._send(413, refusal(None, RpcError(-32600, f"at most {LARGEST_REQUEST_BYTES} bytes")))
            return
        self._send(200, self._answer(self.rfile.read(size)))

    def _answer(self, body: bytes) -> Any:
        try:
            request = json.loads(body)
        except ValueError:
            return refusal(None, RpcError(-32700, "not JSON"))
        if isinstance(request, list):
            return [self.methods.handle(one) for one in request]
        return self.methods.handle(request)

    def _send(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: standard output carries one line, the address."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class RpcServer:
    """Serves one chain until :meth:`close`; ``port=0`` takes a free one."""

    def __init__(self, methods: Methods, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"methods": methods})
        self._server = _Server((HOST, port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening and wait until the thread has ended."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
