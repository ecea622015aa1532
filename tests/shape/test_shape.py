"""The shape of the package, held by tests and not by memory.

Reads source text only; it never imports what it judges. A limit is raised in a commit that says why.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "little_loops"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400
ERROR_BOUNDARIES = {"cli/main.py", "runtime/guard.py"}
PRINTING = {"cli/output.py"}
PURE = ("machine/", "projections/", "analysis/", "parallel/reconcile.py", "issues/dependencies.py")
MACHINE_KNOWS_OF_FSM = {"schema", "template", "graph", "bash"}
WEAK_SUFFIXES = ("Manager", "Helper", "Util", "Utils", "Handler", "Processor", "Data", "Info", "Base")
WEAK_EXCEPTIONS = {"StateManager", "Data"}  # Data stands beside Code: what a value is, not what a class holds

# Words that belong to other papers, kept as digests so that the list does not break its own rule. The first
# three count in any spelling, the last two as written.
FOREIGN_ANY_CASE = {"19b25856e1c150ca", "ceb00a91525da64f", "49eaab7e75d92ddf"}
FOREIGN_AS_WRITTEN = {"8c78fe5b9936488c", "b5180223165af358"}
GIT_REVISION = "b5180223165af358"
SECTION_NUMBER = re.compile(r"(?<![\w.\-])[RSMWDV]-?\d{1,2}(?![\w\-])")
TEXT_SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".sh", ".svg", ""}
TEXT_ROOTS = ("src", "docs", "bench", "tools", "tests", ".ci")


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def product_texts() -> Iterator[Path]:
    """Every text file of the product: the folders, and the files at the top."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file() and top.suffix in TEXT_SUFFIXES and top.name != "LICENSE":
            yield top
    for folder in TEXT_ROOTS:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = any(
                part.startswith(".") or part == "__pycache__" for part in path.parts[len(ROOT.parts) + 1 :]
            )
            if path.is_file() and not hidden and path.suffix in TEXT_SUFFIXES:
                yield path


def digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:16]


def foreign_words(line: str) -> Iterator[str]:
    for word in re.findall(r"[A-Za-z]+", re.sub(r"\w*_\w*|\w*\d\w*", " ", line)):
        any_case = digest(word.lower()) in FOREIGN_ANY_CASE
        as_written = digest(word) in FOREIGN_AS_WRITTEN
        if any_case or (as_written and not (digest(word) == GIT_REVISION and git_revision(line))):
            yield word


def git_revision(line: str) -> bool:
    """The name of the current commit is a git argument: a quoted word of its own, or in a git command."""
    return bool(re.search(r"""\bgit\b|["'`][A-Z]{4}["'`]""", line))


def findings(check: Callable[[Path], Iterator[str]], *, only: tuple[str, ...] = ("",)) -> list[str]:
    return [
        f"{named(path)}: {finding}"
        for path in SOURCES
        if named(path).startswith(only)
        for finding in check(path)
    ]


def calls_of(path: Path, names: set[str]) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield f"line {node.lineno}: {node.func.id}()"


def test_a_module_is_short_enough_to_be_read_in_one_go() -> None:
    def too_long(path: Path) -> Iterator[str]:
        lines = path.read_text("utf-8").count("\n")
        if lines > MAX_LINES:
            yield f"{lines} lines, {MAX_LINES} is the limit: split it"

    assert findings(too_long) == []


def test_a_module_says_what_it_is() -> None:
    def silent(path: Path) -> Iterator[str]:
        if path.stat().st_size and not ast.get_docstring(parsed(path)):
            yield "no docstring at the top that states its law"

    assert findings(silent) == []


def test_no_blind_except_outside_the_two_boundaries() -> None:
    def blind(path: Path) -> Iterator[str]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not raises_again(node):
                yield f"line {node.lineno}: swallows every exception"

    assert [f for f in findings(blind) if f.split(":")[0] not in ERROR_BOUNDARIES] == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_only_the_output_module_prints() -> None:
    printing = findings(lambda path: calls_of(path, {"print"}))
    assert [f for f in printing if f.split(":")[0] not in PRINTING] == []


def test_pure_code_opens_nothing() -> None:
    reaching = {"open", "input", "exec", "eval", "__import__"}
    assert findings(lambda path: calls_of(path, reaching), only=PURE) == []


def test_the_machine_knows_of_the_language_only_what_it_runs() -> None:
    def foreign_modules(path: Path) -> Iterator[str]:
        for used in sorted(set(modules_of_fsm(parsed(path))) - MACHINE_KNOWS_OF_FSM):
            yield f"uses fsm.{used}"

    assert findings(foreign_modules, only=("machine/",)) == []


def modules_of_fsm(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "little_loops.fsm":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("little_loops.fsm."):
            yield str(node.module).split(".")[2]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[2] for a in node.names if a.name.startswith("little_loops.fsm."))


def test_a_class_is_named_for_what_it_is() -> None:
    weak_name = re.compile(rf"(?:^|(?<=[a-z]))({'|'.join(WEAK_SUFFIXES)})$")

    def weak(path: Path) -> Iterator[str]:
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.ClassDef)
                and node.name not in WEAK_EXCEPTIONS
                and weak_name.search(node.name)
            ):
                yield f"the name {node.name} says nothing about what it is"

    assert findings(weak) == []


def test_foreign_words_do_not_appear() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word}"
        for path in product_texts()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        for word in foreign_words(line)
    ]
    assert not found, "\n".join(found)


def test_no_text_points_at_numbers_of_papers_that_are_not_shipped() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in product_texts()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        for match in SECTION_NUMBER.finditer(line)
        if path.suffix in {".py", ".md", ".yaml", ""} and "tests/" not in path.as_posix()
    ]
    assert not found, "\n".join(found)
