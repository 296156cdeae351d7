#!/usr/bin/python3 -IB
"""Looks at disks, directories, links and weights, and fixes what is ours."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from citadel_node.program import run
from citadel_node.storage.main import main

if __name__ == "__main__":
    run(main)
