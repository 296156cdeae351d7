"""The HTTP side: small answers from memory, a bounded number of connections, addresses that need not be up yet."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

#: Connections at a time; more are refused, so that no one can fill the memory with threads.
MOST_CONNECTIONS = 32
#: Seconds for a client to send its request, and between two requests of one connection.
CLIENT_TIMEOUT_SEC = 10.0
#: Of linux/in.h and linux/in6.h; Python's socket has neither before 3.14.
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    @staticmethod
    def of_json(status: int, value: object) -> Answer:
        return Answer(status, "application/json", json.dumps(value).encode() + b"\n")


#: Path → what answers it.
Routes = Mapping[str, Callable[[], Answer]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "citadel-metrics-exporter"
    sys_version = ""
    timeout = CLIENT_TIMEOUT_SEC
    wbufsize = -1  # one write per answer

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        routes = cast("Server", self.server).routes
        route = routes.get(self.path.split("?", 1)[0].rstrip("/") or "/")
        if route is None:
            answer = Answer(
                404,
                "text/plain; charset=utf-8",
                ("Not here. There is:\n" + "".join(f"  {path}\n" for path in routes)).encode(),
            )
        else:
            answer = route()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes every few seconds are no news."""


def spelled(address: str) -> str:
    """An address as it stands before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: str, port: int, routes: Routes) -> None:
        self.routes = routes
        #: When the loop that accepts connections last went round, for the watchdog (monotonic).
        self.last_round = time.monotonic()
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        # The unit may start before the network: an address that is not there yet can be listened on all the same.
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        super().server_bind()

    def service_actions(self) -> None:
        self.last_round = time.monotonic()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is its own business."""

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True).start()
