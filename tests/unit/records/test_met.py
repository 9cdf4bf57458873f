"""Keys that were met, by their lines."""

from __future__ import annotations

from shopctl.records.met import Met


def test_every_key_keeps_its_line_however_many_there_are() -> None:
    met = Met()
    for line in range(1, 20_001):
        met.add(f"key {line}", line)
    met.add("key 7", 30_000)

    assert len(met) == 20_000
    assert all(met.line_of(f"key {line}") == line for line in range(8, 20_001))
    assert met.line_of("key 7") == 30_000
    assert not any(met.line_of(f"other {line}") for line in range(20_000))
