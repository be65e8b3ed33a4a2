"""Traces (OpenTelemetry): one from a hospital's call to audit's flag, over group, relay and inbox.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: no SDK is imported, and a span is a comparison.
Spans carry names and ids of machinery only: no path, no body, no error's message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Tracer, TracerProvider

HEADER = "ce_traceparent"
"""The distributed-tracing extension of CloudEvents, as an event's header."""

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_OFF: AbstractContextManager[None] = nullcontext()
_NOTHING_HEARD: Mapping[str, str] = {}
_tracer: Tracer | None = None
_heard: ContextVar[Mapping[str, str]] = ContextVar("heard", default=_NOTHING_HEARD)


def configure_traces(service: str) -> None:
    """Export spans by OTLP over HTTP, if the environment says where to."""
    switched_off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if switched_off or not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    start(provider)


def start(provider: TracerProvider) -> None:
    """Switch spans on, in this process."""
    global _tracer
    _tracer = provider.get_tracer("maternity")


def stop() -> None:
    """Switch spans off."""
    global _tracer
    _tracer = None


def trace_id_of(scope: Scope) -> str:
    """The trace id that a caller sent (W3C traceparent), "" if none or none that is well formed."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _FORM.fullmatch(value.decode("latin-1"))
            return found[1] if found else ""
    return ""


def traceparent(causation_id: str = "") -> str:
    """Where we are, for whoever goes on from here; "" when off.

    An event that another one caused goes on from that one, whichever others were heard with it.
    """
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return _heard.get().get(causation_id) or carrier.get("traceparent", "")


def span(name: str, *, parent: str = "", links: Iterable[str] = ()) -> AbstractContextManager[None]:
    """A span for a block: below `parent` or where we are, linked with the work it does at once."""
    return _OFF if _tracer is None else _span(_tracer, name, parent, links)


def hearing(
    consumer: str, events: Sequence[tuple[str, Mapping[str, str]]]
) -> AbstractContextManager[None]:
    """A consumer's batch of (event id, headers): one span, and one in each event's own trace."""
    return _OFF if _tracer is None else _hearing(_tracer, consumer, events)


@contextmanager
def _span(tracer: Tracer, name: str, parent: str, links: Iterable[str]) -> Iterator[None]:
    from opentelemetry.trace import StatusCode

    with tracer.start_as_current_span(
        name,
        context=_context(parent) if parent else None,
        links=list(_links(links)),
        record_exception=False,
        set_status_on_exception=False,
    ) as running:
        try:
            yield
        except BaseException:
            running.set_status(StatusCode.ERROR)
            raise


@contextmanager
def _hearing(
    tracer: Tracer, consumer: str, events: Sequence[tuple[str, Mapping[str, str]]]
) -> Iterator[None]:
    told = {event_id: headers[HEADER] for event_id, headers in events if headers.get(HEADER)}
    with _span(tracer, f"inbox {consumer}", "", told.values()):
        goes_on = {}
        for event_id, parent in told.items():
            with _span(tracer, f"hear {consumer}", parent, ()):
                goes_on[event_id] = traceparent()
        token = _heard.set(goes_on)
        try:
            yield
        finally:
            _heard.reset(token)


def _context(parent: str) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())


def _links(parents: Iterable[str]) -> Iterator[Link]:
    from opentelemetry.trace import Link, get_current_span

    for parent in parents:
        if parent and (place := get_current_span(_context(parent)).get_span_context()).is_valid:
            yield Link(place)


class TracedEdge:
    """Opens a request's span below the caller's, and gives the request its trace id."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._name = f"request {service}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer inside a span; the path may hold what a caller mistook for an address."""
        if _tracer is None or scope["type"] != "http" or "span" in scope.setdefault("state", {}):
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import StatusCode, get_current_span

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                running = get_current_span()
                running.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    running.set_status(StatusCode.ERROR)
            await send(message)

        sent = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"traceparent"), "")
        with _span(_tracer, self._name, sent, ()):
            scope["state"]["span"] = traceparent()
            scope["state"]["trace_id"] = scope["state"]["span"].split("-")[1]
            await self._app(scope, receive, noting)
