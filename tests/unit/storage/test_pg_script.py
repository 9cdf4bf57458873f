"""The SQL of pg_dump, read piece by piece, wherever the pieces are cut."""

from __future__ import annotations

import pytest

from shopctl.storage.backup.pg_script import row_counts, statements

SCRIPT = rb"""--
-- PostgreSQL database dump
--

\restrict abc

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.mug (
    id bigint NOT NULL,
    name text DEFAULT 'a;
b'::text
);

COPY public.mug (id, name) FROM stdin;
1	one
2	\\.
3	a\nb;
\.


COPY public."order" (id) FROM stdin;
\.


SELECT pg_catalog.setval('public.mug_id_seq', 3, true);

\unrestrict abc
"""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_statements_and_rows_come_apart_however_they_arrive(size: int) -> None:
    pieces = [SCRIPT[at : at + size] for at in range(0, len(SCRIPT), size)]
    found = [(each.sql.split(b"(")[0].strip(), each.table, b"".join(each.rows)) for each in statements(pieces)]
    assert found == [
        (b"CREATE TABLE public.mug", None, b""),
        (b"COPY public.mug", "mug", b"1\tone\n2\t\\\\.\n3\ta\\nb;\n"),
        (b'COPY public."order"', "order", b""),
        (b"SELECT pg_catalog.setval", None, b""),
    ]
    assert row_counts(pieces) == {"mug": 3, "order": 0}


def test_rows_that_nobody_reads_are_passed_over() -> None:
    assert [each.table for each in statements([SCRIPT])] == [None, "mug", "order", None]


@pytest.mark.parametrize("end", [b"3\ta", b"CREATE TABLE public.mug (\n", b"COPY public.mug (id, name) FROM stdin;\n1"])
def test_an_end_in_the_middle_is_noticed(end: bytes) -> None:
    with pytest.raises(ValueError, match="middle"):
        row_counts([SCRIPT[: SCRIPT.index(end) + len(end)]])
