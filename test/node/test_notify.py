"""Speaking to systemd."""

import os
import socket

import pytest
from citadel_node.notify import Notifier


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(2)
        yield channel, str(tmp_path / "notify")


def test_outside_of_systemd_nothing_is_said():
    notifier = Notifier({})
    assert not notifier.ready("x")
    assert not notifier.alive()
    assert notifier.interval_sec is None


def test_ready_carries_the_status_in_one_message(manager):
    channel, path = manager
    assert Notifier({"NOTIFY_SOCKET": path}).ready("serving\nall")
    assert channel.recv(999) == b"READY=1\nSTATUS=serving all"


def test_alive_status_and_stopping(manager):
    channel, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path})
    notifier.alive()
    notifier.status("x")
    notifier.stopping()
    assert [channel.recv(99) for _ in range(3)] == [b"WATCHDOG=1", b"STATUS=x", b"STOPPING=1"]


def test_an_abstract_socket():
    name = f"citadel-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(2)
        assert Notifier({"NOTIFY_SOCKET": "@" + name}).alive()
        assert channel.recv(99) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_is_no_error(tmp_path):
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).alive()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
    ],
)
def test_the_watchdog_wants_to_hear_twice_within_its_time(environment, seconds):
    assert Notifier(environment).interval_sec == seconds
