"""What the Authentication Database refuses."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, NotFound


class UserNotFound(NotFound):
    """There is no user {name!r}."""

    code = "auth.user_not_found"
    hint = "See them all with: shopctl user list"


class RoleNotFound(NotFound):
    """There is no role {name!r}."""

    code = "auth.role_not_found"
    hint = "See them all with: shopctl role list; make one with: shopctl role create NAME"


class KeyNotFound(NotFound):
    """There is no signing key {kid!r}."""

    code = "auth.key_not_found"
    hint = "See them all with: shopctl key list"


class NameTaken(Conflict):
    """There is a user {name!r} already."""

    code = "auth.name_taken"
    hint = "Choose another name, or change that user: shopctl user set {name} …"


class EmailTaken(Conflict):
    """Another user has this e-mail address already."""

    code = "auth.email_taken"
    hint = "Find out who with: shopctl user show ADDRESS"


class StaleUser(Conflict):
    """User {name!r} was changed by somebody else meanwhile."""

    code = "auth.stale_user"
    hint = "Try again."
    retryable = True
