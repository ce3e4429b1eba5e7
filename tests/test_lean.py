"""What Flask-AppBuilder imports and the product never calls stays out of memory, and is there for whoever asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = """
import sys
import models, views
from app.factory import create_app
from app.lean import UNREAD
print(sorted(set(UNREAD) & sys.modules.keys()))
import jsonschema, sqlalchemy_utils
from PIL import Image
print(all((jsonschema.validate, sqlalchemy_utils.types.UUIDType, Image.open)))
print([name for name in ("docx", "holidays", "markdown_it", "openpyxl", "pypdf", "pytrovich", "xhtml2pdf")
       if name in sys.modules])
"""


def test_what_nobody_uses_is_read_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True", "[]"]
