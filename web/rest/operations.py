"""What operators and their tools ask: is it alive, is it ready, how does it do, what can it do."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from models.calls import NoArguments
from models.errors import Draining
from services.access import OnServer
from services.operating.metrics import CONTENT_TYPE
from web.keys import LIFECYCLE, METRICS, STORE
from web.rest.answers import Health
from web.rest.openapi import DOCUMENT
from web.rest.route import Call, NoQuery, Raw

DISTRIBUTION = "parley-hub"


@cache
def parley_version() -> str:
    return version(DISTRIBUTION)


async def get_health(call: Call[NoArguments, NoQuery]) -> Health:
    """Says that the process answers, nothing more: a full disk is no reason to restart it."""
    return Health(status="ok", version=parley_version())


async def get_readiness(call: Call[NoArguments, NoQuery]) -> Health:
    if call.app[LIFECYCLE].draining:
        raise Draining()
    store = call.app[STORE]
    if store.trouble is not None:
        raise store.trouble
    return Health(status="ready", version=parley_version(), warning=store.missing)


async def get_metrics(call: Call[NoArguments, NoQuery]) -> Raw:
    await call.check("read", OnServer())
    return Raw(call.app[METRICS].exposition(), CONTENT_TYPE)


async def get_openapi(call: Call[NoArguments, NoQuery]) -> Raw:
    return Raw(call.app[DOCUMENT].body, "application/json")
