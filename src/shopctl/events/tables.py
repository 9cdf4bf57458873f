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
        Index("ix_event_xid", "xid", "number").ddl_if(dialect="postgresql"),
    )

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    type: str
    subject: str  # the id of the run, instance, purchase … it is about
    at: int
    payload: str  # JSON object
    xid: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class Subscription(ShopTable, table=True):
    """How far a subscriber has read, and how it fares with the event that comes next."""

    name: str = Field(primary_key=True)
    log: str  # whose numbers these are: another database's tell nothing here
    position: int  # `xid` of the last event that is done; 0 on SQLite
    number: int  # its number: what comes behind both, in this order, is to be delivered
    attempts: int = 0  # how often the next event has failed
    next_at: int = 0  # no delivery before
    error: str | None = None  # of the last attempt


class EventSetAside(ShopTable, table=True):
    """An event that a subscriber failed to take again and again; kept until it is delivered by hand."""

    __tablename__ = "event_set_aside"

    subscriber: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    attempts: int
    error: str
    at: int
