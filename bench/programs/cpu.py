"""Runs a program and says what it cost: `cpu.py FILE PROGRAM ARGUMENT...`.

FILE gets JSON: seconds of wall clock and of processor time (user and system, all children that were waited
for), and the peak memory of the largest process in MiB.
"""

import json
import resource
import subprocess
import sys
import time

start = time.monotonic()
status = subprocess.run(sys.argv[2:], check=False).returncode
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}, file)
sys.exit(status if status >= 0 else 128 - status)
