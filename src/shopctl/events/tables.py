"""Where events are stored: the outbox, which is the history too, and how far each subscriber has read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from shopctl.storage.tables import ShopTable


class Event(ShopTable, table=True):
    """What happened, written with the change itself; never altered afterwards.

    On PostgreSQL numbers are given before they are committed, so readers stop below the oldest open `xid`.
    """

    __table_args__ = (
        Index("ix_event_subject_number", "subject", "number"),
        Index("ix_event_xid", "xid").ddl_if(dialect="postgresql"),
    )

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    type: str
    subject: str  # the id of the run, instance, purchase … it is about
    at: int
    payload: str  # JSON object
    xid: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class Subscription(ShopTable, table=True):
    """How far a subscriber has read: everything before `position` is done."""

    name: str = Field(primary_key=True)
    position: int  # of the first event that is not, by number on SQLite and by `xid` on PostgreSQL
    number: int = 0  # the last number done among those of the same `xid`
