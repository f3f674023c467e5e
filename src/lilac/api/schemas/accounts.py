"""Signing in, accounts and API keys."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Body, Flag, NewPassword, Password, Shape, Text, Time, Username
from lilac.model.accounts import KeyScope, Role


class LoginBody(Body):
    username: Text
    password: Password


class SignUpBody(Body):
    username: Username
    password: NewPassword
    first_name: Text | None = None
    last_name: Text | None = None


class PasswordBody(Body):
    old_password: Password
    new_password: NewPassword


class NewUserBody(SignUpBody):
    role: Role = Role.MEMBER


class UserChangesBody(Body):
    role: Role | None = None
    password: NewPassword | None = None
    disabled: Flag | None = None
    first_name: Text | None = None
    last_name: Text | None = None


class NewKeyBody(Body):
    name: Text | None = None
    expires_at: Time | None = None
    scope: KeyScope | None = None


class TokenShape(Shape):
    access_token: str
    token_type: str = Field(examples=["Bearer"])


class UserIdShape(Shape):
    user_id: str


class ProfileShape(Shape):
    user_id: str
    username: str
    first_name: str | None
    last_name: str | None
    role: Role


class OwnProfileShape(ProfileShape):
    scope: KeyScope = Field(description="How much of the role the credential of this call carries.")


class SessionShape(OwnProfileShape):
    expires_at: str | None = Field(description="When the credential ends; a browser renews it before.")
    session_ends_at: str | None = Field(
        description="When a browser has to sign in again unless it renews; null for others."
    )


class PolicyShape(Shape):
    sign_up: bool = Field(description="Whether anybody may make an account.")
    sign_up_names: bool = Field(description="Whether only certain names may.")
    first_run: bool = Field(description="Whether there is no account yet but the first administrator's.")
    first_administrator: str = Field(description="What the first start called its administrator.")
    hint: str | None = Field(description="Where the first administrator finds the password, in the first run.")
    password_min_length: int
    password_max_length: int


class UserShape(ProfileShape):
    created_at: str
    disabled: bool


class UsersShape(Shape):
    users: list[UserShape]


class NewKeyShape(Shape):
    id: str
    prefix: str
    key: str = Field(description="The key itself, shown only here.")
    created_at: str
    name: str
    expires_at: str | None
    scope: KeyScope


class KeyShape(Shape):
    id: str
    prefix: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    name: str
    scope: KeyScope


class ClusterKeyShape(KeyShape):
    cluster_id: str
