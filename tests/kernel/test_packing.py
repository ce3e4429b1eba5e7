"""Answers are compressed for whoever takes them so, and tell nothing by their length."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.kernel.packing import FILLING, packed

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def kind() -> str:
    return "sqlite"


def test_a_page_comes_compressed_and_whole(signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in("Администратор")
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):  # a page tells when it was signed
        plain, small = client.get("/family/"), client.get("/family/", headers=GZIP)
    assert "Content-Encoding" not in plain.headers and small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data).decode() == plain.text
    assert len(small.data) == int(small.headers["Content-Length"]) < len(plain.data) / 2
    assert "Accept-Encoding" in small.headers["Vary"] and "Accept-Encoding" in plain.headers["Vary"]


def test_a_static_file_comes_compressed_and_is_asked_after(client: FlaskClient) -> None:
    plain = client.get("/static/vendor/tabler/tabler.min.css?v=1")
    small = client.get("/static/vendor/tabler/tabler.min.css?v=1", headers=GZIP)
    assert gzip.decompress(small.data) == plain.data and len(small.data) < 60 * 1024
    assert "immutable" in small.headers["Cache-Control"]
    again = client.get("/static/vendor/tabler/tabler.min.css", headers=GZIP | {"If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304 and not again.data


@pytest.mark.parametrize(
    "path", ["/static/vendor/golos-text/golos-text-latin-wght-normal.woff2", "/static/favicon.svg", "/health"]
)
def test_what_gains_nothing_is_left_alone(client: FlaskClient, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers=GZIP).headers


def test_nobody_who_refuses_gets_it_compressed(client: FlaskClient) -> None:
    for refused in ("identity", "gzip;q=0", ""):
        assert "Content-Encoding" not in client.get("/login/", headers={"Accept-Encoding": refused}).headers


def test_the_length_of_a_page_says_nothing_exact(app: Flask) -> None:
    page = b"<p>the same page</p>" * 100
    lengths = {len(packed(page, 5, FILLING)) for _ in range(200)}
    assert len(lengths) > 20 and max(lengths) - min(lengths) <= FILLING
    assert {gzip.decompress(packed(page, 5, FILLING)) for _ in range(20)} == {page}
