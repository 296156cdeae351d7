"""Where weights come from: a web server (the hub is one) or a folder. What was begun is continued, whatever cut it off."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote, urlsplit

from citadel_node.output import size_text
from citadel_node.program import ProgramError
from citadel_node.weights.wanted import Wanted, WantedFile

BLOCK = 1 << 20
# Seconds without a byte, after which a connection counts as cut.
_SILENCE_SEC = 60
# Seconds before the next try where none of them brought a byte. Then the run ends, and the timer begins another.
PAUSES = (1, 5, 15, 30, 60)

Progress = Callable[[int], None]


class _Cut(Exception):
    """The connection ended early, or there was none; what came is kept."""


class Reading(Protocol):
    """What both an answer and a file can do."""

    def read(self, amount: int, /) -> bytes: ...


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the source alone, and nothing ever from an encrypted connection to an open one."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if before.scheme == "https" and after.scheme != "https":
            raise ProgramError(f"{req.full_url} leads to {newurl}, unencrypted", "Look at the source.")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if following is not None and token is not None and before[:2] == after[:2]:
            following.add_unredirected_header("Authorization", token)
        return following


class Source:
    """Gets files of one source, no faster than its limit."""

    def __init__(self, wanted: Wanted, token: str | None, progress: Progress) -> None:
        self._wanted = wanted
        self._token = token
        self._progress = progress
        self._opener = urllib.request.build_opener(_Redirects)
        self._begun = time.monotonic()
        self._bytes = 0

    def fetch(self, one: WantedFile, part: Path) -> None:
        """Makes `part` the whole file, from where it ends. Raises ProgramError; what came so far stays."""
        fruitless = 0
        again = True
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                self._fetch(one, part)
            except _Cut as cut:
                if part.exists() and part.stat().st_size > before:
                    fruitless = 0
                if fruitless >= len(PAUSES):
                    raise ProgramError(
                        f"{one.path}: {cut}",
                        f"Is {urlsplit(self._wanted.base).hostname} reached? It is tried again within the hour.",
                    ) from cut
                time.sleep(PAUSES[fruitless])
                fruitless += 1
                continue
            if sum_of(part) == one.sha256:
                return
            part.unlink()
            if not again:
                raise ProgramError(
                    f"{one.path} has other bytes than the lock file says",
                    "Has the source changed? Look, then: citadel-iac models lock, and apply.",
                )
            # Once: a server that does not continue where it was asked to gives the same picture.
            again = False

    def _fetch(self, one: WantedFile, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        if have > one.size:
            part.unlink()
            have = 0
        if have == one.size and have > 0:
            return
        if self._wanted.kind == "folder":
            with open(Path(self._wanted.base) / one.path, "rb") as file:
                file.seek(have)
                self._copy(file, part, one, have)
            return
        answer = self._ask(one, have)
        with answer:
            continued = answer.status == 206 and _begins_at(answer.headers.get("Content-Range"), have)
            if have > 0 and not continued:
                os.truncate(part, 0)
                have = 0
            self._copy(answer, part, one, have)

    def _ask(self, one: WantedFile, have: int) -> Any:
        request = urllib.request.Request(
            self._wanted.base + quote(one.path), headers={"User-Agent": "citadel"}
        )
        if have > 0:
            request.add_header("Range", f"bytes={have}-")
        if self._token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            return self._opener.open(request, timeout=_SILENCE_SEC)
        except urllib.error.HTTPError as error:
            with error:
                said = _words(error)
                words = f"the server answers {error.code}{f': {said}' if said else ''}"
            if error.code == 429 or error.code >= 500:
                raise _Cut(words) from error
            fixes = {
                401: "Accept its conditions on its page, and give a token: weights.token.",
                403: "Accept its conditions on its page, with the account whose token weights.token is.",
                404: "Has the source lost it? Look, then: citadel-iac models lock, and apply.",
            }
            raise ProgramError(
                f"{one.path}: {words}", fixes.get(error.code, "Look at the source.")
            ) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise _Cut(str(getattr(error, "reason", "")) or str(error) or type(error).__name__) from error

    def _copy(self, origin: Reading, part: Path, one: WantedFile, have: int) -> None:
        with open(part, "ab") as file:
            while have < one.size:
                try:
                    block = origin.read(min(BLOCK, one.size - have))
                except (http.client.HTTPException, OSError) as error:
                    raise _Cut(f"the connection was cut: {error}") from error
                if not block:
                    raise _Cut(f"it ended after {size_text(have)} of {size_text(one.size)}")
                file.write(block)
                have += len(block)
                self._progress(len(block))
                self._rest(len(block))
            # An empty file is there as well.
            file.flush()
            os.fsync(file.fileno())

    def _rest(self, amount: int) -> None:
        limit = self._wanted.bytes_per_sec
        self._bytes += amount
        if limit is not None:
            time.sleep(max(0.0, self._bytes / limit - (time.monotonic() - self._begun)))


def sum_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _begins_at(content_range: str | None, have: int) -> bool:
    return content_range is not None and content_range.startswith(f"bytes {have}-")


def _words(error: urllib.error.HTTPError) -> str:
    """In the server's own words; what would steer a terminal is taken out where errors are printed."""
    said = error.headers.get("X-Error-Message")
    if said is None:
        try:
            said = json.loads(error.read(65536))["error"]
        except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
            return ""
    return " ".join(str(said).split())[:300]
