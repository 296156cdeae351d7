#!/usr/bin/python3 -IB
"""Fetches the weights of one model, as its file of wanted weights says."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from citadel_node.program import run
from citadel_node.weights.main import main

if __name__ == "__main__":
    run(main)
