"""What the tests stand on: a shop driven through real processes, and a PostgreSQL server of their own."""
