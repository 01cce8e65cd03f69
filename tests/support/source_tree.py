"""The project's files, and what its Python files define, import and how long they are."""

import ast
import io
import os
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
IMPORTING = {"import_module", "__import__", "run_module"}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project: what git ignores is left out, also where there is no git."""
    lines = (REPOSITORY / ".gitignore").read_text().splitlines()
    ignored = {".git"} | {line.rstrip("/") for line in lines}
    paths = []
    for folder, folders, files in os.walk(REPOSITORY):
        folders[:] = [name for name in folders if name not in ignored]
        paths += [Path(folder) / name for name in files if name not in ignored]
    return tuple(paths)


def python_files(*rooms: str) -> list[Path]:
    """Every Python file of some top-level folders, in order."""
    files = [path for path in project_files() if path.suffix == ".py"]
    return sorted(p for p in files if p.relative_to(REPOSITORY).parts[0] in rooms)


def module_name(path: Path) -> str:
    """The dotted name of a module or package."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax_tree(path: Path) -> ast.Module:
    """A parsed file."""
    return ast.parse(path.read_text())


@cache
def module_names() -> frozenset[str]:
    """Every module and package of the project."""
    rooms = ("models", "functions", "training", "infra", "tests")
    modules = {module_name(path) for path in python_files(*rooms)}
    return frozenset(modules | {name.rpartition(".")[0] for name in modules if "." in name})


def _absolute_parent(path: Path, node: ast.ImportFrom) -> str:
    """The package or module that names are imported from; only the client's may be relative."""
    if node.level == 0:
        return str(node.module)
    package = path.parent.relative_to(REPOSITORY)
    assert (node.level, str(package)) == (1, "functions/client"), f"{path}: relative import"
    return ".".join([*package.parts, *filter(None, [node.module])])


@cache
def imported_modules(path: Path) -> frozenset[str]:
    """The full name of every module that a file imports, anywhere in it."""
    modules: set[str] = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = _absolute_parent(path, node)
            members = {f"{parent}.{alias.name}" for alias in node.names}
            submodules = members & module_names()
            modules |= submodules
            if submodules != members:
                modules.add(parent)
        elif isinstance(node, ast.Call):
            modules |= _dynamic_import(node)
    return frozenset(modules)


def _dynamic_import(call: ast.Call) -> set[str]:
    """The module, or the package of modules, that a call of the import system names."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in IMPORTING or not call.args:
        return set()
    argument = call.args[0]
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return {str(argument.value).rstrip(".")} if is_text else set()  # type: ignore[attr-defined]


def imported_packages(path: Path) -> set[str]:
    """Top-level names of what a file imports."""
    return {name.partition(".")[0] for name in imported_modules(path)}


def defined_names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a file gives a name to."""
    yield 1, path.parent.name if path.stem == "__init__" else path.stem
    for node in ast.walk(syntax_tree(path)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield node.lineno, name
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield node.lineno, name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from ((node.lineno, alias.asname) for alias in aliases if alias.asname)


def definitions(path: Path) -> list[Definition]:
    """Every function and class of a file."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node for node in ast.walk(syntax_tree(path)) if isinstance(node, kinds)]


@cache
def code_lines(path: Path) -> frozenset[int]:
    """The lines that hold code: neither blank, nor only a comment, nor of a docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    lines = {
        line
        for token in tokens
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in [syntax_tree(path), *definitions(path)]:
        if ast.get_docstring(node) is not None:
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return frozenset(lines)
