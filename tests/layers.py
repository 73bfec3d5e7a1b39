"""Reads the imports of the product and names what breaks the layout of its rooms.

``violations(root)`` looks at ``root/server.py`` and ``root/mapper``; nothing is imported or run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FLOORS = (
    {"server"},
    {"web", "commands"},
    {"services"},
    {"maps", "charts", "store", "formats", "geo", "stats", "linkage", "solve"},
    {"domain"},
    {"language", "settings"},
    {"errors"},
)
"""Imports only go down; rooms on one floor do not know each other."""

LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}

OWNERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sqlalchemy", "alembic", "psycopg", "sqlite3"), ("mapper.store",)),
    **dict.fromkeys(("flask", "werkzeug", "flask_login", "flask_wtf", "flask_httpauth"), ("mapper.web", "server")),
    **dict.fromkeys(("folium", "branca"), ("mapper.maps",)),
    **dict.fromkeys(("shapely", "geopandas", "pyogrio", "pyproj"), ("mapper.geo",)),
    **dict.fromkeys(("highspy", "ortools", "pyvrp", "vroom", "spopt"), ("mapper.solve",)),
    **dict.fromkeys(("esda", "libpysal", "sklearn"), ("mapper.stats",)),
    "scipy": ("mapper.stats", "mapper.linkage", "mapper.solve"),
    "rapidfuzz": ("mapper.linkage",),
    "matplotlib": ("mapper.charts",),
    "duckdb": ("mapper.store.columns",),
    "pyarrow": ("mapper.store.columns", "mapper.store.column_sheet", "mapper.formats"),
    "docx": ("mapper.formats",),
    "zxingcpp": ("mapper.formats.code_photo",),
    "requests": ("mapper.services.dhis2_delivery", "mapper.services.routing_server"),
    "cryptography": ("mapper.formats.slip_code", "mapper.store.sealing"),
    "mapbox_vector_tile": ("mapper.geo",),
    "osmium": ("mapper.formats.osm_extract",),
    "pmtiles": ("mapper.formats",),
    "pyxform": ("mapper.formats.xlsform",),
    "reportlab": ("mapper.formats.pdf",),
    "pydantic_settings": ("mapper.settings",),
    "waitress": ("mapper.web", "server"),
    "prometheus_client": ("mapper.web.metrics",),
}
"""Who may import a library: that module, or that room and all in it. Libraries not named are free."""

NO_NAME = {"utils", "util", "helpers", "helper", "common", "misc"}

AT_WORK = {
    *("open", "print", "input", "exec", "eval", "getenv", "sleep", "run", "Popen", "check_output", "urlopen"),
    *("read_text", "read_bytes", "write_text", "write_bytes", "read_po", "read_csv", "read_file", "exists", "is_file"),
    *("is_dir", "glob", "rglob", "iterdir", "mkdir", "stat", "create_engine", "connect", "execute", "create_app"),
    *("Flask", "Settings", "today", "now", "time", "getcwd", "cwd", "Thread", "parse", "fromfile"),
}
"""Calls that read, write, ask the clock or start something; none belongs at the top of a module."""

HAND_ON_SETTINGS = ("mapper.web.installation", "mapper.commands.console")
"""Carry the settings that server.py has read to each request and command; they name their type and read nothing."""

RUN_BY_ALEMBIC = "mapper/store/migrations/env.py"
"""Alembic executes this file; it is never imported, so the rule on work at import does not touch it."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``target`` is a dotted module, of the product where it is one."""

    line: int
    target: str


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file: ``name`` as it is imported, ``place`` as it is shown."""

    name: str
    place: str
    tree: ast.Module
    package: str

    @property
    def room(self) -> str:
        """server, or the first name under mapper."""
        return _room(self.name)


def violations(root: Path) -> list[str]:
    """Every breach, as "file:line: what, and what to do"; empty when the layout holds."""
    modules = {module.name: module for module in _modules(root)}
    found: list[str] = []
    graph: dict[str, set[str]] = {}
    for module in modules.values():
        found += _names(module)
        found += _work(module)
        inside = set()
        for imported in _imports(module, set(modules)):
            found += [f"{module.place}:{imported.line}: {why}" for why in _refusals(module, imported.target)]
            inside.add(imported.target)
        graph[module.name] = inside & set(modules) - {module.name}
    found += _circles(graph, modules)
    return sorted(found)


def _room(name: str) -> str:
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "mapper" else first


def _modules(root: Path) -> Iterator[Module]:
    for path in [root / "server.py", *sorted((root / "mapper").rglob("*.py"))]:
        if path.exists():
            place = path.relative_to(root)
            parts = place.with_suffix("").parts
            package = ".".join(parts[:-1])
            name = package if parts[-1] == "__init__" else ".".join(parts)
            yield Module(name, place.as_posix(), ast.parse(path.read_bytes(), str(place)), package)


def _imports(module: Module, known: set[str]) -> Iterator[Import]:
    """Imports anywhere in the file, also inside functions and under TYPE_CHECKING: a type ties rooms together too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield Import(node.lineno, whole if whole in known or base == "mapper" else base)


