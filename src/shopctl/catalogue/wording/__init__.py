"""Reads what a person types into a search: words, phrases, measures, models, mistakes, other names of a thing."""
