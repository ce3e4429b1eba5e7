"""Makes PDF of HTML, and Word files of templates, in a process of its own, which its parent may kill.

xhtml2pdf is pure Python under one global lock, its own time limit overruns, and a hostile table may eat all
memory; none of that may happen where requests are answered. The parent writes a job, the worker writes an
answer, and so on until the parent closes the pipe or nobody prints for a while.

A job is ``kind, seconds, megabytes, length`` and what to print: HTML in UTF-8, or the path of a Word template
and its plain values, pickled. An answer is two blocks, each with its length before it: JSON with ``error`` (empty
when all went well) and ``warnings``, and the paper.
"""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

FONTS = Path(__file__).resolve().parents[1] / "static" / "fonts" / "print"
JOB = struct.Struct("!cdII")
PDF, WORD = b"P", b"W"
LENGTH = struct.Struct("!I")

IDLE_SECONDS = 300
# A worker gives its place to a fresh one now and then: caches of fonts and styles do grow.
JOBS = 200

# What a form has no business doing. The resource policy refuses it first; this is the second lock.
FORBIDDEN = frozenset(
    ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
)


class Warnings(logging.Handler):
    """Collects what xhtml2pdf complains about; the line after the complaint quotes the paper, and stays here."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().partition("\n")[0])


def to_pdf(html: str, seconds: float) -> bytes:
    """The document in HTML as PDF. Reads fonts from one directory, and nothing else from anywhere."""
    from xhtml2pdf import pisa
    from xhtml2pdf.config.resources import ResourceAccessPolicy

    policy = ResourceAccessPolicy.server(FONTS, allow_remote=False, max_render_seconds=seconds)
    out = io.BytesIO()
    pisa.pisaDocument(html, out, path=str(FONTS / "paper.html"), resource_policy=policy)
    return out.getvalue()


def to_docx(path: str, values: dict[str, Any]) -> bytes:
    """The template at this path, filled in."""
    from app.kernel.printing import fill_docx

    return fill_docx(path, values)


def bound(seconds: float, megabytes: int) -> None:
    """Bound this process for the next job, where the platform can; elsewhere only the parent's clock does."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    # A little more than the parent's patience: only for a worker whose parent has died.
    processor = int(used.ru_utime + used.ru_stime + seconds) + 10
    for what, limit in ((resource.RLIMIT_CPU, processor), (resource.RLIMIT_AS, megabytes * 2**20)):
        _, hard = resource.getrlimit(what)
        try:
            resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        except (OSError, ValueError):
            continue  # a platform that names a limit and does not keep it


def do_job(kind: bytes, data: bytes, seconds: float, megabytes: int) -> tuple[dict[str, Any], bytes]:
    """One print: what to say about it, and the paper, empty when there is something wrong."""
    warnings = Warnings()
    logger = logging.getLogger("xhtml2pdf")
    logger.handlers, logger.propagate = [warnings], False
    bound(seconds, megabytes)
    try:
        paper = to_docx(*pickle.loads(data)) if kind == WORD else to_pdf(data.decode(), seconds)
        error = ""
    except Exception as problem:
        # What and where, not the message: it may quote the paper, and a log is no place for that.
        at = traceback.extract_tb(problem.__traceback__)[-1]
        paper, error = b"", f"{type(problem).__name__} in {Path(at.filename).name}:{at.lineno}"
        if type(problem).__module__ == "jinja2.exceptions":  # a template's fault names a variable
            error = repr(problem)
    return {"error": error, "warnings": warnings.messages}, paper


def forbid(event: str, _args: tuple[Any, ...]) -> None:
    if event in FORBIDDEN:
        raise PermissionError(event)


def read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def serve(jobs: IO[bytes], answers: IO[bytes]) -> None:
    for _ in range(JOBS):
        idle = threading.Timer(IDLE_SECONDS, os._exit, [0])
        idle.daemon = True
        idle.start()
        try:
            kind, seconds, megabytes, length = JOB.unpack(read(jobs, JOB.size))
        except EOFError:
            return
        idle.cancel()
        said, paper = do_job(kind, read(jobs, length), seconds, megabytes)
        for block in (json.dumps(said).encode(), paper):
            answers.write(LENGTH.pack(len(block)) + block)
        answers.flush()
        if said["error"].startswith("MemoryError"):
            return  # what is left of the memory is not worth the trouble


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get into the answers
    sys.addaudithook(forbid)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
