"""Files that people bring: what they really are, and where they lie. Knows no entity and no Flask.

A file lies under its own digest outside of everything that is served by itself: the same file is kept once, no name
that somebody chose becomes a path, and a copy of the folder is a copy of all of them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import IO, Any

from app.kernel.declare import N_, Choice

# The header tells how large a picture unfolds, before anything of it does.
MOST_PIXELS = 120_000_000
_CHUNK = 2**20
_COMING = 60  # seconds from a file's coming until it is written down to whom it belongs

NO_FILE = N_("Choose a file: a PDF, or photographs of the pages.")
EMPTY = N_("The file is empty. Scan or photograph the paper again.")
TOO_LARGE = N_("The file is larger than %(most)d MB. Scan it at 200–300 dpi, or attach its pages one by one.")
HEIC = N_(
    "This is a photograph in the HEIC format, which other computers do not open. In the telephone’s camera settings "
    "choose “Most compatible” and take it again, or send it to yourself as a JPEG."
)
OTHER_KIND = N_("Only PDF, JPEG and PNG are taken. Save the paper as one of these.")
BROKEN = N_("The file is damaged or not complete. Scan or photograph the paper again.")
TOO_MANY_PIXELS = N_("The picture is too large to be opened safely. Scan it at 200–300 dpi.")
NO_ROOM = N_("The file could not be written to the server’s disk. Tell the administrator; nothing was attached.")


class FileKind(Choice):
    """What is taken, found out by what the file begins with and never by its name."""

    PDF = N_("PDF document")
    JPEG = N_("JPEG picture")
    PNG = N_("PNG picture")

    @property
    def mimetype(self) -> str:
        return "application/pdf" if self is FileKind.PDF else f"image/{self.name.lower()}"


class NotTaken(Exception):
    """The file is refused: why, as a message to translate, and what fills its places."""

    def __init__(self, reason: str, **facts: int) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True)
class Kept:
    """A file that lies in its place."""

    digest: str
    kind: FileKind
    size: int


def folder_of(config: Mapping[str, Any]) -> Path:
    """Where an installation keeps what people bring."""
    return Path(config["RYADOM_DATA"]) / "files"


def path_of(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest[2:]


def keep(folder: Path, stream: IO[bytes], most: int) -> Kept:
    """Look through the file, and put it whole and for good in its place. :class:`NotTaken` when it may not stay."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".coming-")
    except OSError:
        raise NotTaken(NO_ROOM) from None
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = _copy(stream, file, most)
        kind = _sniffed(aside)
        place = path_of(folder, digest)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(aside, place)
        _settle(place.parent)
        return Kept(digest, kind, size)
    except OSError:
        raise NotTaken(NO_ROOM) from None
    finally:
        aside.unlink(missing_ok=True)


def drop(folder: Path, digests: Iterable[str]) -> None:
    """Delete files that nothing refers to any more.

    Not one that has just come: whoever attaches the same file this minute may not have written so yet.
    """
    for digest in digests:
        place = path_of(folder, digest)
        with suppress(OSError):  # gone already
            if time() - place.stat().st_mtime > _COMING:
                place.unlink()


def _copy(stream: IO[bytes], file: IO[bytes], most: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise NotTaken(TOO_LARGE, most=most // 2**20)
        digest.update(chunk)
        file.write(chunk)
    if not size:
        raise NotTaken(EMPTY)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest(), size


def _settle(folder: Path) -> None:
    """The name of a new file is a change of its folder: that, too, must outlive a power cut."""
    with suppress(OSError, AttributeError):  # where folders cannot be opened, the system does it by itself
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sniffed(path: Path) -> FileKind:
    with path.open("rb") as file:
        head = file.read(1024)
    if head[:3] == b"\xff\xd8\xff":
        return _picture(path, FileKind.JPEG)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return _picture(path, FileKind.PNG)
    if b"%PDF-" in head:
        if b"%%EOF" not in path.read_bytes():  # a download or a scan that broke off
            raise NotTaken(BROKEN)
        return FileKind.PDF
    heif = head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"mif1",
        b"msf1",
        b"avif",
    )
    raise NotTaken(HEIC if heif else OTHER_KIND)


def _picture(path: Path, kind: FileKind) -> FileKind:
    """Whether it opens as what it says it is: by its checksums, or at an eighth of its size, never whole in memory."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound is ours
            with Image.open(path, formats=(kind.name,)) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise NotTaken(TOO_MANY_PIXELS)
                if kind is FileKind.PNG:
                    picture.verify()
                else:
                    picture.draft("L", (picture.width // 8 or 1, picture.height // 8 or 1))
                    picture.load()
    except NotTaken:
        raise
    except Image.DecompressionBombError:
        raise NotTaken(TOO_MANY_PIXELS) from None
    except Exception:  # whatever a broken or hostile picture makes the library say
        raise NotTaken(BROKEN) from None
    return kind
