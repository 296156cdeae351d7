#!/usr/bin/python3 -IB
"""Compares this host with what was deployed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from citadel_node.drift import main
from citadel_node.program import run

if __name__ == "__main__":
    run(main)
