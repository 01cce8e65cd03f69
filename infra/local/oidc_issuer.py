"""A local OpenID Connect issuer: it asks who you want to be, and says that it is local.

It listens on loopback alone and signs with a key that dies with it. The services check its tokens
as they check those of any issuer, so that locally, too, roles and branches are enforced.
"""

import argparse
import base64
import hashlib
import html
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

AUDIENCE = "surety"
CLIENT_ID = "surety-dashboard"
CLIENT_SECRET = "only-for-this-machine"  # noqa: S105 -- it guards nothing
TOKEN_SECONDS = 8 * 3600
CODE_SECONDS = 60
START_SECONDS = 10.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Local sign-in</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }}
p.local {{ border-left: 4px solid #c2570c; padding: .5rem 1rem; background: #fdf1e7 }}
ul {{ list-style: none; padding: 0 }} li {{ margin: .5rem 0 }}
a {{ display: block; padding: .75rem 1rem; border: 1px solid #737c88; border-radius: .5rem;
  color: #0b5cad; text-decoration: none }} a:focus, a:hover {{ outline: 3px solid #0b5cad }}
small {{ color: #4a525c; display: block }}</style>
<main><h1>Who are you today?</h1>
<p class="local">This sign-in is local: anybody on this machine may be anybody. A deployment
asks your own issuer instead.</p><ul>{people}</ul></main></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to be: a name, roles, and what the roles are about."""

    name: str
    title: str
    roles: tuple[str, ...]
    branches: tuple[int, ...] = ()
    customer_id: int | None = None

    def claims(self) -> dict[str, Any]:
        """Return what a token says about the person."""
        own: dict[str, Any] = {"name": self.name, "roles": list(self.roles)}
        if self.branches:
            own["branches"] = list(self.branches)
        if self.customer_id:
            own["customer_id"] = self.customer_id
        return own


PEOPLE: Mapping[str, Person] = {
    "officer": Person(
        name="Meera Nair", title="Loan officer, branch 1", roles=("officer",), branches=(1,)
    ),
    "officer-2": Person(
        name="Rohan Das", title="Loan officer, branch 2", roles=("officer",), branches=(2,)
    ),
    "collector": Person(
        name="Imran Sheikh", title="Collector, branch 1", roles=("collector",), branches=(1,)
    ),
    "manager": Person(
        name="Kavita Rao",
        title="Portfolio manager, branches 1 to 9",
        roles=("manager",),
        branches=tuple(range(1, 10)),
    ),
    "risk": Person(name="Daniel Mathew", title="Model-risk analyst", roles=("risk",)),
    "auditor": Person(name="Sunita Iyer", title="Auditor", roles=("auditor",)),
    "customer": Person(
        name="Customer 1101", title="Customer 1101", roles=("client",), customer_id=1101
    ),
    "admin": Person(name="Asha Menon", title="Administrator", roles=("admin",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What a code stands for until it is exchanged."""

    subject: str
    nonce: str | None
    challenge: str | None
    redirect_uri: str
    expires_at: float


@dataclass(slots=True)
class Issuer:
    """Issues tokens for people, as the ASGI application `app` and by `token`."""

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "local"}))
    _grants: dict[str, _Grant] = field(default_factory=dict)

    def token(self, subject: str, claims: Mapping[str, Any], audience: str = AUDIENCE) -> str:
        """Sign a token."""
        now = int(time.time())
        standard = {"iss": self.url, "aud": audience, "sub": subject, "iat": now}
        standard["exp"] = now + TOKEN_SECONDS
        return jwt.encode({"alg": "ES256", "kid": "local"}, {**standard, **claims}, self.key)

    def app(self) -> Starlette:
        """Return the issuer's routes."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._choose),
                Route("/sign-in/{subject}", self._sign_in),
                Route("/token", self._exchange, methods=["POST"]),
                Route("/favicon.ico", self._no_icon),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def _jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False) | {"alg": "ES256"}]})

    async def _choose(self, request: Request) -> Response:
        query = html.escape(str(request.url.query))
        people = "".join(
            f'<li><a href="/sign-in/{subject}?{query}">{html.escape(person.name)}'
            f"<small>{html.escape(person.title)}</small></a></li>"
            for subject, person in PEOPLE.items()
        )
        return HTMLResponse(PAGE.format(people=people))

    async def _sign_in(self, request: Request) -> Response:
        query = request.query_params
        subject, redirect_uri = request.path_params["subject"], query.get("redirect_uri", "")
        is_here = redirect_uri.startswith(("http://localhost:", "http://127.0.0.1:"))
        if subject not in PEOPLE or query.get("client_id") != CLIENT_ID or not is_here:
            return JSONResponse({"error": "invalid_request"}, HTTPStatus.BAD_REQUEST)
        code = secrets.token_urlsafe()
        self._grants[code] = _Grant(
            subject=subject,
            nonce=query.get("nonce"),
            challenge=query.get("code_challenge"),
            redirect_uri=redirect_uri,
            expires_at=time.time() + CODE_SECONDS,
        )
        answer = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{redirect_uri}?{answer}", HTTPStatus.FOUND)

    async def _no_icon(self, _request: Request) -> Response:
        """Answer what every browser asks for, so that its console stays without errors."""
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _exchange(self, request: Request) -> Response:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or not _is_proper(request, form, grant):
            return JSONResponse({"error": "invalid_grant"}, HTTPStatus.BAD_REQUEST)
        claims = PEOPLE[grant.subject].claims()
        nonce = {"nonce": grant.nonce} if grant.nonce else {}
        return JSONResponse(
            {
                "access_token": self.token(grant.subject, claims),
                "id_token": self.token(grant.subject, {**claims, **nonce}, CLIENT_ID),
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
            }
        )


def _is_proper(request: Request, form: Mapping[str, str], grant: _Grant) -> bool:
    """Whether the client that was sent the code exchanges it, in time."""
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (
        request.headers.get("authorization") == f"Basic {basic}"
        and form.get("redirect_uri") == grant.redirect_uri
        and grant.challenge in {None, challenge}
        and time.time() < grant.expires_at
    )


def main() -> None:
    """Serve an issuer until it is stopped, for the containers of one machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="another only inside a container")
    options = parser.parse_args()
    issuer = Issuer(f"http://localhost:{options.port}")
    uvicorn.run(issuer.app(), host=options.host, port=options.port, log_level="warning", ws="none")


@contextmanager
def running_issuer(port: int) -> Iterator[Issuer]:
    """Serve an issuer on loopback, in a thread.

    Raises
    ------
    OSError
        If it does not start: another process may have the port.
    """
    issuer = Issuer(f"http://localhost:{port}")
    config = uvicorn.Config(issuer.app(), host="127.0.0.1", port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="issuer", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            message = f"the local issuer did not start on port {port}"
            raise OSError(message)
        time.sleep(0.02)
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join(timeout=5)


if __name__ == "__main__":
    main()
