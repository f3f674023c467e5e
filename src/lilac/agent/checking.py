"""Checks of single settings, shared by the rooms that read the agent's file. Standard library only."""

from __future__ import annotations


class Wrong(Exception):
    """A value that cannot be; the text goes on after the setting's name, `key` names a key within a table."""

    def __init__(self, sentence: str, key: str | None = None) -> None:
        super().__init__(sentence)
        self.key = key


def text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong(f"must be text in quotes, not {kind(value)}")
    return value.strip()


def gigabytes(value: object) -> float:
    """A size in GB, as a number or (from the environment) as text; 0 or more."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Wrong(f"must be a number of GB such as 50, not {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"must be a number of GB such as 50, not {kind(value)}")
    if not 0 <= value < 1e9:
        raise Wrong(f"must be a number of GB such as 50, not {value}")
    return float(value)


def kind(value: object) -> str:
    words = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return words.get(type(value), f"a {type(value).__name__}")
