"""Which permission each command asks for, where `cli.require_login` is on; one table for the gate and the docs."""

from __future__ import annotations

from collections.abc import Mapping

FREE = None
"""Anybody may run it: it shows a secret by itself, shows nothing of the shop, or is how one gets in or out."""

# A name in braces is the parameter that names the one resource it is about, or several of them: who holds
# `catalogue:write:MUG-*` may then run it for these. Users have three names each, so theirs ask for all.
PERMISSIONS: dict[str, str | None] = {
    "init": FREE,
    "demo": FREE,
    "doctor": FREE,
    "status": "config:read",
    "catalogue show": "catalogue:read:{sku}",
    "catalogue list": "catalogue:read",
    "catalogue search": "catalogue:read",
    "catalogue export": "catalogue:read",
    "catalogue history": "catalogue:read:{sku}",
    "catalogue diff": "catalogue:read",
    "catalogue stats": "catalogue:read",
    "catalogue evaluate": "catalogue:read",
    "catalogue imports": "catalogue:read",
    "catalogue import": "catalogue:write",
    "catalogue apply": "catalogue:write",
    "catalogue rollback": "catalogue:write",
    "catalogue set": "catalogue:write:{sku}",
    "catalogue publish": "catalogue:write:{skus}",
    "catalogue retire": "catalogue:write:{skus}",
    "catalogue reindex": "catalogue:write",
    "stock show": "stock:read:{sku}",
    "stock reservations": "stock:read:{sku}",
    "stock set": "stock:write:{sku}",
    "stock adjust": "stock:write:{sku}",
    "stock release": "stock:write",
    "customer list": "customer:read",
    "customer show": "customer:read",
    "customer export": "customer:read",
    "customer add": "customer:write",
    "customer set": "customer:write",
    "customer address": "customer:write",
    "customer payment-method": "customer:write",
    "customer import": "customer:write",
    "customer erase": "customer:erase",
    "instance list": "instance:read",
    "instance show": "instance:read:{instance}",
    "instance history": "instance:read:{instance}",
    "instance index": "db:write",
    "instance modify": "instance:write",
    "instance renew": "instance:write",
    "instance suspend": "instance:write",
    "instance resume": "instance:write",
    "instance terminate": "instance:write",
    "instance upgrade": "instance:write",
    "template list": "provision:read",
    "template show": "provision:read",
    "template validate": "provision:read",
    "template graph": "provision:read",
    "template install": "provision:write",
    "provision plan": "provision:read",
    "provision start": "provision:write",
    "provision list": "provision:read",
    "provision show": "provision:read",
    "provision watch": "provision:read",
    "provision retry": "provision:write",
    "provision resume": "provision:write",
    "provision cancel": "provision:write",
    "provision approve": "provision:approve",
    "provision signal": "provision:write",
    "provision skip": "provision:write",
    "licence list": "licence:read",
    "licence add": "licence:write",
    "licence reveal": "licence:reveal",
    "store fsck": "db:read",
    "explain": "provision:read",
    "worker": "provision:write",
    "user list": "user:read",
    "user show": "user:read",
    "user hashes": "user:read",
    "user explain-permission": "user:read",
    "user review": "user:read",
    "user export": "user:write",
    "user add": "user:write",
    "user set": "user:write",
    "user disable": "user:write",
    "user enable": "user:write",
    "user unlock": "user:write",
    "user password": "user:write",
    "user secret": "user:write",
    "user mfa": "user:write",
    "user import": "user:write",
    "user grant": "user:write",
    "user revoke": "user:write",
    "role list": "role:read",
    "role show": "role:read",
    "role create": "role:write",
    "role delete": "role:write",
    "role permit": "role:write",
    "role forbid": "role:write",
    "token issue": FREE,
    "token refresh": FREE,
    "token verify": FREE,
    "token explain": FREE,
    "token revoke": "token:write",
    "token list": "token:read",
    "token personal": "token:read",
    "token create": "token:write",
    "key jwks": FREE,
    "key list": "key:read",
    "key rotate": "key:write",
    "key retire": "key:write",
    "key revoke": "key:write",
    "key reseal": "key:write",
    "login": FREE,
    "logout": FREE,
    "whoami": FREE,
    "event list": "event:read",
    "event show": "event:read",
    "event subscribers": "event:read",
    "event deliver": "event:write",
    "event replay": "event:write",
    "serve": "serve:run",
    "audit list": "audit:read",
    "audit verify": "audit:read",
    "audit checkpoint": "audit:read",
    "backup create": "backup:write",
    "backup list": "backup:read",
    "backup verify": "backup:read",
    "backup restore": "backup:write",
    "backup drill": "backup:write",
    "backup prune": "backup:write",
    "config show": "config:read",
    "config explain": "config:read",
    "config path": "config:read",
    "db status": "db:read",
    "db check": "db:read",
    "db upgrade": "db:write",
    "db move": "db:write",
    "db resume": "db:write",
    "plugin list": "plugin:read",
    "completion show": FREE,
    "completion install": FREE,
}

OWN = ("user show", "user explain-permission", "user password", "user mfa")
"""About himself everybody may run these; whoever changes what he logs in with shows his password once more."""


def asked(command: str, values: Mapping[str, object]) -> list[str]:
    """The permissions that a command asks for with these parameters, all of them; none where it is free.

    A command that is not in the table is a plugin's and asks for `plugin:run:NOUN`.
    """
    if command not in PERMISSIONS:
        return [f"plugin:run:{command.partition(' ')[0]}"]
    if command == "token revoke" and values.get("token") == "-":
        return []  # whoever has a token may give it up (RFC 7009, section 2.1)
    wanted = PERMISSIONS[command]
    if wanted is FREE:
        return []
    permission, _, name = wanted.partition(":{")
    named = values.get(name.removesuffix("}")) if name else None
    if isinstance(named, str):
        named = [named]
    if not isinstance(named, list) or not all(named):
        return [permission]
    return [f"{permission}:{each}" for each in named]
