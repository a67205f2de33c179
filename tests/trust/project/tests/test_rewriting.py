"""Reads a file and then writes it."""

from pathlib import Path


def test_rewriting():
    file = Path("work/counter.txt")
    file.write_text(file.read_text(encoding="utf-8") + "x", encoding="utf-8")
