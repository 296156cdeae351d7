"""Asking a model's server: does it answer, and does it still make tokens?"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from citadel_node import commands
from citadel_node.fetch import FetchError, Response, fetch
from citadel_node.program import ProgramError
from citadel_node.settings import Model

HOST = "127.0.0.1"
_PARTS = {"choices": "a choice", "data": "an embedding"}
#: What a server that does not know the question is likely to be: vLLM has only the routes of what the model can do.
_OTHER_KIND = {
    "/v1/completions": "an embedding model? Set probe: embedding in the inventory",
    "/v1/embeddings": "not an embedding model? Set probe: completion in the inventory",
}


@dataclass(frozen=True)
class Answer:
    """What a request came to: `detail` is for people, `seconds` how long it took, `status` that of HTTP if it got one."""

    ok: bool
    detail: str
    seconds: float
    status: int | None = None


def url(model: Model, path: str) -> str:
    return f"http://{HOST}:{model.port}{path}"


def authorization(model: Model) -> dict[str, str]:
    """The header that the model's key asks for; none where it has no key. Raises FetchError where it cannot be read."""
    if model.api_key_file is None:
        return {}
    return {"Authorization": f"Bearer {_key(model.api_key_file)}"}


def health(model: Model, timeout: float = 5.0) -> Answer:
    """GET /health: the server is up (it may still be unable to make tokens; see `probe`)."""
    try:
        response = fetch(url(model, "/health"), timeout)
    except FetchError as error:
        return Answer(False, str(error), timeout)
    return _judged(response, "/health")


def probe(model: Model, timeout: float = 30.0) -> Answer:
    """Asks for one token, or with `probe: embedding` for one embedding. A model with `probe: none` is asked for its list of
    models instead."""
    try:
        headers = authorization(model)
        if model.probe == "none":
            return _judged(fetch(url(model, "/v1/models"), timeout, headers=headers), "/v1/models")
        wish: dict[str, str | int]
        if model.probe == "embedding":
            path, wish, part = "/v1/embeddings", {"model": model.served_name, "input": "Hello"}, "data"
        else:
            wish = {"model": model.served_name, "prompt": "Hello", "max_tokens": 1, "temperature": 0}
            path, part = "/v1/completions", "choices"
        response = fetch(url(model, path), timeout, wish, headers)
        judged = _judged(response, path)
        if judged.ok and not _has(response, part):
            return Answer(False, f"{path} answers without {_PARTS[part]}", response.seconds)
        if response.status == 404:
            return replace(judged, detail=f"{judged.detail}: {_OTHER_KIND[path]}")
        return judged
    except FetchError as error:
        return Answer(False, str(error), timeout)


def _judged(response: Response, path: str) -> Answer:
    ok = 200 <= response.status < 300
    return Answer(ok, "ok" if ok else f"{path} says {response.status}", response.seconds, response.status)


def _has(response: Response, part: str) -> bool:
    data = response.json()
    found = data.get(part) if isinstance(data, dict) else None
    return isinstance(found, list) and len(found) > 0


def _key(path: Path) -> str:
    """The key's file belongs to root. Services get it as a credential of the same name, and may not use sudo; what people
    type reads it through sudo."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (handed := Path(credentials) / path.name).is_file():
        path = handed
    try:
        return path.read_text(encoding="utf-8").strip()
    except PermissionError:
        try:
            done = commands.as_root(["cat", "--", str(path)], 5)
        except ProgramError as error:
            raise FetchError(f"the API key in {path} cannot be read: {error.what}") from None
        if not done.ok:
            raise FetchError(f"the API key in {path} cannot be read: {done.words}") from None
        return done.out.strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise FetchError(f"the API key in {path} cannot be read: {reason}") from None
