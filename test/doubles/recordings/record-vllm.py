"""Records how a real vLLM behaves, for test/doubles/vllm to be held against: families of metrics with their labels before and
after the first request, routes, what the API key guards, titles of processes, and how it ends.

    ENVIRONMENT/bin/python test/doubles/recordings/record-vllm.py test/doubles/recordings

ENVIRONMENT has vllm; the build for processors is made by

    uv venv ENVIRONMENT
    uv pip install --python ENVIRONMENT/bin/python --no-deps --require-hashes --requirement stacks/vllm/requirements-cpu.txt

and asks for a distribution that is called vllm: a folder vllm-VERSION+cpu.dist-info next to its own, with a METADATA file of the
lines "Metadata-Version: 2.1", "Name: vllm" and "Version: VERSION+cpu". The help next to the recordings is what
"vllm serve --help=all" lists, one line an option. Writes vllm-<version>.json. Two models of random weights are
made on the spot (a Llama of two layers, a BERT); everything listens on the loopback. Takes five to ten minutes on two cores.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tiny_models import make_models

PORT = 18123
BASE = f"http://127.0.0.1:{PORT}"
KEY = "key-of-the-recording"


def ask(path, body=None, key=KEY, method=None):
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def start(folder, log, *flags):
    vllm = Path(sys.executable).parent / "vllm"
    environment = {**os.environ, "VLLM_API_KEY": KEY, "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "VLLM_HOST_IP": "127.0.0.1"}
    words = [str(vllm), "serve", str(folder), "--host", "127.0.0.1", "--port", str(PORT), "--served-model-name", "m", "second-name"]
    server = subprocess.Popen(
        [*words, "--max-model-len", "2048", "--gpu-memory-utilization", "0.1", "--enforce-eager", *flags],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    until = time.monotonic() + 1500
    while time.monotonic() < until:
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}; see {log.name}")
        try:
            if ask("/health")[0] == 200:
                return server
        except OSError:
            pass
        time.sleep(1)
    sys.exit("the server did not answer")


def families(text):
    """Family → kind, label names with the values of those that are few, and bounds of histograms."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            found[name] = {"kind": kind, "samples": {}}
            current = name
        elif line and not line.startswith("#"):
            name, labels = re.match(r"([a-zA-Z0-9_:]+)(?:\{(.*)\})?", line).groups()
            sample = found[current]["samples"].setdefault(name, {})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                values = sample.setdefault(label, [])
                if value not in values and not current.startswith("vllm:cache_config_info"):
                    values.append(value)
    return found


def titles(pid):
    """Titles of a process's descendants, as ps shows them."""
    rows = [line.split(None, 2) for line in subprocess.check_output(["ps", "-eo", "pid,ppid,args"], text=True).splitlines()[1:]]
    below, titles_ = {str(pid)}, []
    for _ in range(4):
        for row in rows:
            if row[1] in below and row[0] not in below:
                below.add(row[0])
                titles_.append((row[2], int(row[0])))
    return titles_


