"""Functions and files stay short. Who is longer is named here, and may only shrink."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FUNCTION = 40
LONGEST_FILE = 400

# Longer ones, with their length. When one has shrunk, so must its number; when it fits, its line goes.
LONG_FUNCTIONS: dict[str, int] = {}
LONG_FILES: dict[str, int] = {}


def files() -> Iterator[Path]:
    for folder in ("hirehall", "tests", "benchmarks", "docs", "examples"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def functions() -> Iterator[tuple[str, int]]:
    """Every function of the package, and its lines without its docstring."""
    for path in sorted((ROOT / "hirehall").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", length(node)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_no_function_is_longer_than_forty_lines() -> None:
    long = {name: lines for name, lines in functions() if lines > LONGEST_FUNCTION}
    assert long == LONG_FUNCTIONS, "split it into named steps; a shorter one's number in the list shrinks with it"


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files()}
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST_FILE} == LONG_FILES


def test_the_median_function_is_short() -> None:
    lengths = sorted(lines for _, lines in functions())
    assert lengths[len(lengths) // 2] <= 8
