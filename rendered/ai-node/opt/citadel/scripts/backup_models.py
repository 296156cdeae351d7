#!/usr/bin/python3 -IB
"""Backs up models to the backup disk."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from citadel_node.backups.models_main import main
from citadel_node.program import run

if __name__ == "__main__":
    run(main)
