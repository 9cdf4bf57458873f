"""What can go wrong with product instances, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotFound, UsageError


class InstanceNotFound(NotFound):
    """There is no instance {id!r}."""

    code = "instance.not_found"
    hint = "See what there is with: shopctl instance list"


class InstanceNotYet(NotFound):
    """Instance {id} was created only at {created_at}."""

    code = "instance.not_yet"
    hint = "Ask for a later moment; see them with: shopctl instance history {id}"


class InvalidTransition(Conflict):
    """Instance {id} is {state} and cannot {trigger}."""

    code = "instance.invalid_transition"
    hint = "From {state} there is: {possible}"


class InstanceStale(Conflict):
    """Instance {id} is at version {version} by now, not at {expected}."""

    code = "instance.stale"
    hint = "Look at it again with: shopctl instance show {id}"


class InstanceClosed(Conflict):
    """Instance {id} is {state} and takes no changes."""

    code = "instance.closed"
    hint = "See how it came to that with: shopctl instance history {id}"


class InstanceTaken(Conflict):
    """There is an instance {id} already, of another customer or product."""

    code = "instance.taken"
    hint = "Look at it with: shopctl instance show {id}"


class PartsAlive(Conflict):
    """Instance {id} cannot {trigger} while a part of it lives: {part} is {state}."""

    code = "instance.parts_alive"
    hint = "See its parts with: shopctl instance list --parent {id}"


class InvalidRelation(InvalidData):
    """Instance {id} cannot be put to {other}: {reason}."""

    code = "instance.invalid_relation"
    hint = "Look at the other one with: shopctl instance show {other}"


class InvalidInstance(InvalidData):
    """{field}: {reason}."""

    code = "instance.invalid_field"
    hint = "Mend {field}; nothing was changed."


class BadInstanceCondition(UsageError):
    """The condition {text!r} cannot be used: {reason}."""

    code = "instance.bad_condition"
    hint = "Write FIELD=VALUE or FIELD!=VALUE, such as configuration.region=eu, state!=terminated or sku=HOST-1."


class BadAttribute(UsageError):
    """{text!r} cannot name an attribute."""

    code = "instance.bad_attribute"
    hint = "Write it as region or network.zone: letters, digits, blanks and -_ between the dots."