def stream(answers):
    body = {"model": "m", "prompt": "hello", "max_tokens": 1900, "stream": True, "ignore_eos": True}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(BASE + "/v1/completions", data=json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            for line in answer:
                if line.strip():
                    answers.append(line.decode().strip())
    except OSError as error:
        answers.append(f"broken: {type(error).__name__}")


def end(server, act):
    """Ends a server that streams; how the stream and the process ended."""
    answers = []
    reader = threading.Thread(target=stream, args=(answers,))
    reader.start()
    while len(answers) < 30 and reader.is_alive():
        time.sleep(0.05)
    began = time.monotonic()
    act(server)
    try:
        code = server.wait(timeout=90)
    except subprocess.TimeoutExpired:
        code = "still there after 90 s"
        for _, pid in titles(server.pid):
            os.kill(pid, signal.SIGKILL)
        server.kill()
        server.wait()
    reader.join(timeout=30)
    last = [re.sub(r'.*"finish_reason":\s*("?\w+"?).*', r"finish_reason: \1", answer) for answer in answers[-2:]]
    return {"exit": code, "seconds": round(time.monotonic() - began, 1), "lastOfStream": last}


def kill_engine(server):
    pid = next(pid for title, pid in titles(server.pid) if "EngineCore" in title)
    os.kill(pid, signal.SIGKILL)


def routes():
    paths = json.loads(ask("/openapi.json")[1])["paths"]
    return {path: sorted(method.upper() for method in methods) for path, methods in sorted(paths.items())}


BODIES = {
    "/v1/completions": {"model": "m", "prompt": "hello", "max_tokens": 3},
    "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 3},
    "/v1/embeddings": {"model": "m", "input": "hello"},
    "/invocations": {"model": "m", "prompt": "hello", "max_tokens": 3},
    "/tokenize": {"model": "m", "prompt": "hello"},
    "/detokenize": {"model": "m", "tokens": [10, 11]},
    "/pooling": {"model": "m", "input": "hello"},
    "/nowhere": {"model": "m"},
    "/v1/nowhere": {"model": "m"},
}
READ = ["/health", "/ping", "/metrics", "/version", "/load", "/v1/models", "/nowhere"]


def statuses(bodies):
    with_key = {f"POST {path}": ask(path, body)[0] for path, body in bodies.items()}
    without = {f"POST {path}": ask(path, body, key=None)[0] for path, body in bodies.items()}
    for path in READ:
        with_key[f"GET {path}"] = ask(path)[0]
        without[f"GET {path}"] = ask(path, key=None)[0]
    wrong = {
        "unknown model": ask("/v1/completions", {"model": "other", "prompt": "hello"}),
        "not JSON": ask("/v1/completions", None, method="POST"),
        "x-api-key": ask("/v1/models", key=None),
    }
    return {"withKey": with_key, "withoutKey": without, "answers": {name: list(answer) for name, answer in wrong.items()}}


def keep(out, record):
    path = out / f"vllm-{record['version']}.json"
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(path, flush=True)


def main():
    out = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_models(folder)
        log = open(out / ".record.log", "w")
        server = start(folder / "chat", log)
        version = json.loads(ask("/version")[1])["version"].split("+")[0]
        record = {"version": version, "titles": sorted(re.sub(r"^(\S*/)?python\S* .*", "python", title) for title, _ in titles(server.pid))}
        record["mainCommand"] = Path(f"/proc/{server.pid}/cmdline").read_text().split("\0")[1].rsplit("/", 1)[-1]
        record["before"] = families(ask("/metrics")[1])
        record["routes"] = routes()
        record["chat"] = statuses(BODIES)
        record["models"] = [entry["id"] for entry in json.loads(ask("/v1/models")[1])["data"]]
        record["after"] = families(ask("/metrics")[1])
        keep(out, record)
        record["sigterm"] = end(server, lambda process: process.send_signal(signal.SIGTERM))
        server = start(folder / "chat", log, "--shutdown-timeout", "60")
        record["sigtermWithTimeout"] = end(server, lambda process: process.send_signal(signal.SIGTERM))
        server = start(folder / "chat", log)
        record["engineKilled"] = end(server, kill_engine)
        keep(out, record)
        server = start(folder / "embedding", log)
        ask("/v1/embeddings", BODIES["/v1/embeddings"])
        text = ask("/metrics")[1]
        record["embedding"] = {
            "metricsAfterOne": {
                line.split("{")[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines()
                if re.match(r"vllm:(generation_tokens_total|prompt_tokens_total|inter_token_latency_seconds_count)", line)
            },
            "routes": routes(),
            **statuses(BODIES),
        }
        server.terminate()
        record["embedding"]["exit"] = server.wait(timeout=60)
        keep(out, record)


main()
