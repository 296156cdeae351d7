"""The exporter's server and its pages."""

import http.client
import json
import re
import time

import pytest
from citadel_node.exporter import main
from citadel_node.exporter.catalogue import PAGES
from citadel_node.exporter.runner import Collector, Result, Runner
from citadel_node.exporter.server import MOST_CONNECTIONS, Answer, Server
from citadel_node.program import ProgramError


def get(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


class TestServer:
    @pytest.fixture
    def serve(self):
        servers = []

        def start(routes):
            server = Server("127.0.0.1", 0, routes)
            servers.append(server)
            server.start()
            return server.port

        yield start
        for server in servers:
            server.shutdown()
            server.server_close()

    def test_pages_and_what_is_not_there(self, serve):
        port = serve({"/metrics": lambda: Answer(200, "text/plain", b"x 1\n")})
        assert get(port, "/metrics") == (200, b"x 1\n")
        assert get(port, "/metrics/?a=b") == (200, b"x 1\n")
        assert get(port, "/metrics", "HEAD") == (200, b"")
        status, body = get(port, "/other")
        assert status == 404
        assert b"/metrics" in body

    def test_more_connections_than_allowed_are_closed_and_the_next_ones_served(self, serve):
        port = serve({"/metrics": lambda: Answer(200, "text/plain", b"x 1\n")})
        held = [http.client.HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(MOST_CONNECTIONS)]
        for connection in held:
            connection.request("GET", "/metrics")
            connection.getresponse().read()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            get(port, "/metrics")
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 5
        while True:
            try:
                assert get(port, "/metrics")[0] == 200
                return
            except (ConnectionError, http.client.HTTPException):
                assert time.monotonic() < deadline

    @pytest.mark.parametrize("address", ["192.0.2.77", "2001:db8::77"])
    def test_an_address_that_is_not_there_yet_can_be_listened_on(self, address):
        server = Server(address, 0, {})
        server.server_close()

    @pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
    def test_a_port_that_is_taken_is_named_with_its_address(self, address, shown):
        first = Server(address, 0, {})
        try:
            with pytest.raises(ProgramError, match=re.escape(f"cannot listen on {shown}:{first.port}: ")):
                main.listen(address, first.port, {})
        finally:
            first.server_close()


class TestPages:
    def runner(self, page, done):
        runner = Runner(Collector(page, page, lambda: Result([]), 1.0, 5.0), lambda _text: None)
        if done:
            runner.run_once()
        return runner

    def test_ready_when_every_collector_has_run(self):
        routes = main.health_routes([self.runner("gpu", True), self.runner("system", False)])
        answer = routes["/ready"]()
        assert (answer.status, json.loads(answer.body)) == (503, {"ready": False, "waiting_for": ["system"]})
        assert main.health_routes([self.runner("gpu", True)])["/ready"]().status == 200
        assert routes["/health"]().status == 200

    def test_all_pages_are_served(self):
        routes = main.metric_routes([self.runner("gpu", True)])
        assert sorted(routes) == sorted(["/metrics", *(f"/metrics/{page}" for page in PAGES)])
        assert b"process_resident_memory_bytes" in routes["/metrics"]().body
        assert b'collector="gpu"' in routes["/metrics/gpu"]().body
        assert routes["/metrics/system"]().body == b""
