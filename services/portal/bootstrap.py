"""Puts the portal together."""

import secrets
from importlib.resources import files

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from services.portal.audit import DocumentAuditor
from services.portal.guard import guard
from services.portal.limits import BodyLimit
from services.portal.linting import lint
from services.portal.pages import render_problem
from services.portal.ports import Ports
from services.portal.routes import (
    api,
    api_asks,
    api_operator,
    api_session,
    auditor,
    authorities,
    codes,
    coverage,
    entry,
    lab,
    operator,
    practice,
    shared,
)
from services.portal.sessions import Sessions
from services.portal.settings import PortalSettings
from services.portal.users import Gatekeeper, load_users
from services.portal.views.operation import Meter
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.web import create_base

TOKEN_BYTES = 32
ROOMS = (
    entry,
    shared,
    practice,
    lab,
    auditor,
    operator,
    authorities,
    coverage,
    api_session,
    api,
    api_asks,
    api_operator,
)
"""The routers; of two addresses that fit, the earlier answers."""


def build(settings: PortalSettings, ports: ServicePorts) -> FastAPI:
    """Return the portal over a document store; raise `Misconfigured` where the users' file is wrong."""
    own = Ports(
        settings,
        ports.documents,
        DocumentAuditor(ports.documents),
        lint,
        ports.now,
        lambda: secrets.token_urlsafe(TOKEN_BYTES),
    )
    app = create_base(
        "portal",
        ping=ports.documents.ping,
        title="Trialbridge portal",
        render=render_problem,
        dependencies=[Depends(guard)],
    )
    app.state.ports = own
    app.state.sessions = Sessions(own.documents, settings, own.clock, own.token)
    app.state.gatekeeper = Gatekeeper(load_users(settings.users_file))
    app.state.meter = Meter()
    app.add_middleware(BodyLimit)
    for router in (*(room.router for room in ROOMS), codes.pages, codes.api):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("services.portal").joinpath("static"))), name="static")
    return app
