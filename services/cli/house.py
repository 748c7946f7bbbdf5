"""All services of the product in one process: what the demo, ``trialbridge run`` and the bench stand on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.coatcheck.bootstrap import build as build_coatcheck
from services.coatcheck.settings import CoatcheckSettings
from services.gateway.bootstrap import build as build_gateway
from services.gateway.settings import GatewaySettings
from services.matchbook.bootstrap import build as build_matchbook
from services.matchbook.settings import MatchbookSettings
from services.matcher.bootstrap import build as build_matcher
from services.matcher.settings import MatcherSettings
from services.notifier.bootstrap import build as build_notifier
from services.notifier.settings import NotifierSettings
from services.patientview.bootstrap import build as build_patientview
from services.patientview.settings import PatientviewSettings
from services.trialfeed.bootstrap import build as build_trialfeed
from services.trialfeed.settings import TrialfeedSettings
from trialbridge.runtime.serve import ServicePorts, answers, open_ports, prepare_log
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Stage


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its settings and how it is built."""

    settings: type[BaseServiceSettings]
    build: Callable[[Any, ServicePorts], Stage]


SERVICES: Final[Mapping[str, Service]] = {
    "coatcheck": Service(CoatcheckSettings, build_coatcheck),
    "gateway": Service(GatewaySettings, build_gateway),
    "patientview": Service(PatientviewSettings, build_patientview),
    "trialfeed": Service(TrialfeedSettings, build_trialfeed),
    "matcher": Service(MatcherSettings, build_matcher),
    "matchbook": Service(MatchbookSettings, build_matchbook),
    "notifier": Service(NotifierSettings, build_notifier),
}
"""In the order of the data's way."""


def own(kind: type[BaseServiceSettings], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the ``given`` settings that ``kind`` has."""
    return {name: value for name, value in given.items() if name in kind.model_fields}


@dataclass(slots=True)
class House:
    """Running services and the adapters that they share."""

    settings: BaseServiceSettings
    ports: ServicePorts
    stages: Sequence[Stage]

    async def failure(self) -> None:
        """Return never, unless a stage stops on its own: then raise what stopped it."""
        waits = [stage.failed for stage in self.stages if stage.failed is not None]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()

    async def answers(self) -> None:
        """Return when every stage and the document store take work; raise `NotReady` or `Unavailable` otherwise."""
        await answers(self.stages, self.ports.documents)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the stages; stop them in order at the end."""
        async with contextlib.AsyncExitStack() as stack:
            # Downstream first, so that nothing waits for a reader; stopped in the opposite order.
            for stage in reversed(self.stages):
                await stage.start()
                stack.push_async_callback(stage.stop)
            yield


@contextlib.asynccontextmanager
async def build_house(
    given: Mapping[str, Any], names: Iterable[str] = SERVICES, extra: Mapping[str, Mapping[str, Any]] | None = None
) -> AsyncIterator[House]:
    """Yield the named services, not running yet, over stores that are open and a log that has its topics.

    Args:
        given: Settings that all of them share; what is not given comes from the environment.
        names: Which services.
        extra: Further settings by service.
    """
    base = read_settings(BaseServiceSettings, **own(BaseServiceSettings, given))
    more = extra or {}
    async with open_ports(base) as ports:
        stages = []
        for name in names:
            service = SERVICES[name]
            settings = read_settings(service.settings, **own(service.settings, given), **more.get(name, {}))
            stages.append(service.build(settings, ports))
        if base.manage_topics:
            await prepare_log(base, stages)
        yield House(base, ports, stages)


@contextlib.asynccontextmanager
async def open_house(
    given: Mapping[str, Any], names: Iterable[str] = SERVICES, extra: Mapping[str, Mapping[str, Any]] | None = None
) -> AsyncIterator[House]:
    """Yield the named services, running in this loop; stop them in order at the end. `build_house` says of the arguments."""
    async with build_house(given, names, extra) as house, house.running():
        yield house
