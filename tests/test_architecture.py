"""The house as data: who may import whom, which modules are pure, how long a file and a function may be."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("vms", "networks", "hosts", "console")  # each may import those to its right

# Wires everything together: may import all of it, and is imported by none of it.
COMPOSITION_ROOT = ("settings", "urls", "asgi", "wsgi", "celery", "api", "dashboard", "demo", "management.commands")
ROOT_MODULES = tuple(f"console.{name}" for name in COMPOSITION_ROOT)

# Standard library, each other and the named libraries, nothing else: values in, values out.
PURE = (
    "vms.states",
    "vms.actions",
    "vms.bulk",
    "vms.evacuation",
    "vms.verdict",
    "networks.guest",
    "networks.addresses",
    "networks.ports",
    "hosts.hypervisor.spec",
    "hosts.watch.share",
    "hosts.allocation.copies",
    "hosts.allocation.spec",
    "hosts.allocation.engine",
    "hosts.allocation.reasons",
    "hosts.allocation.storage",
    "hosts.allocation.filters",
    "hosts.allocation.ordering",
    "hosts.allocation.strategies",
    "console.query.parser",
    "console.query.schema",
    "console.query.plan",
    "console.query.question",
    "console.query.explain",
    "console.query.complete",
    "console.errors",
    "console.naming",
    "console.textual",
    "console.pace",
)
PURE_LIBRARIES = {"lark"}
STANDARD = sys.stdlib_module_names
IMPURE_STANDARD = {
    "socket",
    "subprocess",
    "sqlite3",
    "threading",
    "multiprocessing",
    "asyncio",
    "urllib",
    "http",
}

# Closed to Django and to the rest of the house.
ISLANDS = ("hosts.hypervisor", "hosts.hostside", "hosts.lab")
# What is shipped to hosts is installed in those of the lab too.
BRIDGES = {"hosts.lab": "hosts.hostside"}

FILE_LINES = 400
FUNCTION_LINES = 45


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    lines: int
    tree: ast.Module

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of everything imported, also inside functions and TYPE_CHECKING blocks."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for folder in (*APPS, "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text()
            found.append(Module(dotted, path, text.count("\n"), ast.parse(text, str(path))))
    return tuple(found)


def product() -> list[Module]:
    return [module for module in modules() if not module.name.startswith("tests")]


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def is_root(name: str) -> bool:
    return any(inside(name, module) for module in ROOT_MODULES)


def where(module: Module, line: int, text: str) -> str:
    return f"{module.path.relative_to(ROOT)}:{line}: {text}"


def test_imports_go_one_way() -> None:
    wrong = []
    for module in product():
        if is_root(module.name):
            continue
        app = module.name.split(".")[0]
        forbidden = APPS[: APPS.index(app)]
        for line, name in module.imports():
            if name.split(".")[0] in forbidden:
                wrong.append(where(module, line, f"{app} may not import {name}"))
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_the_composition_root() -> None:
    # The package itself hands Celery its application, as Celery's Django set-up asks.
    wrong = [
        where(module, line, f"imports {name}")
        for module in product()
        if not is_root(module.name) and module.name != "console"
        for line, name in module.imports()
        if is_root(name)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_touch_no_outside_world(name: str) -> None:
    wrong = []
    for module in product():
        if not inside(module.name, name):
            continue
        for line, imported in module.imports():
            if not pure_import(imported):
                wrong.append(where(module, line, f"{name} is pure and may not import {imported}"))
    assert not wrong, "\n".join(wrong)


def pure_import(name: str) -> bool:
    top = name.split(".")[0]
    if name == "http.HTTPStatus":
        return True
    if top in APPS:
        return any(inside(name, module) for module in PURE)
    return top in PURE_LIBRARIES or (top in STANDARD and top not in IMPURE_STANDARD)


@pytest.mark.parametrize("island", ISLANDS)
def test_islands_know_neither_django_nor_the_house(island: str) -> None:
    wrong = [
        where(module, line, f"{island} may not import {name}")
        for module in product()
        if inside(module.name, island)
        for line, name in module.imports()
        if name.split(".")[0] in (*APPS, "django", "celery", "rest_framework")
        and not inside(name, island)
        and not inside(name, BRIDGES.get(island, island))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_wildcard_or_relative_imports() -> None:
    wrong = [
        where(module, node.lineno, ast.unparse(node))
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.level or any(alias.name == "*" for alias in node.names))
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_short() -> None:
    wrong = [where(module, module.lines, "too long") for module in modules() if module.lines > FILE_LINES]
    assert not wrong, "\n".join(wrong)


def test_functions_are_short() -> None:
    wrong = [
        where(module, node.lineno, f"{node.name} has {length(node)} lines")
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION_LINES
    ]
    assert not wrong, "\n".join(wrong)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_lock_files_name_no_registry() -> None:
    wrong = [
        f"{path.name}: {line}"
        for path in sorted((ROOT / "requirements").glob("*.txt"))
        for line in path.read_text().splitlines()
        if re.search(r"https?://|--index-url|--find-links", line)
    ]
    assert not wrong, "\n".join(wrong)
