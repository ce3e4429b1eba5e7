"""Files that people bring: what is taken, what is refused and why, and how they are kept."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.kernel import files
from app.kernel.files import FileKind, NotTaken

MOST = 2**20
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(kind: str, size: tuple[int, int] = (60, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#eee").save(out, kind)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A picture of a few bytes that says it unfolds into that many points a side."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def keep(folder: Path, data: bytes, most: int = MOST) -> files.Kept:
    return files.keep(folder, io.BytesIO(data), most)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, FileKind.PDF),
        (b"\n\n" + PDF, FileKind.PDF),  # some scanners write before the heading
        (picture("JPEG"), FileKind.JPEG),
        (picture("PNG"), FileKind.PNG),
    ],
)
def test_a_file_lies_whole_under_its_digest(tmp_path: Path, data: bytes, kind: FileKind) -> None:
    kept = keep(tmp_path / "files", data)
    assert kept == files.Kept(hashlib.sha256(data).hexdigest(), kind, len(data))
    path = files.path_of(tmp_path / "files", kept.digest)
    assert path.read_bytes() == data
    assert keep(tmp_path / "files", data) == kept
    assert [one for one in (tmp_path / "files").rglob("*") if one.is_file()] == [path], "once, and nothing aside"
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", files.EMPTY),
        (b"<html><script>alert(1)</script>", files.OTHER_KIND),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', files.OTHER_KIND),
        (b"PK\x03\x04" + bytes(100), files.OTHER_KIND),
        (b"GIF89a" + bytes(100), files.OTHER_KIND),
        (b"\0\0\0\x18ftypheic" + bytes(100), files.HEIC),
        (b"\0\0\0\x18ftypmif1" + bytes(100), files.HEIC),
        (PDF.replace(b"%%EOF", b""), files.BROKEN),
        (picture("JPEG", (600, 400))[:-300], files.BROKEN),
        (picture("PNG", (600, 400))[:-20], files.BROKEN),
        (picture("PNG").replace(b"IDAT", b"JDAT"), files.BROKEN),
        (b"\xff\xd8\xff\xe0 not a picture", files.BROKEN),
        (bomb(40_000), files.TOO_MANY_PIXELS),
        (bomb(200_000), files.TOO_MANY_PIXELS),
        (PDF + bytes(MOST), files.TOO_LARGE),
    ],
)
def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(NotTaken) as refused:
        keep(tmp_path, data)
    assert refused.value.reason == reason
    assert list(tmp_path.iterdir()) == []
    assert reason % refused.value.facts if refused.value.facts else "%" not in reason


def test_a_photograph_of_a_usual_size_is_taken(tmp_path: Path) -> None:
    assert keep(tmp_path, picture("JPEG", (8000, 6000)), 20 * MOST).kind is FileKind.JPEG


def test_without_room_on_the_disk_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotTaken) as refused:
        keep(tmp_path, PDF)
    assert refused.value.reason == files.NO_ROOM
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_in_its_place_only_when_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written, flushed to the disk, renamed, and the folder flushed: in this order."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda old, new: (steps.append("replace"), replace(old, new)))
    keep(tmp_path, PDF)
    assert steps == ["fsync", "replace", "fsync"]
