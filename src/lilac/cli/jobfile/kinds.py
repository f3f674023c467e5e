"""Kinds of values: each reads a node into the API's form, and says its JSON Schema.

`read` returns None after it noted a fault; a kind never raises. `what` is the key's name, for sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from yaml.nodes import MappingNode, Node, SequenceNode

from lilac.cli import quantities
from lilac.cli.jobfile import documents
from lilac.cli.jobfile.documents import Faults, is_null, kind_of

INT32_MAX = 2**31 - 1


class Kind(Protocol):
    def read(self, node: Node, what: str, faults: Faults) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they were typed, numbers and words like `no` included."""

    longest: int | None = None
    may_be_empty: bool = False

    def read(self, node: Node, what: str, faults: Faults) -> str | None:
        found = documents.text(node)
        if found is None:
            empty = f'{what} is empty; write "" for an empty text' if self.may_be_empty else f"{what} is empty"
            faults.at(node, empty if is_null(node) else f"{what} must be a text, not {kind_of(node)}")
            return None
        if not found.strip() and not self.may_be_empty:
            return _fault(faults, node, f"{what} is empty")
        if "\0" in found:
            return _fault(faults, node, f"{what} must not hold NUL characters")
        if self.longest is not None and len(found) > self.longest:
            return _fault(faults, node, f"{what} must have at most {self.longest} characters, not {len(found)}")
        return found

    def schema(self) -> dict[str, Any]:
        types = {"type": ["string", "number", "boolean"]} if self.may_be_empty else {"type": ["string", "number"]}
        return {**types, **({"maxLength": self.longest} if self.longest else {})}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: Sequence[str]

    def read(self, node: Node, what: str, faults: Faults) -> str | None:
        found = documents.text(node)
        if found in self.words:
            return found
        advice = nearest(found or "", self.words)
        return _fault(faults, node, f"{what} must be {' or '.join(self.words)}, not {kind_of(node)}{advice}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, node: Node, what: str, faults: Faults) -> bool | None:
        found = documents.truth(node)
        return _fault(faults, node, f"{what}: {found}") if isinstance(found, str) else found

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    least: int = 0
    most: int = INT32_MAX

    def read(self, node: Node, what: str, faults: Faults) -> int | None:
        found = documents.whole(node)
        if isinstance(found, str):
            return _fault(faults, node, f"{what}: {found}" if not found.startswith("must") else f"{what} {found}")
        if not self.least <= found <= self.most:
            return _fault(faults, node, f"{what} must be between {self.least} and {self.most}, not {found}")
        return found

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Cores:
    def read(self, node: Node, what: str, faults: Faults) -> int | None:
        found = documents.text(node)
        amount = quantities.millicores(found) if found is not None else None
        if found is None or amount is None:
            return _fault(faults, node, f"{what} must be cores such as 2 or 0.5, or 1500m, not {kind_of(node)}")
        if amount >= 1_000_000 and not found.endswith("m"):
            return _fault(faults, node, f"{what}: {found} cores are more than any machine has; write {found}m for "
                                        "millicores")  # fmt: skip
        return amount

    def schema(self) -> dict[str, Any]:
        return {"type": ["number", "string"], "pattern": r"^[0-9]+(\.[0-9]+)?m?$", "exclusiveMinimum": 0}


@dataclass(frozen=True, slots=True)
class Memory:
    """An amount of memory, in MB; with `unit` `g` in GB."""

    unit: str = "m"

    def read(self, node: Node, what: str, faults: Faults) -> int | None:
        found = documents.text(node)
        amount = quantities.memory_mb(found, self.unit) if found is not None else None
        if amount is None:
            plain = "4096 (MB)" if self.unit == "m" else "40 (GB)"
            return _fault(
                faults, node, f"{what} must be an amount such as 4GiB, 512MiB or {plain}, not {kind_of(node)}"
            )
        return amount if self.unit == "m" else -(-amount // 1024)

    def schema(self) -> dict[str, Any]:
        return {
            "type": ["number", "string"],
            "pattern": r"^[0-9]+(\.[0-9]+)? *([kKmMgGtT]([iI]?[bB])?)?$",
            "exclusiveMinimum": 0,
        }


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time, in seconds."""

    def read(self, node: Node, what: str, faults: Faults) -> int | None:
        found = documents.text(node)
        amount = quantities.seconds(found) if found is not None else None
        if amount is None or amount > INT32_MAX:
            return _fault(faults, node, f"{what} must be a length of time such as 90s, 10m or 2h, not {kind_of(node)}")
        return amount

    def schema(self) -> dict[str, Any]:
        return {"type": ["integer", "string"], "pattern": "^([0-9]+[smhd])+$|^[0-9]+$", "minimum": 0}


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts."""

    def read(self, node: Node, what: str, faults: Faults) -> list[str] | None:
        if not isinstance(node, SequenceNode):
            advice = f": write [{node.value}]" if isinstance(node.value, str) and node.value else ""
            return _fault(faults, node, f"{what} must be a list of texts, not {kind_of(node)}{advice}")
        one = Text(may_be_empty=True)
        found = [one.read(item, f"{what}[{at}]", faults) for at, item in enumerate(node.value)]
        return None if None in found else [text for text in found if text is not None]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": Text(may_be_empty=True).schema()}


@dataclass(frozen=True, slots=True)
class TextMap:
    """Keys and texts."""

    def read(self, node: Node, what: str, faults: Faults) -> dict[str, str] | None:
        if not isinstance(node, MappingNode):
            return _fault(faults, node, f"{what} must be keys and values (`KEY: value`), not {kind_of(node)}")
        one = Text(may_be_empty=True)
        found: dict[str, str] = {}
        for key, key_node, value in documents.pairs(node, faults):
            if not key.strip() or (what == "env" and "=" in key):
                faults.at(key_node, f"{what}: {key!r} is not a name")
                continue
            text = one.read(value, f"{what}.{key}", faults)
            if text is not None:
                found[key] = text
        return found

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": Text(may_be_empty=True).schema()}


@dataclass(frozen=True, slots=True)
class Field:
    """A key: its kind of value, its name in the API (where it differs), and a sentence for people."""

    name: str
    kind: Kind
    about: str
    to: str | None = None
    needed: bool = False
    example: str | None = None

    @property
    def api_name(self) -> str:
        return self.to or self.name


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping with known keys. `short` reads what is not a mapping; `build` turns the values into the API's form."""

    fields: Sequence[Field]
    short: Callable[[Node, str, Faults], Any] | None = None
    short_schema: Mapping[str, Any] | None = None
    build: Callable[[dict[str, Any]], Any] | None = None

    def read(self, node: Node, what: str, faults: Faults) -> Any:
        if not isinstance(node, MappingNode):
            if self.short is not None:
                return self.short(node, what, faults)
            keys = ", ".join(field.name for field in self.fields[:4])
            return _fault(faults, node, f"{what} must be a mapping with keys such as {keys}, not {kind_of(node)}")
        before = len(faults.found)
        values = read_fields(node, self.fields, faults, what)
        missing = [field.name for field in self.fields if field.needed and field.api_name not in values]
        if missing and len(faults.found) == before:
            return _fault(faults, node, f"{what} needs {' and '.join(missing)}")
        if len(faults.found) > before:
            return None
        return values if self.build is None else self.build(values)

    def schema(self) -> dict[str, Any]:
        mapping = object_schema(self.fields)
        return mapping if self.short_schema is None else {"anyOf": [dict(self.short_schema), mapping]}


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items are of one kind."""

    item: Kind

    def read(self, node: Node, what: str, faults: Faults) -> list[Any] | None:
        if not isinstance(node, SequenceNode):
            return _fault(faults, node, f"{what} must be a list (`- …`), not {kind_of(node)}")
        found = [self.item.read(item, f"{what}[{at}]", faults) for at, item in enumerate(node.value)]
        return None if None in found else found

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema()}


def read_fields(node: MappingNode, fields: Sequence[Field], faults: Faults, what: str = "") -> dict[str, Any]:
    """The values of a mapping by their names in the API; unknown keys are faults with the nearest known one."""
    known = {field.name: field for field in fields}
    values: dict[str, Any] = {}
    for key, key_node, value in documents.pairs(node, faults):
        field = known.get(key)
        if field is None:
            where = f" in {what}" if what else ""
            faults.at(key_node, f"unknown key {key!r}{where}{nearest(key, known)}")
            continue
        documents.no_tag(value, faults)
        inner = f"{what}.{key}" if what else key
        found = field.kind.read(value, inner, faults)
        if found is not None:
            values[field.api_name] = found
    return values


def object_schema(fields: Sequence[Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in fields:
        example = {"examples": [field.example]} if field.example is not None else {}
        properties[field.name] = {"description": field.about, **field.kind.schema(), **example}
    needed = [field.name for field in fields if field.needed]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def nearest(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """`; did you mean 'image'?`, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def _fault(faults: Faults, node: Node, message: str) -> None:
    faults.at(node, message)
