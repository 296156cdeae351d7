"""Weights that the model's own account may not read are named before the model starts."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from citadel_node.storage.readable import Reader, refusals

PROGRAM = "/opt/citadel/scripts/storage_manager.py"
OTHER = 65_534


@pytest.fixture
def folder():
    """Reached by everybody, as a disk of models is; pytest's own folders are not."""
    made = Path(tempfile.mkdtemp(prefix="citadel-readable-"))
    made.chmod(0o755)
    for name in ("config.json", "model.safetensors"):
        (made / name).write_text("{}")
        (made / name).chmod(0o644)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize(
    ("mode", "groups", "refused"),
    [
        (0o600, frozenset({OTHER}), True),
        (0o640, frozenset({OTHER}), True),
        (0o640, frozenset({OTHER, os.getgid()}), False),
        # Only the first class that fits counts: a group that may less than everybody may not.
        (0o604, frozenset({os.getgid()}), True),
        (0o644, frozenset({OTHER}), False),
    ],
)
def test_a_file_is_judged_as_the_kernel_does(folder, mode, groups, refused):
    (folder / "model.safetensors").chmod(mode)
    found = refusals(folder, Reader("m", OTHER, groups))
    assert [one.partition(" ")[0] for one in found] == (["model.safetensors"] if refused else [])
    assert not refused or f"{mode:04o}" in found[0]


def test_a_closed_folder_is_named_and_not_all_that_is_in_it(folder):
    (folder / "sub").mkdir(mode=0o700)
    who = Reader("m", OTHER, frozenset({OTHER}))
    assert [one.partition(" ")[0] for one in refusals(folder, who)] == ["sub"]
    folder.chmod(0o744)
    assert [one.partition(" ")[0] for one in refusals(folder, who)] == [folder.name]
    assert refusals(folder, Reader("root", 0, frozenset())) == []


def test_the_check_of_the_storage_says_whom_and_what_to_type(host):
    host.write_settings(('"account": "citadel-model-phi3"', '"account": "nobody"'))
    done = host.run(PROGRAM, "verify-prereq")
    assert done.returncode == 1
    assert "not readable by nobody: " in done.stdout
    assert "sudo chgrp -R citadel-models " in done.stdout
