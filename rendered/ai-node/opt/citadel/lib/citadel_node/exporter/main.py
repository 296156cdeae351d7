"""The program: options, routes, sockets, and the loop that keeps systemd's watchdog quiet."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial

from citadel_node import settings as settings_module
from citadel_node.exporter.catalogue import CATALOGUE, PAGES
from citadel_node.exporter.collectors import collectors
from citadel_node.exporter.expose import CONTENT_TYPE_LATEST, expose, expose_process, process_registry
from citadel_node.exporter.runner import Runner, page_samples
from citadel_node.exporter.server import Answer, Routes, Server, spelled
from citadel_node.notify import Notifier
from citadel_node.program import ProgramError

#: Seconds without a round of an accepting loop until the watchdog is no longer told that all is well.
STALLED_SEC = 20.0


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = settings_module.load()
    metrics_port = settings.exporter.port if options.port is None else options.port
    health_port = settings.exporter.health_port if options.health_port is None else options.health_port
    addresses = list(dict.fromkeys(options.listen or ["127.0.0.1"]))
    if options.once:
        return _once(settings)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A stack in the kernel's default size costs nothing until it is used, but eight MiB each look bad in `ps`.
    threading.stack_size(512 * 1024)
    models = list(settings.models)
    runners = [
        Runner(each, _say, delay_sec=_delay(each.name, models, settings.exporter.probe_interval_sec))
        for each in collectors(settings)
    ]
    servers: list[Server] = []
    for address in addresses:
        servers.append(listen(address, metrics_port, metric_routes(runners)))
        servers.append(listen(address, health_port, health_routes(runners)))
    for runner in runners:
        runner.start()
    for server in servers:
        server.start()
    notifier = Notifier()
    where = " ".join(f"{spelled(address)}:{metrics_port}+{health_port}" for address in addresses)
    _say(f"serving on {where}")
    notifier.ready(f"serving on {where}")
    pause = min(5.0, notifier.interval_sec or 5.0)
    while not stop.wait(pause):
        oldest = min(server.last_round for server in servers)
        if time.monotonic() - oldest < STALLED_SEC:
            notifier.alive()
    notifier.stopping()
    return 0


def metric_routes(runners: Sequence[Runner]) -> Routes:
    process = process_registry()

    def page(name: str | None) -> Answer:
        body = expose(page_samples(runners, name, lambda metric: CATALOGUE[metric].page, time.time()))
        if name is None:
            body += expose_process(process)
        return Answer(200, CONTENT_TYPE_LATEST, body)

    pages: dict[str, str | None] = {"/metrics": None, **{f"/metrics/{name}": name for name in PAGES}}
    return {path: partial(page, name) for path, name in pages.items()}


def health_routes(runners: Sequence[Runner]) -> Routes:
    def ready() -> Answer:
        waiting = sorted(runner.collector.name for runner in runners if runner.snapshot() is None)
        return Answer.of_json(503 if waiting else 200, {"ready": not waiting, "waiting_for": waiting})

    return {"/health": lambda: Answer.of_json(200, {"status": "ok"}), "/ready": ready}


def _once(settings: settings_module.Settings) -> int:
    """Each collector once, the result on standard output."""
    runners = [Runner(each, _say) for each in collectors(settings)]
    threads = [threading.Thread(target=runner.run_once, daemon=True) for runner in runners]
    for thread in threads:
        thread.start()
    for thread, runner in zip(threads, runners, strict=True):
        thread.join(runner.collector.deadline_sec)
    samples = page_samples(runners, None, lambda metric: CATALOGUE[metric].page, time.time())
    sys.stdout.write(expose(samples).decode())
    return 0


def _delay(name: str, models: Sequence[str], interval: float) -> float:
    """Probes are spread over a third of their interval, so that seven models are not asked in the same moment."""
    model = name.removeprefix("model/")
    if model == name or model not in models:
        return 0.0
    return models.index(model) * interval / 3 / len(models)


def listen(address: str, port: int, routes: Routes) -> Server:
    try:
        return Server(address, port, routes)
    except OSError as error:
        raise ProgramError(
            f"cannot listen on {spelled(address)}:{port}: {error.strerror or error}",
            f"Look who does: ss -ltnp 'sport = :{port}'",
        ) from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="citadel-metrics-exporter",
        description="Serves this node's metrics: /metrics and /metrics/{"
        + ",".join(PAGES)
        + "}; /health and /ready on a port of their own.",
    )
    parser.add_argument(
        "--listen",
        action="append",
        metavar="ADDRESS",
        help="address to listen on, may be repeated (default 127.0.0.1)",
    )
    parser.add_argument("--port", type=int, help="port of /metrics (default: from the settings)")
    parser.add_argument(
        "--health-port", type=int, help="port of /health and /ready (default: from the settings)"
    )
    parser.add_argument("--once", action="store_true", help="measure once, print the metrics and end")
    return parser
