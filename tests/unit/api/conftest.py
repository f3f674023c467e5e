"""The fixtures of `fixtures.py`."""

from tests.unit.api.fixtures import admin, empty_database, house, nobody

__all__ = ["admin", "empty_database", "house", "nobody"]
