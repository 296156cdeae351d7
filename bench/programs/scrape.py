"""Scrapes a URL again and again, each time over a connection of its own, and prints the times as JSON (milliseconds).

Runs on a lab host: scrape.py HOST PORT PATH COUNT PAUSE_SECONDS
"""

import http.client
import json
import sys
import time

host, port, path, count, pause = (
    sys.argv[1],
    int(sys.argv[2]),
    sys.argv[3],
    int(sys.argv[4]),
    float(sys.argv[5]),
)
times = []
size = 0
for _ in range(count):
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    size = len(response.read())
    connection.close()
    times.append((time.perf_counter() - began) * 1000)
    if response.status != 200:
        sys.exit(f"{path} says {response.status}")
    time.sleep(pause)
times.sort()


def rank(share: float) -> float:
    """Nearest rank: the time that this share of the scrapes needed at most."""
    return times[min(len(times) - 1, max(0, -(-int(share * 1000 * len(times)) // 1000) - 1))]


print(json.dumps({"count": count, "bytes": size, "p50": rank(0.5), "p99": rank(0.99), "max": times[-1]}))
