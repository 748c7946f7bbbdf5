"""One webhook call after the Standard Webhooks specification: signed, thin, bounded in time, no redirects, no private networks."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx

from services.notifier.addresses import Resolve, resolve, target_of
from services.notifier.endpoints import Endpoint
from trialbridge.contracts.errors import Refused
from trialbridge.vault.webhooks import sign

AGENT: Final = "trialbridge-webhooks/1"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a call."""

    code: int = 0
    """HTTP status; 0 where there was none."""
    error: str = ""
    """Stable code of what went wrong; empty for a success. Never the endpoint's own words."""
    retry_after: timedelta = timedelta(0)

    @property
    def delivered(self) -> bool:
        """Return whether the endpoint took it."""
        return not self.error

    @property
    def gone(self) -> bool:
        """Return whether the endpoint asks never to be called again."""
        return self.code == httpx.codes.GONE


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Makes calls through one client."""

    client: httpx.AsyncClient
    timeout: float
    """Seconds for a call in all."""
    allow_loopback: bool = False
    resolving: Resolve = resolve

    async def send(self, endpoint: Endpoint, message: str, body: bytes, now: datetime) -> Attempt:
        """Call the endpoint once; ``message`` is the webhook-id, the same in every attempt."""
        seconds = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "webhook-id": message,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(sign(secret, message, seconds, body) for secret in endpoint.secrets),
        }
        try:
            async with asyncio.timeout(self.timeout):
                return await self._call(endpoint.url, headers, body)
        except Refused as error:
            return Attempt(error=error.code)
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(error="webhook.timeout")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            # Whatever one endpoint's call comes to, the loop that makes all of them goes on.
            return Attempt(error="webhook.no-connection")

    async def _call(self, url: str, headers: dict[str, str], body: bytes) -> Attempt:
        target = await target_of(url, self.resolving, allow_loopback=self.allow_loopback)
        request = self.client.build_request(
            "POST", target.url, content=body, headers={**headers, "host": target.host},
            extensions={"sni_hostname": target.server_name},
        )  # fmt: skip
        # Streamed and closed at once: only the status counts, whatever the endpoint would like to send.
        answer = await self.client.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
        if answer.is_success:
            return Attempt(answer.status_code)
        error = "webhook.redirected" if answer.is_redirect else "webhook.refused"
        return Attempt(answer.status_code, error, _retry_after(answer.headers.get("retry-after", "")))


def _retry_after(text: str) -> timedelta:
    """Return a ``Retry-After`` in seconds; its form with a date is left alone."""
    return timedelta(seconds=int(text)) if text.isdigit() and len(text) < 8 else timedelta(0)  # noqa: PLR2004 - no overflow


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client that heeds no proxy of the environment and keeps no connection to a name's former address."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(transport=transport, trust_env=False, limits=limits, timeout=None)  # noqa: S113 - see send
