#!/usr/bin/python3 -IB
"""A live dashboard of this node in the terminal."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from citadel_node.dashboard.main import main
from citadel_node.program import run

if __name__ == "__main__":
    run(main)
