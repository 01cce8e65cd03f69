"""Sparklines of the last month ends, over the OpenAPI documents."""

from urllib.parse import parse_qs, urlsplit

from functions.client.endpoints import Call, ResponseType
from functions.client.errors import RefusedError
from functions.dashboard.display import t
from tests.functions.dashboard.conftest import OpenPage, metrics, texts
from tests.functions.dashboard.test_risk_pages import FIGURES, line, queries_to
from tests.support.fake_api import FakeApi, Json

AGEING = f"{FIGURES}/month-ageing"
BUCKETS = {"current": "60.00", "1-30": "20.00", "31-60": "15.00", "90+": "5.00"}
NONE = RefusedError(404, "Not Found", "no month end on record")


def let_months_answer(api: FakeApi, *month_ends: str) -> None:
    """Let the loan book have these month ends on record, the newest first."""
    ask = api.request

    def request(call: Call[ResponseType]) -> ResponseType:
        address = urlsplit(call.path)
        if address.path == AGEING:
            month = parse_qs(address.query).get("month", [month_ends[0][:7]])[0]
            days = [day for day in month_ends if day.startswith(month)]
            api.errors = {} if days else {AGEING: NONE}
            api.answers[AGEING] = ageing(days[0]) if days else {}
        return ask(call)

    api.request = request  # type: ignore[method-assign]  # of this one


def ageing(as_of: str) -> Json:
    lines = [
        line("month-ageing", bucket=name) | {"amount": amount, "number": 3}
        for name, amount in BUCKETS.items()
    ]
    return {"figure": "month-ageing", "as_of": as_of, "basis": "reported", "lines": lines}


def test_the_last_month_ends_are_tiles_with_their_table(api: FakeApi, open_page: OpenPage) -> None:
    let_months_answer(api, "2026-02-28", "2026-01-31", "2025-12-31")
    app = open_page("risk")
    assert not app.exception
    tiles = metrics(app)
    assert (tiles["PAR 30, month end"], tiles["PAR 90, month end"]) == ("20.00 %", "5.00 %")
    assert queries_to(api, "month-ageing") == [
        *({}, {"month": "2026-01"}, {"month": "2025-12"}),
        {"month": "2025-11"},  # which is not on record
    ]
    [table] = [table.value for table in app.table if "PAR 30, month end" in table.value.columns]
    assert table[t("figures.month")].to_list() == ["2026-02", "2026-01", "2025-12"]
    newest = table.iloc[0]
    assert newest["Outstanding, month end"] == "100.00"
    assert newest["Loans, month end"] == "12"


def test_no_more_than_twelve_month_ends_are_read(api: FakeApi, open_page: OpenPage) -> None:
    days = [f"{year}-{month:02}-28" for year in (2026, 2025) for month in range(12, 0, -1)]
    let_months_answer(api, *days)
    assert not open_page("risk").exception
    assert len(queries_to(api, "month-ageing")) == 12


def test_a_book_of_one_month_end_has_no_line(api: FakeApi, open_page: OpenPage) -> None:
    let_months_answer(api, "2026-11-30")
    assert "from the second recorded month end on" in texts(open_page("risk"))


def test_without_month_ends_the_rest_of_the_page_stays(api: FakeApi, open_page: OpenPage) -> None:
    api.errors[AGEING] = NONE
    app = open_page("risk")
    assert not app.exception
    assert "from the second recorded month end on" in texts(app)
    assert "Loans" in metrics(app)
