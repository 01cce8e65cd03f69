"""Who is signed in, from the claims of an ID token."""

from functions.dashboard.session import user_from_claims


def test_roles_decide_the_scopes() -> None:
    claims = {"name": "Meera Nair", "roles": ["collector", "nobody"]}
    user = user_from_claims(claims, "token", "roles")
    assert (user.name, user.scopes) == ("Meera Nair", frozenset({"book", "collect"}))
    assert user.may("book", "collect")
    assert not user.may("book", "decide")


def test_roles_may_be_nested_or_one_text() -> None:
    nested = {"sub": "x", "realm_access": {"roles": ["auditor"]}}
    assert user_from_claims(nested, "token", "realm_access.roles").roles == ("auditor",)
    assert user_from_claims({"roles": "risk officer"}, "t", "roles").roles == ("risk", "officer")


def test_somebody_without_roles_may_nothing() -> None:
    user = user_from_claims({"email": "a@example.org", "roles": None}, "token", "roles")
    assert (user.name, user.roles, user.scopes) == ("a@example.org", (), frozenset())


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(user_from_claims({"sub": "x"}, "secret", "roles"))
