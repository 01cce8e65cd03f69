"""The least an ASGI application can do, on the same server and settings as the scoring function."""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send


async def empty(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with a constant."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"ok":true}'})


if __name__ == "__main__":
    uvicorn.run(
        empty,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
    )
