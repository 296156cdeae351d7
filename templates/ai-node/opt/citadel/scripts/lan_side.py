#!/usr/bin/python3 -IB
"""Closes the LAN side of a model (new requests are told to come again; those that are under way go on), and opens it.

Where gateways ask for /health, it fails there first, and new requests are still served until they had time to notice.
"""

import argparse
import os
import socket
import sys
import time

SOCKET = "/run/citadel-lan/admin.sock"
STATES = {"close": "maint", "open": "ready"}
# Gateways ask every second, and believe the second answer.
NOTICE_SEC = 3.0


def tell(command: str) -> str | None:
    """One command for the proxy; returns what it says, which is nothing when it is done, and None where it does not run."""
    pieces = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(2.0)
        try:
            link.connect(os.environ.get("CITADEL_LAN_SOCKET") or SOCKET)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        link.sendall(f"{command}\n".encode())
        while piece := link.recv(4096):
            pieces.append(piece)
    return b"".join(pieces).decode(errors="replace").strip()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="exit status: 0 done, or there is no LAN side at the moment, 1 refused, 2 usage",
    )
    parser.add_argument("what", choices=sorted(STATES))
    parser.add_argument("model", help="name of the model")
    options = parser.parse_args()
    state = STATES[options.what]
    try:
        # A backend that only gateways have; without them the proxy says that there is none.
        noticed = tell(f"set server {options.model}-ready/{options.model} state {state}") == ""
        if noticed and options.what == "close":
            time.sleep(NOTICE_SEC)
        said = tell(f"set server {options.model}/{options.model} state {state}")
    except PermissionError:
        said = f"only root may ask it: sudo {' '.join(sys.argv)}"
    except OSError as error:
        said = f"it does not answer: {error.strerror or error} (journalctl -u citadel-lan)"
    if said:
        print(f"the LAN side: {said}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
