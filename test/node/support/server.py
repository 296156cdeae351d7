"""This is a double: it stands in for a model's server, and answers while systemctl's double says its unit is active."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.host import FakeHost


class ModelDouble:
    """`wedged`: /health answers, completions never do. `drip`: one byte of the answer at a time. `status`: of every GET.
    `text`: what a GET answers with. `embeds`: it has embeddings and no completions, as an embedding model."""

    def __init__(self, host: FakeHost, name: str) -> None:
        self.unit = f"citadel-{name}.service"
        self.wedged = False
        self.drip = False
        self.status = 200
        self.text = "{}"
        self.embeds = False
        self.requests: list[str] = []
        self._host = host
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def up(self) -> bool:
        return self._host.units().get(self.unit, {}).get("ActiveState") == "active"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double.requests.append(f"GET {self.path}")
                if not double.up():
                    self.close_connection = True
                    return
                if double.drip:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    for _ in range(60):
                        self.wfile.write(b"X")
                        self.wfile.flush()
                        time.sleep(0.2)
                self._answer(double.status, double.text)

            def do_POST(self) -> None:
                double.requests.append(f"POST {self.path}")
                self.rfile.read(int(self.headers["Content-Length"]))
                if double.wedged:
                    time.sleep(60)
                if double.embeds != (self.path == "/v1/embeddings"):
                    self._answer(404, '{"detail":"Not Found"}')
                elif double.embeds:
                    self._answer(200, json.dumps({"data": [{"embedding": [0.5]}]}))
                else:
                    self._answer(200, json.dumps({"choices": [{"text": "x"}]}))

            def _answer(self, status: int, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        return Handler
