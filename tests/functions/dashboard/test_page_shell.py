"""The page that starts Streamlit is told where its server is; nothing else is touched."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from functions.dashboard.page_shell import SCRIPT, PageShellMiddleware
from tests.functions.dashboard.conftest import get

PAGE = "<html><head><title>x</title></head><body></body></html>"


async def page(request: Request) -> Response:
    encoding = request.headers.get("accept-encoding", "none")
    return HTMLResponse(PAGE, headers={"etag": '"1"', "x-asked": encoding})


async def document(_request: Request) -> Response:
    return JSONResponse({"html": "</head>"})


APP = PageShellMiddleware(Starlette(routes=[Route("/", page), Route("/json", document)]))


def test_the_script_stands_in_the_head_of_a_page() -> None:
    response = get(APP, accept="text/html")
    assert response.text == PAGE.replace("</head>", f"{SCRIPT.decode()}</head>")
    assert response.headers["content-length"] == str(len(response.content))
    assert "etag" not in response.headers
    assert response.headers["x-asked"] == "none"


def test_another_response_is_passed_on() -> None:
    assert get(APP, "/json").json() == {"html": "</head>"}
