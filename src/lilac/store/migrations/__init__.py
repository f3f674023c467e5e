"""The way to the present schema, one step per file in `versions`, applied by Alembic when the database is opened.

Steps expand first and contract a release later: the previous release must run on the new schema.
"""

HEAD = "0002"
"""The newest step. A database that is there already is opened without loading Alembic."""
