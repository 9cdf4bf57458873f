"""What the Authentication Server refuses."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotAllowed, NotFound, UsageError


class LoginRefused(NotAllowed):
    """The name, the password or the code is not right."""

    # One class and one text for an unknown user, a wrong password, a disabled account and a missing code: who guesses
    # learns nothing (S5).
    code = "auth.login_refused"
    hint = "If you forgot it, have somebody set another: shopctl user password NAME"


class Throttled(NotAllowed):
    """Too many failed logins; the next one is taken in {seconds} s."""

    code = "auth.throttled"
    hint = "Wait, or log in from another place; an operator can lift it with: shopctl user unlock NAME"
    retryable = True


class CodeNeeded(NotAllowed):
    """The password is right; this account asks for a one-time code too."""

    code = "auth.code_needed"
    hint = "Give the code of your generator, or a recovery code, on the line below the password or at the prompt."


class CodeWrong(NotAllowed):
    """The code is not right, or was used already."""

    code = "auth.code_wrong"
    hint = "Wait for the next code; the clocks of both machines must agree to half a minute."


class NoSecondFactor(Conflict):
    """{name!r} has no second factor that could be used or confirmed."""

    code = "auth.no_second_factor"
    hint = "Begin with: shopctl user mfa {name} --enrol"


class InvalidGrant(NotAllowed):
    """The refresh token is not good any more: {reason}."""

    code = "auth.invalid_grant"
    hint = "Log in again with: shopctl login"


class InvalidAudience(InvalidData):
    """{audience!r} cannot be the audience of a token."""

    code = "auth.invalid_audience"
    hint = "Name the service that takes the token, such as warehouse or https://warehouse.example.org"


class PasswordNeedsFactor(Conflict):
    """The password of {name!r} is long enough only beside a second factor."""

    code = "auth.password_needs_factor"
    hint = "Give a longer one first: shopctl user password {name}"


class ScopeNotGranted(NotAllowed):
    """{who} has nothing of the scope asked for: {scope}."""

    code = "auth.scope_not_granted"
    hint = "See what there is with: shopctl user show {who}"


class WrongKindOfUser(Conflict):
    """{name!r} is a {kind}, and {what}."""

    code = "auth.wrong_kind"
    hint = "See it with: shopctl user show {name}"


class RoleExists(Conflict):
    """There is a role {name!r} already."""

    code = "auth.role_exists"
    hint = "Change it with: shopctl role permit {name} PERMISSION"


class RoleInUse(Conflict):
    """Role {name!r} is still used: {by}."""

    code = "auth.role_in_use"
    hint = "Take it away first: shopctl user revoke NAME --role {name}; shopctl role forbid ROLE --inherit {name}"


class LastOwner(Conflict):
    """After this nobody would be left who may do everything (*), and permit it to others: {verb} {name}."""

    code = "auth.last_owner"
    hint = "Give it to somebody else first: shopctl user grant NAME '*'; or go on with: --confirm {name}"


class RoleCycle(Conflict):
    """{role!r} cannot inherit from {parent!r}, which inherits from {role!r} itself: {path}."""

    code = "auth.role_cycle"
    hint = "See what inherits from what with: shopctl role show {parent}"


class KeyInUse(Conflict):
    """Key {kid} cannot be retired: {reason}."""

    code = "auth.key_in_use"
    hint = "{remedy}"


class TokenNotFound(NotFound):
    """There is no such token."""

    code = "auth.token_not_found"
    hint = "See those that are good with: shopctl token list"


class NothingToChange(UsageError):
    """There is nothing to {verb}."""

    code = "usage.nothing_to_change"
    hint = "Name {what}; see: shopctl {command} --help"
