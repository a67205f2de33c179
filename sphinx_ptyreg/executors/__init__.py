"""Selectors on other machines, through ``concurrent.futures`` and an engine that exists."""
