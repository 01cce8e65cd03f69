"""The exporter: what it sends, what it drops, and that it ends."""

from functions.web import span_export
from functions.web.span_export import MOST_SPANS, SpanExporter
from tests.infra.rehearsal import listening


def test_a_batch_is_one_request_and_what_waits_is_sent_at_the_end() -> None:
    bodies: list[bytes] = []

    def receive(_request: object, body: bytes) -> tuple[int, bytes]:
        bodies.append(body)
        return 200, b""

    with listening(receive) as url:
        exporter = SpanExporter(url, "scoring")
        for number in range(3):
            exporter.add({"name": str(number)})
        exporter.close()
    [body] = bodies
    assert body.count(b'"name": ') == 4  # three spans, and who made them


def test_a_full_queue_drops_spans_and_grows_no_further() -> None:
    exporter = SpanExporter("http://127.0.0.1:9", "scoring")
    exporter.add({})
    exporter.close()  # nothing is taken out any more
    for _ in range(MOST_SPANS + 5):
        exporter.add({})
    assert exporter.waiting == MOST_SPANS


def test_an_exporter_that_was_given_nothing_starts_no_thread_and_closes() -> None:
    exporter = SpanExporter("http://127.0.0.1:9", "scoring")
    exporter.close()
    assert exporter.waiting == 0
    assert span_export.SEND_SECONDS < 7  # within the time that a stop has: server.py
