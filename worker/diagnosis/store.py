"""The store: reached, fit to hold a model, and the model of these settings."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Final

from lfm_online.layout import FormatError
from lfm_online.meta import Meta, MetaMismatchError, check_same, read_meta
from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
from lfm_online.store.survey import Survey, survey
from worker.access import open_store, store_access
from worker.diagnosis.finding import Finding
from worker.model_opening import meta_of
from worker.setting_types import redacted
from worker.settings import Settings

OLDEST: Final = (7, 0)
"""The oldest Redis that the tests run on; Valkey began from 7.2."""
FULL: Final = 0.9
"""Share of ``maxmemory`` from which on there is little left."""


@dataclass
class StoreLook:
    """What was seen of the store."""

    findings: list[Finding] = field(default_factory=list)
    survey: Survey | None = None
    meta: Meta | None = None
    watermarks: dict[int, int] = field(default_factory=dict)


def look_at_store(settings: Settings) -> StoreLook:
    """Ask the server about itself and the model."""
    look = StoreLook()
    try:
        look.survey = survey(settings.store, **store_access(settings))
    except StoreBrokenError as error:
        text = f"{redacted(settings.store)}: {error}"
        remedy = (
            "correct LFM_STORE_USER and LFM_STORE_PASSWORD, or its LFM_STORE_PASSWORD_FILE; a user's rights "
            "are in deploy/redis.acl"
        )
        look.findings.append(Finding("store", "wrong", text, remedy))
        return look
    except StoreAwayError as error:
        text = f"no answer at {redacted(settings.store)}: {error}"
        look.findings.append(Finding("store", "wrong", text, "start it, or correct LFM_STORE"))
        return look
    look.findings += [*_server(settings, look.survey), _persistence(look.survey)]
    _model(settings, look)
    return look


def _server(settings: Settings, seen: Survey) -> list[Finding]:
    facts = seen.facts
    where = f"{seen.name} at {redacted(settings.store)}"
    old = tuple(map(int, str(facts.get("redis_version", "0.0")).split(".")[:2])) < OLDEST
    oldest = ".".join(map(str, OLDEST))
    found = [
        Finding(
            "store", "warning", f"{where}: older than what is tested", f"Redis {oldest} or later, or Valkey"
        )
        if old
        else Finding("store", "ok", where)
    ]
    if facts.get("role") != "master":
        text = f"the server is a {facts.get('role')}: it takes no writes"
        found.append(Finding("role", "wrong", text, "let LFM_STORE name the primary"))
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        found.append(Finding("eviction", "ok", policy))
    else:
        text = f"{policy}: the server would drop rows"
        found.append(Finding("eviction", "wrong", text, "set the store's maxmemory-policy to noeviction"))
    used, most = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    text = f"{used / 2**20:.0f} MiB used, " + (f"{most / 2**20:.0f} MiB allowed" if most else "no limit set")
    if most and used > FULL * most:
        found.append(
            Finding("memory", "warning", text, "raise the store's maxmemory: full, it refuses commits")
        )
    else:
        found.append(Finding("memory", "ok", text))
    return found


def _persistence(seen: Survey) -> Finding:
    words, seconds = seen.persistence
    remedy = "set the store's appendonly to yes"
    if seconds == float("inf"):
        return Finding("persistence", "warning", f"{words}: a restart loses the model", remedy)
    text = f"{words}: a crash takes back {seconds:g} s at most"
    if words.startswith("snapshots"):
        return Finding("persistence", "warning", text, remedy)
    failed = seen.facts.get("aof_last_write_status", "ok") != "ok"
    if failed:
        return Finding(
            "persistence", "wrong", f"{words}: the last write failed", "see the store's log and disk"
        )
    return Finding("persistence", "ok", text)


def _model(settings: Settings, look: StoreLook) -> None:
    name = settings.model
    try:
        with contextlib.closing(open_store(settings)) as store:
            stored = store.read_meta()
            if stored is None:
                text = f"there is no model {name!r} yet: a worker starts it"
                look.findings.append(Finding("model", "ok", text))
                return
            look.meta = read_meta(stored, name)
            state = store.read_state()
    except (FormatError, MetaMismatchError, StoreAwayError, StoreBrokenError) as error:
        look.findings.append(
            Finding("model", "wrong", str(error), "delete it, or use another name (LFM_MODEL)")
        )
        return
    prefix = f"{look.meta.topic}-"
    look.watermarks = {
        int(mark.removeprefix(prefix)): offset
        for mark, offset in state.watermarks.items()
        if mark.startswith(prefix)
    }
    try:
        check_same(look.meta, meta_of(settings, look.meta.topic_id), name)
    except MetaMismatchError as error:
        remedy = "start workers with the model's settings, or another LFM_MODEL"
        look.findings.append(Finding("model", "wrong", str(error), remedy))
        return
    text = f"{name!r}: rule {look.meta.rule}, {look.meta.factors} factors, {state.n_items} items, commit "
    look.findings.append(Finding("model", "ok", text + str(state.head.sequence)))
