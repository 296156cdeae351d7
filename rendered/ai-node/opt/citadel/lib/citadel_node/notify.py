"""What a service tells systemd (sd_notify), without a library: one datagram to the socket that systemd names."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to systemd. Outside of a unit with ``Type=notify`` every call does nothing and returns False."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def ready(self, status: str) -> bool:
        return self._send("READY=1", f"STATUS={status}")

    def status(self, text: str) -> bool:
        return self._send(f"STATUS={text}")

    def alive(self) -> bool:
        """To be called more often than :attr:`interval_sec`; systemd kills a service that stays away."""
        return self._send("WATCHDOG=1")

    def stopping(self) -> bool:
        return self._send("STOPPING=1")

    @property
    def interval_sec(self) -> float | None:
        """Half of the unit's ``WatchdogSec``; None where no one watches this process."""
        pid = self._environment.get("WATCHDOG_PID")
        if pid is not None and pid != str(os.getpid()):
            return None
        try:
            wanted = int(self._environment["WATCHDOG_USEC"])
        except (KeyError, ValueError):
            return None
        return wanted / 2_000_000 if wanted > 0 else None

    def _send(self, *lines: str) -> bool:
        address = self._environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return False
        # A leading @ stands for the zero byte of an address that is not in the file system.
        target = "\0" + address[1:] if address.startswith("@") else address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                # Not for ever: a manager that does not read must not stop the work.
                channel.settimeout(1.0)
                channel.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), target)
        except OSError:
            return False
        return True
