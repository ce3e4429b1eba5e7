"""Keeps out of memory what Flask-AppBuilder imports and this product never calls: thirteen megabytes of a process.

While Flask-AppBuilder is imported, these packages are there with nothing in them; whoever imports one of them later
gets the real one. It is set up by importing the package ``app``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

# jsonschema checks the arguments of Flask-AppBuilder's own API, which is not served, and PIL makes thumbnails for its
# own pages. Of sqlalchemy_utils one type of column is asked for, whose module is found all the same. The serializers of
# that API come with the dialects of databases that are not served either.
UNREAD = (
    *("jsonschema", "PIL.Image", "PIL.ImageOps", "sqlalchemy_utils", "sqlalchemy_utils.types"),
    *("sqlalchemy.dialects.mssql", "sqlalchemy.dialects.mysql"),
    *(f"marshmallow_sqlalchemy{part}" for part in ("", ".convert", ".fields", ".schema")),
)


def _nothing(name: str) -> type:
    """A class of that name, to be named and inherited from where nothing is made of it."""
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})


@contextmanager
def _empty(names: Sequence[str]) -> Iterator[None]:
    empty: dict[str, ModuleType] = {}
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None:
            sys.modules[name] = empty[name] = module_from_spec(spec)
            empty[name].__getattr__ = _nothing  # type: ignore[method-assign]
    try:
        yield
    finally:
        for name in empty:
            del sys.modules[name]


class Lean:
    """Finds Flask-AppBuilder, once, and imports it beside the empty packages."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "flask_appbuilder":
            return None
        sys.meta_path.remove(cls)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                with _empty(UNREAD):
                    run(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "flask_appbuilder" not in sys.modules:
    sys.meta_path.insert(0, Lean)
