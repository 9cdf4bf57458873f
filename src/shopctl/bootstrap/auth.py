"""The Authentication Server, wired; nothing else is handed its database."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.bootstrap.ground import Ground
from shopctl.storage.database import Database

if TYPE_CHECKING:
    from shopctl.audit.service import Audit
    from shopctl.auth.exporting import UserExportService
    from shopctl.auth.importing.service import UserImportService
    from shopctl.auth.keys import KeyService
    from shopctl.auth.logins import LoginService
    from shopctl.auth.personal_tokens import PersonalTokenService
    from shopctl.auth.roles import RoleService
    from shopctl.auth.second_factors import SecondFactorService
    from shopctl.auth.system import AuthSystem
    from shopctl.auth.tokens import TokenService
    from shopctl.auth.users import UserService
    from shopctl.auth.verifying import VerificationService
    from shopctl.storage.sealing import Sealer


class AuthServices(Ground):
    """Users, roles, logins, tokens and keys."""

    @cached_property
    def auth_database(self) -> Database:
        """The Authentication Database, its schema checked; nothing but the Authentication Server is handed it."""
        from shopctl.authdb.opening import open_auth_database

        return open_auth_database(self.settings.auth_database_url)

    @cached_property
    def auth_audit(self) -> Audit:
        """The trail of who changed what in the Authentication Database."""
        from shopctl.audit.service import Audit

        key_file = self.settings.audit_key_file
        return Audit(
            self.auth_database, key_file, system="auth", reason=self.reason, actor=self.actor, clock=self.clock
        )

    @cached_property
    def auth(self) -> AuthSystem:
        """The ground that the use cases of the Authentication Server stand on."""
        from shopctl.auth.system import AuthSystem, Policy

        settings = self.settings
        policy = Policy(
            issuer=settings.get("auth.issuer"),
            audience=settings.get("auth.audience"),
            algorithm=settings.get("auth.algorithm"),
            access_token_seconds=settings.get("auth.access_token_seconds"),
            refresh_token_seconds=settings.get("auth.refresh_token_seconds"),
            session_seconds=settings.get("auth.session_seconds"),
            key_rotation_days=settings.get("auth.key_rotation_days"),
            password_minimum=settings.get("auth.password.minimum"),
            password_minimum_with_second_factor=settings.get("auth.password.minimum_with_second_factor"),
            bcrypt_cost=settings.get("auth.password.bcrypt_cost"),
            throttle_attempts=settings.get("auth.throttle.attempts"),
            throttle_longest_wait=settings.get("auth.throttle.longest_wait_seconds"),
            shop_name=settings.base.name,
        )
        return AuthSystem(self.auth_database, self.auth_audit, self.clock, self.auth_sealer, policy)

    @cached_property
    def auth_sealer(self) -> Sealer:
        """What seals the columns of the Authentication Database."""
        from shopctl.authdb.sealed import COLUMNS

        return self._sealer("auth", COLUMNS)

    @cached_property
    def logins(self) -> LoginService:
        """Proofs of who somebody is."""
        from shopctl.auth.logins import LoginService

        return LoginService(self.auth)

    @cached_property
    def users(self) -> UserService:
        """People and services."""
        from shopctl.auth.users import UserService

        return UserService(self.auth, self.logins)

    @cached_property
    def second_factors(self) -> SecondFactorService:
        """One-time passwords and recovery codes."""
        from shopctl.auth.second_factors import SecondFactorService

        return SecondFactorService(self.auth)

    @cached_property
    def user_imports(self) -> UserImportService:
        """Users out of files."""
        from shopctl.auth.importing.service import UserImportService

        return UserImportService(self.auth, rejects_folder=str(self.settings.home / "rejects"))

    @cached_property
    def user_exports(self) -> UserExportService:
        """Users into files."""
        from shopctl.auth.exporting import UserExportService

        return UserExportService(self.auth)

    @cached_property
    def roles(self) -> RoleService:
        """Named sets of permissions."""
        from shopctl.auth.roles import RoleService

        return RoleService(self.auth)

    @cached_property
    def keys(self) -> KeyService:
        """Signing keys."""
        from shopctl.auth.keys import KeyService

        return KeyService(self.auth)

    @cached_property
    def tokens(self) -> TokenService:
        """Tokens, issued and revoked."""
        from shopctl.auth.tokens import TokenService

        return TokenService(self.auth, self.logins)

    @cached_property
    def personal_tokens(self) -> PersonalTokenService:
        """Tokens that users make for their programs."""
        from shopctl.auth.personal_tokens import PersonalTokenService

        return PersonalTokenService(self.auth)

    @cached_property
    def verification(self) -> VerificationService:
        """Tokens, verified."""
        from shopctl.auth.verifying import VerificationService

        return VerificationService(self.auth)

    def _user_id(self, who: str) -> str:
        # Only a user who is not named by his id has the Authentication Database opened.
        return str(self.users.show(who)["user_id"])
