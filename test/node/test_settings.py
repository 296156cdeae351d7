"""The settings file: never executed, every mistake with file, line and key."""

import random
from pathlib import Path

import pytest
from citadel_node import settings
from citadel_node.settings import SettingsError

EXAMPLE = Path(__file__).parent / "support/storage_settings.py"
TEXT = EXAMPLE.read_text()


def load(tmp_path, text):
    file = tmp_path / "settings.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings.load(file)


def test_the_example():
    found = settings.load(EXAMPLE)
    assert list(found.models) == ["mixtral", "phi3", "vision"]
    assert found.models["mixtral"].gpus == (0, 1)
    assert [model.name for model in found.boot_models()] == ["mixtral", "phi3"]
    assert found.directories[0].mode == 0o755
    assert found.mounts[1].size_gib is None
    assert found.backup.daily == settings.Retention(7, 108000)
    assert found.mount_of(Path("/mnt/citadel-models/active/phi3")) == found.mounts[0]
    assert found.mount_of(Path("/opt/citadel")) is None


def test_the_environment_names_the_file(monkeypatch):
    monkeypatch.setenv("CITADEL_SETTINGS", str(EXAMPLE))
    assert settings.load().file == EXAMPLE
    monkeypatch.delenv("CITADEL_SETTINGS")
    assert settings.settings_file() == Path("/opt/citadel/configs/storage_settings.py")


WRONG = [
    ("", r"NODE, PATHS, .*, DEPLOY missing"),
    ("import os\n", r":1: only `NAME = value` lines may stand here"),
    ("x = \n", r":1: not Python: invalid syntax"),
    (b"\xff\xfe", r"is not a text in Python"),
    (b"x = '\0'", r"null byte|not a text"),
    (
        TEXT.replace('"port": 11403', '"port": 11400'),
        r'MODELS\["phi3"\]\["port"\] is 11400, which mixtral has already',
    ),
    (TEXT.replace('"port": 11403', '"port": "11403"'), r"must be a whole number, not str '11403'"),
    (TEXT.replace('"port": 11403', '"port": True'), r"must be a whole number, not bool 'True'"),
    (TEXT.replace('"port": 11403', '"port": 70000'), r"must be between 1 and 65535, not 70000"),
    (TEXT.replace('"port": 11403', '"port": int("1")'), r"is not a plain value"),
    (TEXT.replace('"start": "manual"', '"start": "never"'), r"must be one of boot, manual, not 'never'"),
    (TEXT.replace('"mode": "0755"', '"mode": "rwx"'), r"must be an octal mode such as"),
    (TEXT.replace('"root": "/opt/citadel"', '"root": "opt"'), r'PATHS\["root"\] must be an absolute path'),
    (TEXT.replace('"citadel-ai.target"', '"citadel-ai; reboot"'), r'UNITS\["all"\] must be a unit'),
    (TEXT.replace('"first_model": "phi3"', '"first_model": "phi4"'), r"names 'phi4', which is not in MODELS"),
    (TEXT.replace('"http://192.168.10.36:9090"', '"ftp://x"'), r"must be an http:// or https:// URL"),
    (TEXT.replace('"warning": 83.0', '"warning": 99.0'), r"warns at 99, after it is critical at 90"),
    (TEXT.replace('    "phi3": {', '    "ph i3": {'), r"is not a name"),
    (TEXT.replace('    "phi3": {', '    "mixtral": {'), r"MODELS has 'mixtral' twice"),
    (TEXT.replace("MOUNTS = [", "MOUNTS = 3\nREST = ["), r"MOUNTS must be a list"),
    (TEXT + "\nNODE = 1\n", r"NODE is there twice"),
    (TEXT.replace('"account": "agent0"', '"account": ""'), r'NODE\["account"\] is empty'),
    (
        TEXT.replace(', "account": "agent0"', ', "no": "agent0"'),
        r'NODE has no "account"',
    ),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=[words for _, words in WRONG])
def test_every_mistake_has_a_place(text, words, tmp_path):
    with pytest.raises(SettingsError, match=words) as error:
        load(tmp_path, text)
    assert str(tmp_path / "settings.py") in error.value.what
    assert "inventory" in error.value.fix or not error.value.fix


def test_the_line_is_the_one_of_the_value(tmp_path):
    line = next(at for at, one in enumerate(TEXT.splitlines(), 1) if '"port": 11403' in one)
    with pytest.raises(SettingsError, match=rf":{line}: "):
        load(tmp_path, TEXT.replace('"port": 11403', '"port": -1'))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="does not exist"):
        settings.load(tmp_path / "none.py")


def test_nothing_is_executed(tmp_path):
    trap = tmp_path / "executed"
    for text in (
        f"open({str(trap)!r}, 'w')\n",
        f"NODE = open({str(trap)!r}, 'w')\n",
        f"@open({str(trap)!r},'w')\ndef f(): 0\n",
    ):
        with pytest.raises(SettingsError):
            load(tmp_path, text)
    assert not trap.exists()


def test_deep_nesting_is_refused_and_not_followed(tmp_path):
    with pytest.raises(SettingsError):
        load(tmp_path, "NODE = " + "[" * 5000 + "]" * 5000)


def test_damage_anywhere_is_a_settings_error_or_harmless(tmp_path):
    """Any few bytes of the file replaced: either it still loads, or it is refused in words."""
    chance = random.Random(20)
    data = TEXT.encode()
    for _ in range(400):
        at = chance.randrange(len(data))
        damaged = (
            data[:at] + bytes(chance.randrange(256) for _ in range(chance.randrange(4))) + data[at + 1 :]
        )
        try:
            load(tmp_path, damaged)
        except SettingsError:
            continue


def test_a_cut_file_is_refused(tmp_path):
    for at in range(0, len(TEXT) - 60, 97):
        with pytest.raises(SettingsError):
            load(tmp_path, TEXT[:at])
