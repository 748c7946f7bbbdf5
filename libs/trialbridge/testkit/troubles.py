"""The few broken inputs of the demo's own feeds, so that dead letters are seen. Each carries planted identifiers."""

from datetime import date
from random import Random

from trialbridge.testkit import fhir_clinical as fhir
from trialbridge.testkit.canaries import of_kind
from trialbridge.testkit.histories import draw_history
from trialbridge.testkit.packing import Member, encode
from trialbridge.testkit.places import COUNTY, HARBOR, HILL, NORTH, Source
from trialbridge.testkit.placing import Delivery


def bad_message() -> str:
    """Return an ORU^R01 message whose PID names a patient but gives no identifier list (only the retired PID-2)."""
    hill = next(each for each in of_kind("mrn") if each.startswith(HILL.prefix))
    return (
        f"MSH|^~\\&|EHR|{COUNTY.prefix}|TRIALBRIDGE|LAKELAND|20260530090000+0000||ORU^R01^ORU_R01|CHBROKEN1|P|2.5.1\r"
        f"PID|1|{hill}|||{of_kind('family')[3]}^{of_kind('given')[2]}||19510230|F|||{of_kind('street')[1]}\r"
        "OBR|1||CHBROKEN1|CHEM^CHEM^L|||20260530080000+0000\r"
        "OBX|1|NM|718-7^Hemoglobin^LN||12.1|g/dL^g/dL^UCUM|12.0-17.5||||F|||20260530080000+0000\r"
    )


def not_fhir() -> bytes:
    """Return JSON that is no FHIR resource."""
    return encode({"report": "free text", "remark": of_kind("note")[0], "contact": of_kind("phone")[1]})


def beside(source: Source) -> tuple[Member, ...]:
    """Return what ``source`` puts beside its good records in its first bundle."""
    if source is COUNTY:
        return (("", bad_message().encode()),)
    if source is HARBOR:
        return (("notes.json", not_fhir()),)
    return ()


def intercepted(seed: int, index: int, as_of: date) -> tuple[Source, Delivery]:
    """Return the delivery of a patient whose only bundle is tampered with on its way."""
    history = draw_history(index, Random(f"{seed}/intercepted"), as_of)
    local = next(each for each in of_kind("mrn") if each.startswith(NORTH.prefix))
    resources = (
        fhir.patient(history.person, NORTH, local, history.diagnosed),
        fhir.cancer(history.disease, NORTH, local, history.diagnosed, history.diagnosed),
    )
    return NORTH, Delivery(index, NORTH, local, "initial", resources=resources)
