"""The way to the present schema, one step per file in `versions`, applied by Alembic when the database is opened.

Steps expand first and contract a release later: the previous release must run on the new schema.
"""

HEAD = "0002"
"""The newest step. A database that is there already is opened without loading Alembic."""
COMPATIBLE_WITH = "0001"
"""The oldest schema whose program runs on this one: nothing that it reads or writes was taken away or made stricter.

It is noted in the database (`schema_compatible_with`), so that replicas of the release before may still start while the
others are upgraded. A step that contracts raises it.
"""
