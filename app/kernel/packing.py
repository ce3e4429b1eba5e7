"""Answers travel compressed, by the standard library alone: nothing more to install on an old computer.

A page mixes what somebody else may have put into its address with what only its reader may see, and from the length
of a compressed answer one could be guessed by the other (BREACH). Hence each page carries a filling of random length;
a browser sends its session from no other site (``SameSite``); and a CSRF token's signature changes by the second.
"""

from __future__ import annotations

import gzip
import io
import secrets

from flask import Flask, Response, request

TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")
LEAST = 1000  # bytes; less than that fits one packet anyway
FILLING = 100  # at most so many random bytes
_FAST, _BEST = 5, 9


def packed(data: bytes, level: int, filling: int = 0) -> bytes:
    """The bytes gzipped; the filling goes where a file's name may stand, which browsers skip."""
    target = io.BytesIO()
    name = secrets.token_hex(FILLING)[: secrets.randbelow(filling)] if filling else ""
    with gzip.GzipFile(name, "wb", level, target, mtime=0) as file:
        file.write(data)
    return target.getvalue()


def install(app: Flask) -> None:
    """Compress texts for whoever takes them so; a static file once, for all who ask."""
    kept: dict[str, bytes] = {}

    def pack(response: Response) -> Response:
        if not (response.mimetype or "").startswith(TEXTS):
            return response
        response.vary.add("Accept-Encoding")
        if (
            response.status_code in (204, 206, 304)
            or (response.content_length or LEAST) < LEAST
            or "Content-Encoding" in response.headers
            or not request.accept_encodings["gzip"]
        ):
            return response
        is_file = request.endpoint == "static"
        if is_file:
            etag = response.get_etag()[0] or ""
            response.direct_passthrough = False
            if etag not in kept:
                kept[etag] = packed(response.get_data(), _BEST)
            response.set_data(kept[etag])
            response.set_etag(etag, weak=True)  # other bytes than those that the strong one names
        elif not response.is_streamed:
            response.set_data(packed(response.get_data(), _FAST, FILLING))
        else:
            return response
        response.headers["Content-Encoding"] = "gzip"
        return response

    app.after_request(pack)
