"""A look at all that a worker rests on, changing none of it: packages, store, model, broker, topic."""

from __future__ import annotations

from collections.abc import Iterator

from worker.diagnosis.broker import look_at_broker
from worker.diagnosis.finding import Finding, Status
from worker.diagnosis.packages import look_at_packages
from worker.diagnosis.store import look_at_store
from worker.settings import Settings

__all__ = ["Finding", "Status", "diagnose"]


def diagnose(settings: Settings) -> Iterator[Finding]:
    """One finding after another; what can't be reached is one, and ends its part."""
    yield from look_at_packages()
    store = look_at_store(settings)
    yield from store.findings
    yield from look_at_broker(settings, store)
