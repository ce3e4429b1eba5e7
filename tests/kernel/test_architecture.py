"""Imports go one way: the arrows of docs/architecture.md, read out of the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"

# Each knows those before it; what stands together knows nothing of one another.
DOMAINS = (
    ("terms",),
    ("territory",),
    ("families",),
    ("risks",),
    ("procedures",),
    ("cases",),
    ("handover",),
    ("signals", "plans"),
    ("journal",),
    ("meetings",),
    ("deadlines",),
    ("story", "desk", "calendar"),
    ("post",),
)
AGE = {domain: age for age, group in enumerate(DOMAINS) for domain in group}

# Within a domain, and between domains: what a file of this name may import of others.
KNOWS = {
    "rules": {"rules"},
    "kinds": {"rules"},
    "models": {"rules", "kinds", "models"},
    "papers": {"rules", "kinds", "models", "papers"},
}
EVERYTHING = {
    "rules",
    "kinds",
    "models",
    "papers",
    "calendars",
    "engine",
    "flow",
    "workload",
    "blocks",
    "urgent",
    "length",
}

# Whole programs: they know everything and nothing knows them, but for what is named.
PROGRAMS = {"app.cli", "app.demo", "app.generate", "app.preparation"}
# The shipped dictionaries fill entities as far as the case; what comes after the case may ask them.
PRESETS_AGE = AGE["cases"]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(APP.rglob("*.py"))}
RULES = [name for name in MODULES if name.endswith(".rules")]


@cache
def imports(module: str) -> frozenset[str]:
    """Modules that this one imports, wherever it does; what is imported for the type checker alone does not count."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    return frozenset(_imports(tree.body))


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        else:
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _imports(getattr(node, field, []))


def own(module: str) -> set[str]:
    """What it imports of the product itself."""
    return {name for name in imports(module) if name.split(".")[0] in ("app", "config", "models", "views")}


@pytest.mark.parametrize("module", RULES)
def test_rules_know_the_standard_library_and_one_another(module: str) -> None:
    for name in imports(module):
        assert name.split(".")[0] in sys.stdlib_module_names or name in RULES, f"{module} imports {name}"


@pytest.mark.parametrize("module", RULES)
def test_rules_load_without_flask_and_sqlalchemy(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "heavy = {'flask', 'sqlalchemy', 'flask_appbuilder', 'wtforms', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'{sorted(heavy)} came along' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_declarations_know_nothing_and_records_only_declarations() -> None:
    assert own("app.kernel.declare") == set()
    assert not any(name.startswith("flask") for name in imports("app.kernel.declare"))
    assert own("app.kernel.orm") == {"app.kernel.declare", "app.kernel.likeness"}
    assert all(name.split(".")[0] in sys.stdlib_module_names for name in imports("app.kernel.likeness"))


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("app.kernel")])
def test_the_kernel_knows_no_family_and_no_plan(module: str) -> None:
    assert all(name.startswith("app.kernel") for name in own(module)), own(module)


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[1:2] and name.split(".")[1] in AGE])
def test_domains_know_those_before_them(module: str) -> None:
    domain, part = module.split(".")[1], module.rpartition(".")[2]
    for name in own(module):
        parts = name.split(".")
        if parts[1] == "kernel" or name in ("app", "app.roles", "app.scopes"):
            continue
        if name == "app.presets":
            assert AGE[domain] > PRESETS_AGE, f"{module} imports {name}"
            continue
        assert parts[1] in AGE, f"{module} imports {name}"
        assert parts[1] == domain or AGE[parts[1]] < AGE[domain], f"{module} imports {name}"
        if parts[1] != domain:
            assert parts[-1] in KNOWS.get(part, EVERYTHING), f"{module} imports {name}"
        assert parts[-1] != "views", f"{module} imports {name}: no screen is imported but by the catalogue"


def test_the_catalogues_stand_between_the_domains_and_the_factory() -> None:
    def read(path: str) -> set[str]:
        return set(_imports(ast.parse((ROOT / path).read_text("utf-8")).body))

    assert all(name.startswith("app.kernel.") or name.endswith(".models") for name in read("models.py"))
    assert not {"views", "app.factory"} & read("models.py")
    assert "app.factory" not in read("views.py")
    for name in MODULES:
        if name == "app.factory" or name in PROGRAMS:
            continue
        assert not {"models", "views", "app.factory", *PROGRAMS} & own(name), name
    assert own("app.roles") | own("app.scopes") <= {"app.kernel.clock", "app.kernel.declare", "app.kernel.scope"}


def test_flask_appbuilder_is_met_only_in_the_kernel_in_views_and_in_the_factory() -> None:
    met = {name for name in MODULES if any(one.split(".")[0] == "flask_appbuilder" for one in imports(name))}
    strangers = {
        name for name in met if not (name.startswith("app.kernel.") or name.endswith(".views") or name == "app.factory")
    }
    assert strangers == set()
    assert "app.kernel.declare" not in met


def test_importing_the_package_imports_nothing() -> None:
    """But for what has to be there before Flask-AppBuilder is; that is of the standard library alone."""
    for path in APP.rglob("__init__.py"):
        first = "from app import lean as lean" if path.parent == APP else ""
        assert path.read_text("utf-8").strip() == first, path
    assert {name.partition(".")[0] for name in imports("app.lean")} <= sys.stdlib_module_names


def test_nothing_is_loaded_by_a_join() -> None:
    """A joined load passes by the criterion that row visibility adds to each entity's own select."""
    for path in MODULES.values():
        text = path.read_text("utf-8")
        assert "joinedload" not in text and "contains_eager" not in text, path
        assert path.name == "schema.py" or 'lazy="joined"' not in text, path
