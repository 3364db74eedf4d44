"""Is the process alive, and may it be given requests? (docs/rest.md)."""

from __future__ import annotations

import logging

from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.errors import RETRY_SECONDS
from regards_order_adapters.http.site import Site

_log = logging.getLogger(__name__)


async def live(site: Site) -> Answer:
    """Answer that the process lives."""
    return Answer.json({"live": True})


async def ready(site: Site) -> Answer:
    """Answer whether the service can do its work, and why not."""
    try:
        reasons = list(await site.workers.run(site.ready, site.limits.work_seconds))
    except TimeoutError:
        reasons = [f"no answer within {site.limits.work_seconds:g} s"]
    except Exception as failure:
        _log.warning("readiness unknown", exc_info=failure, extra={"action": "readiness_unknown"})
        reasons = [f"it cannot be found out: {type(failure).__name__}"]
    if site.streams.stuck(site.limits.thread_seconds):
        reasons.append(f"all {site.limits.stream_threads} threads that read files wait for their sources")
    if not reasons:
        return Answer.json({"ready": True, "reasons": []})
    content = {"ready": False, "reasons": reasons, "messages": reasons}
    return Answer.json(content, 503, headers={"retry-after": str(RETRY_SECONDS)})
