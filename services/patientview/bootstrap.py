"""Puts patientview together."""

from services.patientview import tables
from services.patientview.agents import handlers
from services.patientview.extraction import Extractor
from services.patientview.settings import PatientviewSettings
from trialbridge.emr.facts import facts_of
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: PatientviewSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet."""
    extractor = Extractor(facts_of, identifiers_of, display_of)
    return Stage(
        "patientview",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(extractor, ports.keys.pseudonyms(), settings.source_ranks),
        tables.ALL,
    )
