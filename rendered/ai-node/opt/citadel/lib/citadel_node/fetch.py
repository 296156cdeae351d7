"""HTTP with one deadline for everything: connecting, sending, waiting and reading. A dripping server cannot hold us."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"


class FetchError(Exception):
    """No answer: refused, not in time, or not HTTP. The message is in words for people."""


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """Raises FetchError for what is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise FetchError(f"the answer is not JSON: {error}") from error


class _Bytes:
    """What http.client wants of a socket, over bytes that were received before."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def fetch(
    url: str,
    timeout: float,
    data: object | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int = 16 * 1024 * 1024,
) -> Response:
    """GET, or POST where `data` (sent as JSON) is given; http:// only. Raises FetchError after `timeout` seconds at most.

    `limit` bounds the bytes of the answer.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise FetchError(f"not an http:// URL: {url}")
    port = parts.port or 80
    body = b"" if data is None else json.dumps(data).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {
        "Host": f"{parts.hostname}:{port}",
        "Connection": "close",
        "User-Agent": "citadel",
        **(headers or {}),
    }
    if data is not None:
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = f"{'GET' if data is None else 'POST'} {target} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )
    begun = time.monotonic()
    try:
        raw = _exchange(parts.hostname, port, head.encode() + b"\r\n" + body, begun + timeout, limit)
        status, content = _parse(raw)
    except TimeoutError:
        raise FetchError(f"no answer within {timeout:g} s") from None
    except ConnectionRefusedError:
        raise FetchError(f"nothing listens on {parts.hostname}:{port}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise FetchError(f"the answer is not HTTP: {type(error).__name__}") from None
    except OSError as error:
        raise FetchError(error.strerror or str(error)) from None
    return Response(status, content, time.monotonic() - begun)


def _exchange(host: str, port: int, request: bytes, deadline: float, limit: int) -> bytes:
    with contextlib.closing(socket.create_connection((host, port), timeout=_left(deadline))) as connection:
        connection.settimeout(_left(deadline))
        connection.sendall(request)
        received = bytearray()
        while not _complete(received):
            connection.settimeout(_left(deadline))
            block = connection.recv(65536)
            if not block:
                break
            received += block
            if len(received) > limit:
                raise OSError(f"the answer has more than {limit} bytes")
        return bytes(received)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _complete(received: bytearray) -> bool:
    """Whether a keep-alive server has said everything, so that we need not wait for its end of connection."""
    end = received.find(_HEAD_END)
    if end < 0:
        return False
    for line in bytes(received[:end]).lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(received) >= end + len(_HEAD_END) + int(value)
        if name == b"transfer-encoding" and b"chunked" in value:
            return received.endswith(b"0\r\n\r\n")
    return False


def _parse(raw: bytes) -> tuple[int, bytes]:
    if not raw:
        raise http.client.RemoteDisconnected("nothing was said")
    response = http.client.HTTPResponse(_Bytes(raw))  # type: ignore[arg-type]  # it only calls makefile
    response.begin()
    return response.status, response.read()
