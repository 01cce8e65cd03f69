"""An issuer of tokens for this machine: who may call the local APIs, in which role and branch.

Its key exists in the memory of this process alone, and its public half in a file that the APIs
read. Whoever may read the folder may act in every role: it is for seeded data on loopback.
"""

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

NAME, AUDIENCE, ALGORITHM = "surety-local-issuer", "surety-local", "ES256"
SECONDS = 7 * 24 * 3600
FIRST_CUSTOMER = 1101
PRIVATE = 0o700
SERVICE = "loan-book"  # as which the loan book calls the scoring function
# Who there is, and the claims that decide what each may do and see.
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "officer": {"roles": ["officer"], "branches": [1]},
    "collector": {"roles": ["collector"], "branches": [1]},
    "manager": {"roles": ["manager"], "branches": [1]},
    "second-manager": {"roles": ["manager"], "branches": [1]},
    "risk": {"roles": ["risk"]},
    "auditor": {"roles": ["auditor"]},
    "client": {"roles": ["client"], "customer_id": FIRST_CUSTOMER},
    "admin": {"roles": ["admin"]},
    SERVICE: {"roles": ["client"]},
}


def issue_tokens(folder: Path) -> dict[str, str]:
    """Write a token of each person to a file of its name, and the public key; return the tokens."""
    key = ECKey.generate_key("P-256")
    kid = secrets.token_hex(8)
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    folder.chmod(PRIVATE)
    public = {"keys": [key.as_dict(private=False, kid=kid)]}
    (folder / "jwks.json").write_text(json.dumps(public))
    now = int(time.time())
    tokens = {}
    for person, claims in PEOPLE.items():
        registered = {"iss": NAME, "aud": AUDIENCE, "sub": person, "iat": now, "exp": now + SECONDS}
        tokens[person] = jwt.encode({"alg": ALGORITHM, "kid": kid}, {**registered, **claims}, key)
        (folder / person).write_text(tokens[person])
    return tokens


def settings(folder: Path) -> dict[str, str]:
    """Return what an API is told that trusts this issuer."""
    return {
        "AUTH": "jwt",
        "JWT_ISSUER": NAME,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_ALGORITHMS": ALGORITHM,
        "JWT_JWKS": str(folder / "jwks.json"),
    }
