"""What a document says of a relative is no condition of the patient, whatever template it stands in."""

import pytest

from tests.unit.emr.ccda.documents import convert_document, resources_of
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of

_DOCUMENT = """<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><templateId root="2.16.840.1.113883.10.20.22.1.1"/>
<id root="1.2.3" extension="d"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20260101"/>
<recordTarget><patientRole><id root="1.2" extension="123"/><patient><administrativeGenderCode code="F"
codeSystem="2.16.840.1.113883.5.1"/></patient></patientRole></recordTarget><component><structuredBody><component><section>
<code code="{section}" codeSystem="2.16.840.1.113883.6.1"/><title>t</title><text>t</text><entry>
<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="1.9" extension="a"/>
<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>{of_act}<entryRelationship typeCode="SUBJ">
<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.9" extension="o"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<value xsi:type="CD" code="254837009" codeSystem="2.16.840.1.113883.6.96" displayName="Malignant neoplasm of breast"/>
{of_observation}</observation></entryRelationship></act></entry></section></component></structuredBody></component>
</ClinicalDocument>"""
_MOTHER = """<subject><relatedSubject classCode="PRS"><code code="MTH" codeSystem="2.16.840.1.113883.5.111"/></relatedSubject></subject>"""


@pytest.mark.parametrize(
    ("section", "of_act", "of_observation", "patients"),
    [
        ("11450-4", "", "", True),
        ("10157-6", "", "", False),
        ("11450-4", _MOTHER, "", False),
        ("11450-4", "", _MOTHER, False),
    ],
)
def test_a_cancer_of_the_mother_is_not_the_patients(
    section: str, of_act: str, of_observation: str, *, patients: bool
) -> None:
    text = _DOCUMENT.format(section=section, of_act=of_act, of_observation=of_observation)
    found = convert_document(text.encode())
    assert not found.set_aside
    facts = facts_of(resources_of(found), SourceId("s"), RecordId("r")).values()
    assert any(isinstance(one, f.Diagnosis) for some in facts for one in some) == patients
