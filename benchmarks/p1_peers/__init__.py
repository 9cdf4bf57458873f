"""What a big import is measured against: other ways of getting the same file into a database."""
