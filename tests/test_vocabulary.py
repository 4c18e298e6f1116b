"""Names, docstrings and pages use the words of the field and plain English: no word of tests/retired_words.txt."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "models", "clients/python", "scripts", "benchmarks")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("clients/python/*.md")]


def retired() -> dict[str, dict[str, str]]:
    """Read the list: by the sort of word, each old word and the new one."""
    words: dict[str, dict[str, str]] = {}
    for line in (ROOT / "tests/retired_words.txt").read_text().splitlines()[1:]:
        if line.startswith("# "):
            sort = line[2:].split(":")[0]
            words[sort] = {}
        else:
            old, new = line.split(" -> ")
            words[sort][old] = new
    return words


WORDS = retired()
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if ".venv" not in path.parts]
EACH = [each for word in WORDS["people"] for each in (word, word.title()) if each != "He"]  # He et al.
PEOPLE = re.compile(rf"\b({'|'.join(EACH)})\b")
CONSTANT = re.compile(rf"({'|'.join(WORDS['constants'])})(_|$)")


def complaints(path: Path) -> Iterator[str]:
    """Find the retired words of a Python file."""
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        yield from (f"{node_line(node)}: {each}" for each in complaints_of(node))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)):
            yield from (f"{token.start[0]}: {old}, say {new}" for old, new in people(token.string))


def complaints_of(node: ast.AST) -> Iterator[str]:
    """Find the retired words in the names and the docstring of one node."""
    name = name_of(node)
    for part in name.split("_"):
        if part in WORDS["names"]:
            yield f"{name}, say {WORDS['names'][part]}"
    if isinstance(node, ast.ClassDef) and name in WORDS["classes"]:
        yield f"{name}, say {WORDS['classes'][name]}"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name in WORDS["functions"]:
        yield f"{name}, say {WORDS['functions'][name]}"
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and CONSTANT.match(name):
        yield f"{name}, say {WORDS['constants'][name.split('_')[0]]}"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
        first = (ast.get_docstring(node) or "").split(" ")[0]
        if first in WORDS["docstrings"]:
            yield f"a docstring opens with {first}, say {WORDS['docstrings'][first]}"


def name_of(node: ast.AST) -> str:
    """Return the name that a node gives to something, or an empty one."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return ""


def node_line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def people(text: str) -> Iterator[tuple[str, str]]:
    """Find words for people that were retired."""
    for found in PEOPLE.findall(text):
        yield found, WORDS["people"][found.lower()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_code_has_a_retired_word(folder: str) -> None:
    files = [path for path in FILES if path.is_relative_to(ROOT / folder)]
    found = [f"{path.relative_to(ROOT)}:{complaint}" for path in files for complaint in complaints(path)]
    assert not found, "\n".join(found)


def test_no_page_has_a_retired_word_for_people() -> None:
    found = [
        f"{page.relative_to(ROOT)}:{number}: {old}, say {new}"
        for page in PAGES
        for number, line in enumerate(page.read_text().splitlines(), 1)
        for old, new in people(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("MOST_USERS = 3", "MOST_USERS, say MAX"),
        ("def likeness_of(one: int) -> None: ...", "likeness_of, say similarity"),
        ('def f() -> int:\n    """Give a number."""', "a docstring opens with Give, say Return"),
        ("class Taste: ...", "Taste, say UserProfile"),
        ("# what he likes", "he, say they, the user"),
    ],
)
def test_a_retired_word_is_found(code: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(code)
    assert complaint in "\n".join(complaints(path))
