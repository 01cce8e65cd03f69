"""Sessions of the dashboard without a browser: clients that speak Streamlit's protocol."""

import time
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

RUN_SECONDS = 60.0
XSRF = "_streamlit_xsrf="


@dataclass(frozen=True)
class Run:
    """What one run of a page sent: the texts of its figures, its exceptions, and the seconds."""

    figures: list[str]
    exceptions: list[str]
    seconds: float


def open_session(address: str, cookies: str) -> ClientConnection:
    """Open a session of whoever has these cookies."""
    [proof] = [part[len(XSRF) :] for part in cookies.split("; ") if part.startswith(XSRF)]
    url = f"{address.replace('http', 'ws')}/_stcore/stream"
    return connect(
        url,
        origin=Origin(address),
        # As the page does: the cookie again, where another host's page could not put it.
        subprotocols=[Subprotocol("streamlit"), Subprotocol(proof)],
        additional_headers={"Cookie": cookies},
        max_size=None,
        open_timeout=RUN_SECONDS,
    )


def start_run(session: ClientConnection, page: str) -> float:
    """Ask a session to run a page; return when."""
    message = BackMsg()
    message.rerun_script.page_name = page
    session.send(message.SerializeToString())
    return time.monotonic()


def finish_run(session: ClientConnection, began: float) -> Run:
    """Read what a session sends until its run has ended."""
    figures, exceptions = [], []
    while True:
        message = ForwardMsg()
        message.ParseFromString(session.recv(timeout=RUN_SECONDS))
        element = message.delta.new_element
        if element.HasField("metric"):
            figures.append(f"{element.metric.label} {element.metric.body}")
        if element.HasField("exception"):
            exceptions.append(element.exception.message)
        if message.HasField("script_finished"):
            return Run(figures, exceptions, time.monotonic() - began)
