"""What tests of backups share."""

import os

# What the engine keeps for itself, and what it might keep one day; none of it is on a disk that may be carried away.
SECRET = (
    "key",
    "lock",
    "recover.sh",
    "originals/etc/shadow",
    "staging/feed/tree/home/agent0/.netrc",
    "generations/1/secrets/token",
    "generations/1/undo/accounts/shadow",
    "generations/1/undo/a.tree/home/agent0/.netrc",
    "generations/1/ways/0",
    "generations/1/bin/manifest.json",
    "generations/1/meta",
    "generations/.partial/manifest.json",
    "generations/one/manifest.json",
    "later/generations/1/manifest.json",
)


def flip(path, at):
    seen = path.stat()
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # as a disk does it: no one notices


def metrics(host):
    return host.path("/var/lib/prometheus/node-exporter/citadel-backup.prom").read_text()


def make_configuration(host):
    host.path("/opt/citadel/configs").mkdir(parents=True)
    host.path("/opt/citadel/configs/a").write_text("one")
    generation = host.path("/var/lib/citadel-iac/generations/1")
    generation.mkdir(parents=True)
    for name in ("manifest.json", "index.json.gz", "digest", "time", "who", "summary", "pinned"):
        (generation / name).write_text("{}")
    for name in SECRET:
        path = host.path(f"/var/lib/citadel-iac/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hunter2")
    (generation / "undo/link").symlink_to("hunter2")
    host.path("/var/lib/citadel-iac/current").symlink_to("generations/1")