def _refusals(module: Module, target: str) -> Iterator[str]:
    top = target.partition(".")[0]
    if top in ("mapper", "server"):
        room = _room(target)
        if not room or room == module.room:
            return
        if room not in LEVEL:
            yield f"imports {target}, a room that has no floor in tests/layers.py"
        elif module.room == "server" and room == "settings":
            return
        elif room == "settings" and module.name not in HAND_ON_SETTINGS:
            yield "reads settings; only server.py does, and hands each room what it needs"
        elif module.room == "domain" and room != "errors":
            yield f"imports {target}; domain knows only itself and errors"
        elif module.room in LEVEL and LEVEL[room] < LEVEL[module.room]:
            yield f"climbs from {module.room} to {room}; imports only go down"
        elif module.room in LEVEL and LEVEL[room] == LEVEL[module.room]:
            yield f"{module.room} and {room} are on one floor; a service introduces them"
        return
    owners = OWNERS.get(top)
    if owners and not any(module.name == owner or module.name.startswith(owner + ".") for owner in owners):
        yield f"imports {top}, which belongs to {' and '.join(owners)}"
    elif module.room in ("domain", "errors") and top not in sys.stdlib_module_names:
        yield f"imports {top}; {module.room} is plain Python, standard library only"


def _names(module: Module) -> Iterator[str]:
    parts = module.name.split(".")
    bad = NO_NAME.intersection(parts)
    if bad:
        yield f"{module.place}:1: no room is called {sorted(bad)[0]}; name it after what it does"
    if len(parts) > 1 and module.room not in LEVEL:
        yield f"{module.place}:1: room {module.room} has no floor; give it one in tests/layers.py and in the README"


def _work(module: Module) -> Iterator[str]:
    """What runs when the module is imported: statements that act, and calls in assignments, defaults and decorators."""
    if module.place != RUN_BY_ALEMBIC:
        for line, what in _acts(module.tree.body):
            yield f"{module.place}:{line}: {what} when it is imported; do it in a function"


def _acts(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defaults = [value for value in node.args.kw_defaults if value is not None]
                yield from _calls(node.decorator_list + node.args.defaults + defaults)
            case ast.ClassDef():
                yield from _calls([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
                yield from _acts(node.body)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Attribute | ast.Subscript):
                        yield node.lineno, "changes something made elsewhere"
                yield from _calls([value])
            case ast.AnnAssign():
                yield from _calls([node.value] if node.value else [])
            case ast.If() if "__main__" in ast.unparse(node.test):
                yield from _acts(node.orelse)
            case ast.If():
                yield from _calls([node.test])
                yield from _acts(node.body + node.orelse)
            case ast.Try():  # a library that may be absent
                yield from _acts(node.body + node.orelse + node.finalbody)
                for handler in node.handlers:
                    yield from _acts(handler.body)
            case _ if node.__class__.__name__ == "TypeAlias":  # Python 3.12's
                pass
            case _:
                yield node.lineno, f"runs `{ast.unparse(node).splitlines()[0]}`"


def _calls(values: list[ast.expr]) -> Iterator[tuple[int, str]]:
    pending: list[ast.AST] = list(values)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in AT_WORK:
                yield node.lineno, f"calls {ast.unparse(node.func)}"
        elif isinstance(node, ast.Attribute) and node.attr == "environ":
            yield node.lineno, "reads the environment"
        pending.extend(ast.iter_child_nodes(node))


def _circles(graph: dict[str, set[str]], modules: dict[str, Module]) -> Iterator[str]:
    """Modules that import each other in a circle, each circle named once."""
    reach = {name: _reachable(name, graph) for name in graph}
    seen: set[str] = set()
    for name in sorted(graph):
        if name in reach[name] and name not in seen:
            circle = {other for other in reach[name] if name in reach[other]}
            seen |= circle
            yield f"{modules[name].place}:1: imports in a circle: {', '.join(sorted(circle))}"


def _reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    pending = list(graph[start])
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(graph.get(name, ()))
    return reached
