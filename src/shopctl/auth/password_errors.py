"""What can be wrong with a password or with a stored hash; none of these ever holds the password itself."""

from __future__ import annotations

from shopctl.kernel.errors import InvalidData, UsageError


class PasswordTooShort(InvalidData):
    """The password has {length} characters, {minimum} are needed."""

    code = "auth.password_too_short"
    hint = "Four random words make a good one; spaces and every other character are welcome."


class PasswordTooLong(InvalidData):
    """The password has {length} characters, {maximum} are the most."""

    code = "auth.password_too_long"
    hint = "Take a shorter one; 20 random characters or six random words are beyond guessing."


class PasswordNotText(InvalidData):
    """The password is not valid text."""

    code = "auth.password_not_text"
    hint = "Give it as UTF-8."


class PasswordCommon(InvalidData):
    """The password is among those that are tried first: a leaked one, or one built of common parts."""

    code = "auth.password_common"
    hint = "Take four or more random words, or let a password safe make one."


class PasswordPersonal(InvalidData):
    """The password is little more than the name of its user, the e-mail address or the shop."""

    code = "auth.password_personal"
    hint = "Take four or more random words that have nothing to do with the account."


class PolicyTooWeak(UsageError):
    """A password policy of at least {minimum} and at most {maximum} characters is not allowed."""

    code = "auth.password_policy_too_weak"
    hint = "Ask for 8 characters or more and accept 64 or more (NIST SP 800-63B-4, section 3.1.1.2)."


class CostOutOfRange(UsageError):
    """The bcrypt cost {cost} is not between {lowest} and {highest}."""

    code = "auth.bcrypt_cost_out_of_range"
    hint = "12 is the default; see what suits this machine with: shopctl user hashes --calibrate"


class PepperTooShort(UsageError):
    """The pepper has {length} bytes, {minimum} are needed."""

    code = "auth.pepper_too_short"
    hint = "Make one of random bytes; it is no password."


class UnknownHash(InvalidData):
    """The password hash is of no form that can be verified here."""

    code = "auth.unknown_hash"
    hint = "Known are bcrypt, argon2, scrypt and pbkdf2 as Django, passlib, Werkzeug and PHP write them."


class HashTooCostly(InvalidData):
    """To verify the password hash would take too much: {parameters}."""

    code = "auth.hash_too_costly"
    hint = "Such a hash could stop the server at every login; let the user set a new password instead."
