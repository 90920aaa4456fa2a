"""Finds what a source file defines and where a name stands in it, by its syntax tree, or by patterns without a grammar.

Pure but for loading grammars. A tree knows comments and strings from code; patterns do not, so the answer says which.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.tools.languages import SourceLanguage, parser_of

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTAINERS = frozenset({"class", "interface", "trait", "impl", "struct", "enum", "record", "namespace", "module"})
_FUNCTIONS = frozenset({"function", "method", "constructor"})
_parsing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition; lines from 1, both inclusive. `depth` counts the definitions around it."""

    name: str
    kind: str
    line: int
    end_line: int
    depth: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file as bytes of UTF-8, and its syntax tree where there is a grammar."""

    data: bytes
    language: SourceLanguage
    root: Node | None

    @property
    def lines(self) -> list[bytes]:
        return self.data.split(b"\n")


def parse(text: str, language: SourceLanguage) -> SourceFile:
    data = text.encode(errors="replace")
    with _parsing:
        parser = parser_of(language)
        tree = None if isinstance(parser, str) else parser.parse(data)
    return SourceFile(data, language, tree.root_node if tree else None)


def definitions_in(source: SourceFile) -> list[Symbol]:
    """In the order of their lines."""
    if source.root is None:
        return list(_by_pattern(source))
    return list(_by_tree(source.root, source.language))


def lines_naming(source: SourceFile, name: str) -> list[int]:
    """The lines on which `name` stands as a name: not in comments and strings, where there is a grammar."""
    pattern = re.compile(rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])")
    numbers: dict[int, None] = {}
    for found in pattern.finditer(source.data):
        if source.root is None or _is_name(source.root, found.start(), found.end()):
            numbers[source.data.count(b"\n", 0, found.start()) + 1] = None
    return list(numbers)


def _is_name(root: Node, start: int, end: int) -> bool:
    node = root.descendant_for_byte_range(start, end)
    return node is not None and node.start_byte == start and node.end_byte == end and "identifier" in node.type


def _by_tree(root: Node, language: SourceLanguage) -> Iterator[Symbol]:
    """Walks with a stack of its own: generated code is nested deeper than Python recurses. `inside` are the kinds of
    the definitions around a node."""
    stack: list[tuple[Node, tuple[str, ...]]] = [(root, ())]
    while stack:
        node, inside = stack.pop()
        symbol = _symbol(node, inside, language)
        if symbol is not None:
            yield symbol
            inside = (*inside, symbol.kind)
        stack.extend((child, inside) for child in reversed(node.named_children))


def _symbol(node: Node, inside: tuple[str, ...], language: SourceLanguage) -> Symbol | None:
    kind = language.nodes.get(node.type)
    if kind is None or (kind in ("variable", "constant") and any(one in _FUNCTIONS for one in inside)):
        return None
    name = _name(node)
    if name is None or (node.type.endswith("_specifier") and node.child_by_field_name("body") is None):
        return None
    if kind == "function" and inside and inside[-1] in _CONTAINERS - {"namespace", "module"}:
        kind = "method"
    value = node.child_by_field_name("value")
    if kind == "variable" and value is not None and value.type in ("arrow_function", "function_expression"):
        kind = "function"
    return Symbol(name, kind, node.start_point[0] + 1, node.end_point[0] + 1, len(inside))


def _name(node: Node) -> str | None:
    """The node that names a definition is called differently; a C declarator wraps it in its type."""
    named = next(filter(None, map(node.child_by_field_name, ("name", "left", "declarator"))), None)
    if node.type == "impl_item":
        named = node.child_by_field_name("type")
    while named is not None and (inner := named.child_by_field_name("declarator")) is not None:
        named = inner
    if named is None or named.text is None or (named.type in ("attribute", "subscript", "pattern_list")):
        return None
    return named.text.decode(errors="replace")


def _by_pattern(source: SourceFile) -> Iterator[Symbol]:
    pattern = source.language.pattern
    for number, line in enumerate(source.data.decode(errors="replace").split("\n"), 1):
        found = pattern.match(line) if pattern else None
        if found:
            depth = 1 if line[:1].isspace() else 0
            yield Symbol(found["name"], found["kind"], number, number, depth)
