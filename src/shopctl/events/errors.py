"""What can go wrong with events, by name."""

from __future__ import annotations

from shopctl.kernel.errors import NotFound, Partial, UsageError


class EventNotFound(NotFound):
    """There is no event {id!r}."""

    code = "event.not_found"
    hint = "See those there are with: shopctl event list"


class SubscriberNotFound(NotFound):
    """There is no subscriber {name!r}; there are: {names}."""

    code = "event.subscriber_not_found"
    hint = "See how each of them fares with: shopctl event subscribers"


class NothingToReplay(UsageError):
    """It is not said which events are to be delivered again."""

    code = "event.nothing_to_replay"
    hint = "Name events, or give --set-aside, --type, --subject, --since or --until."


class EventsSetAside(Partial):
    """{count} event{plural} could not be delivered and {were} set aside."""

    code = "event.set_aside"
    hint = "See them with: shopctl event list --set-aside; mend the cause, then: shopctl event replay NAME --set-aside"


class ReplayFailed(Partial):
    """{failed} of {count} events were not taken again by {subscriber}."""

    code = "event.replay_failed"
    hint = "See why with: shopctl event show EVENT"
