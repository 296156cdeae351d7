"""Asking models, through servers' doubles."""

import dataclasses
import socket
import threading
import time

import pytest
from citadel_node import fetch, models, settings


@pytest.fixture
def phi3(host):
    host.activate("citadel-phi3.service")
    return settings.load().models["phi3"]


def test_well(host, phi3):
    assert models.health(phi3).ok
    assert models.probe(phi3).ok
    assert host.servers["phi3"].requests == ["GET /health", "POST /v1/completions"]


def test_a_model_without_completions_is_asked_for_its_list(host):
    host.activate("citadel-vision.service")
    assert models.probe(settings.load().models["vision"]).ok
    assert host.servers["vision"].requests == ["GET /v1/models"]


def test_an_embedding_model_is_asked_for_an_embedding(host, phi3):
    host.servers["phi3"].embeds = True
    assert models.probe(dataclasses.replace(phi3, probe="embedding")).ok
    assert host.servers["phi3"].requests == ["POST /v1/embeddings"]


def test_the_wrong_kind_of_probe_is_said(host, phi3):
    assert models.probe(dataclasses.replace(phi3, probe="embedding")).detail == (
        "/v1/embeddings says 404: not an embedding model? Set probe: completion in the inventory"
    )
    host.servers["phi3"].embeds = True
    assert models.probe(phi3).detail == (
        "/v1/completions says 404: an embedding model? Set probe: embedding in the inventory"
    )


def test_not_listening(phi3):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = models.health(dataclasses.replace(phi3, port=port))
    assert (answer.ok, answer.detail) == (False, f"nothing listens on 127.0.0.1:{port}")


def test_unwell(host, phi3):
    host.servers["phi3"].status = 503
    assert models.health(phi3).detail == "/health says 503"


def test_wedged(host, phi3):
    host.servers["phi3"].wedged = True
    assert models.health(phi3).ok
    answer = models.probe(phi3, 0.5)
    assert (answer.ok, answer.detail) == (False, "no answer within 0.5 s")


def test_one_deadline_for_a_server_that_drips(host, phi3):
    host.servers["phi3"].drip = True
    begun = time.monotonic()
    assert models.health(phi3, 1.0).detail == "no answer within 1 s"
    assert time.monotonic() - begun < 1.5


def test_the_key_is_sent_and_a_missing_one_is_said(host, phi3, tmp_path):
    key = tmp_path / "key"
    locked = dataclasses.replace(phi3, api_key_file=key)
    assert "cannot be read: No such file" in models.probe(locked).detail
    key.write_text("secret\n")
    assert models.authorization(locked) == {"Authorization": "Bearer secret"}
    assert models.probe(locked).ok


def test_a_service_reads_the_key_from_its_credentials_without_sudo(host, phi3, tmp_path, monkeypatch):
    root_only = tmp_path / "etc" / "phi3-api-key"
    locked = dataclasses.replace(phi3, api_key_file=root_only)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "phi3-api-key").write_text("handed over\n")
    host.refuse_sudo()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert models.authorization(locked) == {"Authorization": "Bearer handed over"}
    # Of a model that came later, there is none yet.
    (credentials / "phi3-api-key").unlink()
    with pytest.raises(fetch.FetchError, match="cannot be read"):
        models.authorization(locked)


def answering(*parts):
    """A server that sends these bytes and keeps the connection open."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = server.accept()
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
        time.sleep(5)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/x"


def test_answers_that_end_without_the_connection():
    assert fetch.fetch(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"), 2).body == b"ok"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert fetch.fetch(answering(chunked), 2).body == b"ok"


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n"],
)
def test_what_is_not_http(said):
    with pytest.raises(fetch.FetchError):
        fetch.fetch(answering(said), 0.5)


def test_too_much():
    with pytest.raises(fetch.FetchError, match="more than 100 bytes"):
        fetch.fetch(answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200), 2, limit=100)


def test_not_a_url():
    with pytest.raises(fetch.FetchError, match="not an http:// URL"):
        fetch.fetch("file:///etc/passwd", 1)
