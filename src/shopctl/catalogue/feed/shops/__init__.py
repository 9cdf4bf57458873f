"""The formats of other shops: one module says how a shop's files are recognised, read into records and written."""
