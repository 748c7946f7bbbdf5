from trialbridge.contracts import ids
from trialbridge.contracts.ids import ArmCode, LocalPatientId, NetworkId, PatientId, SourceId, TrialId
from trialbridge.testkit.pseudonyms import SYNTHETIC

NETWORK = NetworkId("north")


def test_the_same_cause_gives_the_same_id() -> None:
    first = ids.event_id("emr_records", "rec_1", "k")
    assert first == ids.event_id("emr_records", "rec_1", "k")
    assert first.startswith("evt_")
    assert len(first) == len("evt_") + 32


def test_no_two_lists_of_parts_share_an_encoding() -> None:
    assert ids.derive("x", ("ab", "c")) != ids.derive("x", ("a", "bc"))
    assert ids.derive("x", ("a", "")) != ids.derive("x", ("", "a"))
    assert ids.derive("x", ("a:1,",)) != ids.derive("x", ("a", "1"))


def test_a_match_id_depends_on_arm_and_network() -> None:
    patient, trial = PatientId("p"), TrialId("t")
    plain = ids.match_id(NETWORK, patient, trial, None, None)
    assert plain != ids.match_id(NETWORK, patient, trial, ArmCode("A"), None)
    assert plain != ids.match_id(NetworkId("south"), patient, trial, None, None)


def test_source_patients_of_two_feeds_never_collide() -> None:
    one = SYNTHETIC.source_patient(NETWORK, SourceId("a/ehr"), LocalPatientId("1"))
    two = SYNTHETIC.source_patient(NETWORK, SourceId("a/lab"), LocalPatientId("1"))
    assert one != two


def test_ids_of_people_tell_nothing_without_the_key() -> None:
    other = ids.Pseudonyms(b"another key of thirty-two bytes.")
    assert SYNTHETIC.patient(NETWORK, "MR|h|1") == SYNTHETIC.patient(NETWORK, "MR|h|1")
    assert SYNTHETIC.patient(NETWORK, "MR|h|1") != other.patient(NETWORK, "MR|h|1")
    assert SYNTHETIC.patient(NETWORK, "MR|h|1") != ids.derive("pat", (NETWORK, "MR|h|1"))
    assert "key" not in repr(SYNTHETIC)
