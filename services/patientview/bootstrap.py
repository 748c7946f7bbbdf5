"""Puts patientview together."""

from services.patientview import tables
from services.patientview.agents import handlers
from services.patientview.coding import Holders
from services.patientview.extraction import Extractor
from services.patientview.reviewing import CodeDesk
from services.patientview.settings import PatientviewSettings
from trialbridge.emr.facts import facts_of
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: PatientviewSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet."""
    extractor = Extractor(facts_of, identifiers_of, display_of)
    holders, pseudonyms = Holders(), ports.keys.pseudonyms()
    reviews = CodeDesk(ports.documents, pseudonyms)
    return Stage(
        "patientview",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(extractor, pseudonyms, settings.source_ranks, holders),
        tables.ALL,
        forget=holders.forget,
        background=(CommandDesk(ports.documents, "patientview", settings.poll_interval, reviews.kinds(), ports.now),),
    )
