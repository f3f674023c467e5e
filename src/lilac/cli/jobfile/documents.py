"""YAML as nodes with their places, by the rules of version 1.2.

The parser is PyYAML's, which knows version 1.1 only; so no value is taken from it, only the nodes with the characters
that were typed. What those mean is decided here: `no`, `on` and `yes` are texts, not truth values, `010` is not eight,
and a text field gets the typed characters whatever they look like. `<<` merges a mapping into another, as every tool
around containers has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map", "int", "float", "bool", "null")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_TRUTHS = frozenset({"yes", "no", "on", "off", "y", "n"})
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A mistake and its place; lines and columns count from 1."""

    line: int
    column: int
    message: str


@dataclass(slots=True)
class Faults:
    """The mistakes of one file."""

    found: list[Fault] = field(default_factory=list[Fault])

    def at(self, node: Node, message: str) -> None:
        mark = node.start_mark
        self.found.append(Fault(mark.line + 1, mark.column + 1, message))

    def __bool__(self) -> bool:
        return bool(self.found)


def documents(text: str, faults: Faults) -> list[Node]:
    """The documents of a text; empty ones are left out. Broken syntax is a fault, and ends the list."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        faults.found.append(_syntax(error, text))
        return []
    found: list[Node] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not is_null(node):
                found.append(node)
    except yaml.YAMLError as error:
        faults.found.append(_syntax(error, text))
    except RecursionError:
        faults.found.append(Fault(1, 1, "nested too deeply."))
    finally:
        loader.dispose()
    return found


def is_plain(node: Node) -> bool:
    """Whether a scalar was typed without quotes."""
    return isinstance(node, ScalarNode) and node.style in (None, "")


def is_null(node: Node) -> bool:
    return is_plain(node) and node.value in _NULLS


def kind_of(node: Node) -> str:
    """What a node is, in a sentence."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if is_null(node):
        return "nothing"
    if is_plain(node) and (node.value in _TRUTHS):
        return f"the truth value {node.value}"
    return repr(node.value)


def truth(node: Node) -> bool | str:
    """A truth value, or a sentence that says what is wrong."""
    if is_plain(node) and node.value in _TRUTHS:
        return _TRUTHS[node.value]
    if isinstance(node, ScalarNode) and node.value.lower() in _OLD_TRUTHS:
        return f"{node.value!r} is a text, not a truth value: write true or false"
    if isinstance(node, ScalarNode) and node.value in _TRUTHS:
        return f"write {node.value} without quotes"
    return f"must be true or false, not {kind_of(node)}"


def whole(node: Node) -> int | str:
    """A whole number, or a sentence that says what is wrong."""
    if not isinstance(node, ScalarNode):
        return f"must be a whole number, not {kind_of(node)}"
    text = node.value
    if _DECIMAL.fullmatch(text) or _BASED.fullmatch(text):
        return int(text, 0)
    if _LEADING_ZERO.fullmatch(text):
        octal = re.fullmatch(r"[-+]?0[0-7]+", text)
        readings = f"is {int(text, 8)} to some programs and {int(text)} to others" if octal else "begins with a zero"
        return f"{text} {readings}: write {int(text)}" + (f" or 0o{text.lstrip('+-0') or '0'}" if octal else "")
    if re.fullmatch(r"[-+]?[0-9]+(_[0-9]+)+", text):
        return f"write {text.replace('_', '')} without underscores"
    return f"must be a whole number, not {kind_of(node)}"


def number(node: Node) -> float | None:
    """A number with or without a fraction; None for anything else."""
    if isinstance(node, ScalarNode) and is_plain(node) and _FRACTION.fullmatch(node.value):
        return None if _LEADING_ZERO.fullmatch(node.value) else float(node.value)
    return None


def text(node: Node) -> str | None:
    """The characters that were typed; None where that is no text (a list, a mapping, nothing)."""
    return node.value if isinstance(node, ScalarNode) and not is_null(node) else None


def pairs(node: MappingNode, faults: Faults) -> Iterator[tuple[str, Node, Node]]:
    """Key, its node and the value's node, with merged mappings behind; a key given twice is a fault."""
    seen: dict[str, Node] = {}
    for key, value in _flat(node, faults, depth=0):
        if not isinstance(key, ScalarNode) or is_null(key):
            faults.at(key, f"a key must be a text, not {kind_of(key)}")
            continue
        before = seen.setdefault(key.value, key)
        if before is not key:
            if before.start_mark.index >= node.start_mark.index and key in _own_keys(node):
                faults.at(key, f"the key {key.value!r} is here twice; first in line {before.start_mark.line + 1}")
            continue
        yield key.value, key, value


def no_tag(node: Node, faults: Faults) -> None:
    """Tags other than those of the standard types have no meaning in a job file."""
    if node.tag not in _STANDARD_TAGS:
        faults.at(node, f"the tag {node.tag} means nothing in a job file")


def _flat(node: MappingNode, faults: Faults, *, depth: int) -> Iterable[tuple[Node, Node]]:
    merged: list[tuple[Node, Node]] = []
    for key, value in node.value:
        if not (is_plain(key) and key.value == "<<"):
            yield key, value
            continue
        sources = value.value if isinstance(value, SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, MappingNode) or depth > 20:
                faults.at(value, "<< takes a mapping, or a list of mappings")
            else:
                merged.extend(_flat(source, faults, depth=depth + 1))
    yield from merged


def _own_keys(node: MappingNode) -> list[Node]:
    return [key for key, _ in node.value]


def _syntax(error: Exception, source: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    if mark is None:
        position = getattr(error, "position", 0) or 0
        before = source[:position]
        return Fault(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1, message)
    line = source.splitlines()[mark.line] if mark.line < len(source.splitlines()) else ""
    if "\t" in line[: mark.column + 1] and ("token" in message or "tab" in message):
        message = "not valid YAML: indent with blanks, not with tabs"
    return Fault(mark.line + 1, mark.column + 1, message)
