"""The Alembic environment: one chain of revisions for each database, run by `upgrade`."""
