"""The edge to SQL: tables, queries, migrations, and the thread that runs them for the daemon."""
