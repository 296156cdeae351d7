"""Time to first token and tokens per second of a model, by one streamed completion at a time."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from citadel_node import models, systemd
from citadel_node.fetch import FetchError
from citadel_node.settings import Model

REQUEST_TIMEOUT_SEC = 120.0
#: Long enough that reading it takes a moment, the same every time.
_SUBJECT = "Describe in plain words how a rack of servers is kept cool, fed with power and watched over. "


@dataclass(frozen=True)
class ModelSpeed:
    """None with the reason in `problem`; `skipped` where there was nothing to measure because it does not run."""

    model: str
    first_token_sec: float | None = None
    tokens_per_sec: float | None = None
    tokens: int = 0
    problem: str | None = None
    skipped: bool = False


@dataclass(frozen=True)
class _Run:
    first_token_sec: float
    tokens_per_sec: float | None
    tokens: int


def measure(
    model: Model, tokens: int, rounds: int, clock: Callable[[], float] = time.monotonic
) -> ModelSpeed:
    """The median of some rounds, after one that does not count."""
    state = systemd.show_one(model.unit)
    if not state.is_active:
        return ModelSpeed(model.name, problem=f"{model.unit} is {state.words}", skipped=True)
    if model.probe != "completion":
        return ModelSpeed(model.name, problem="it makes no completions", skipped=True)
    try:
        _stream(model, 1, clock)
        runs = [_stream(model, tokens, clock) for _ in range(rounds)]
    except FetchError as error:
        return ModelSpeed(model.name, problem=str(error))
    rates = [each.tokens_per_sec for each in runs if each.tokens_per_sec is not None]
    return ModelSpeed(
        model.name,
        first_token_sec=round(median(each.first_token_sec for each in runs), 4),
        tokens_per_sec=round(median(rates), 1) if rates else None,
        tokens=max(each.tokens for each in runs),
    )


def _stream(model: Model, tokens: int, clock: Callable[[], float]) -> _Run:
    # A beginning of its own, or the prefix cache would answer for the model.
    prompt = f"{time.time_ns()} " + _SUBJECT * 12
    wish = {
        "model": model.served_name,
        "prompt": prompt,
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }
    began = clock()
    first = last = None
    pieces = 0
    counted: int | None = None
    for event in _events(model, wish, began + REQUEST_TIMEOUT_SEC, clock):
        usage = event.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
            counted = usage["completion_tokens"]
        choices = event.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict) and choices[0].get("text"):
            last = clock()
            first = first or last
            pieces += 1
    if first is None or last is None:
        raise FetchError("it ended without a token")
    made = counted or pieces
    rate = (made - 1) / (last - first) if made > 1 and last > first else None
    return _Run(first - began, rate, made)


def _events(
    model: Model, wish: object, deadline: float, clock: Callable[[], float]
) -> Iterator[dict[str, object]]:
    """The JSON of each event of the answer. FetchError when it is no stream, or not over in time."""
    headers = {"Content-Type": "application/json", **models.authorization(model)}
    connection = http.client.HTTPConnection(models.HOST, model.port, timeout=REQUEST_TIMEOUT_SEC)
    with contextlib.closing(connection):
        try:
            connection.request("POST", "/v1/completions", json.dumps(wish), headers)
            socket = connection.sock
            response = connection.getresponse()
            if response.status != 200:
                raise FetchError(f"/v1/completions says {response.status}")
            while True:
                left = deadline - clock()
                if left <= 0:
                    raise TimeoutError
                if socket is not None:
                    socket.settimeout(left)
                line = response.readline(1024 * 1024)
                if not line:
                    return
                kind, _, text = line.decode(errors="replace").partition(":")
                if kind != "data" or text.strip() == "[DONE]":
                    continue
                event = json.loads(text)
                if isinstance(event, dict):
                    yield event
        except TimeoutError:
            raise FetchError(f"no complete answer within {REQUEST_TIMEOUT_SEC:g} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchError(f"{type(error).__name__}: {error}") from None
