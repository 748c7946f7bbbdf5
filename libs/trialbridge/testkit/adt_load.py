"""Seeded ADT messages for load: each of another patient with a diagnosis, about a kilobyte each."""

import random
from typing import Final

FAMILIES: Final = ("Abel", "Berg", "Costa", "Dahl", "Egger", "Fuchs", "Grau", "Holm", "Ito", "Jansen", "Kaya", "Lund")
GIVEN: Final = ("Ada", "Bea", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hana", "Ida", "Jon")
DIAGNOSES: Final = (
    ("C34.90", "Malignant neoplasm of bronchus or lung"),
    ("C50.911", "Malignant neoplasm of right breast"),
    ("C18.9", "Malignant neoplasm of colon"),
    ("C61", "Malignant neoplasm of prostate"),
    ("C43.9", "Malignant melanoma of skin"),
)


def adt_message(number: int, seed: int = 7) -> bytes:
    """Return message ``number`` of a load; its patient's record number is ``L`` and that number in eight digits."""
    rng = random.Random(f"{seed}/{number}")
    code, name = rng.choice(DIAGNOSES)
    born = f"{rng.randint(1935, 1995)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    who = f"{rng.choice(FAMILIES)}{number}^{rng.choice(GIVEN)}^^^^^L"
    phone = f"{rng.randint(200, 999)}-555-{rng.randint(0, 9999):04}"
    return "\r".join(
        (
            (f"MSH|^~\\&|EHR|LOAD|TRIALBRIDGE|LAKELAND|20260601080000+0000||ADT^A04^ADT_A01|LOAD{number:08}|P|2.5.1"
            "|||AL|NE||UNICODE UTF-8"),
            "EVN|A04|20260601080000+0000|||OP12^Registrar^Rita",
            (f"PID|1||L{number:08}^^^LOAD^MR||{who}||{born}|{rng.choice('FM')}|||{rng.randint(1, 999)} Lake Road^^Lansing^MI^"
            f"{rng.randint(48000, 49999)}^USA^H||{phone}^PRN^PH|||M"),
            "PV1|1|O|ONC^2^^LOAD||||1234567893^Field^Nora^^^^MD|||ONC||||1||||OP|V" + f"{number:08}" + "|||||||||||||||||||||||||"
            "20260601080000+0000",
            f"DG1|1||{code}^{name}^I10C||{rng.randint(2023, 2026)}0{rng.randint(1, 5)}15|F",
            "",
        )
    ).encode()  # fmt: skip
