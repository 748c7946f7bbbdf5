"""Makes `tables/fhir_elements.tsv`, each type's elements by edition, from the models of fhir.resources (FHIR, CC0). Not used at run time.

Run ``python -m trialbridge.emr.fhir.elements_maker`` when the models change; a test says when. DSTU2 has no models: its differences
are written by hand, in `tables/fhir_dstu2.tsv`.
"""

import re
import typing
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

HEAD: Final = """# Made by trialbridge.emr.fhir.elements_maker. Elements with datatypes, * where there may be several; of STU3 and R5
# only the types that are not as in R4.
# edition	type	elements
"""
MODELS: Final = {"R4": "fhir.resources.R4B", "STU3": "fhir.resources.STU3", "R5": "fhir.resources"}
_TYPE: Final = re.compile(r"abc\.([A-Za-z]+)Type")
_NAMES: Final = {
    "datetime": "dateTime",
    "positiveint": "positiveInt",
    "unsignedint": "unsignedInt",
    "encodedbytes": "base64Binary",
    "uuidversion": "uuid",
}


def lines() -> Iterator[str]:
    """Yield the table's rows."""
    known: dict[str, str] = {}
    for edition, package in MODELS.items():
        for name, elements in sorted(_types(package).items()):
            if known.get(name) == elements:
                continue
            if edition == "R4":
                known[name] = elements
            yield f"{edition}\t{name}\t{elements}"


def _types(package: str) -> dict[str, str]:
    names = vars(import_module(f"{package}.fhirtypes"))
    model_of = import_module(package).get_fhir_model_class
    found = {}
    for name in (one.removesuffix("Type") for one in names if one.endswith("Type") and one != "Type"):
        try:
            model = model_of(name)
        except (ValueError, LookupError):  # a primitive, or an abstract type
            continue
        elements = (_element(*one) for one in model.model_fields.items())
        found[name] = " ".join(sorted(one for one in elements if one))
    return found


def _element(name: str, field: Any) -> str:
    shown = str(field.alias or name)
    if shown.startswith("_") or name in ("fhir_comments", "resource_type"):
        return ""
    words = str(field.annotation)
    several = "*" if "List[" in words or "list[" in words else ""
    named = _TYPE.search(words)
    return f"{shown}:{several}{named[1] if named else _primitive(field.annotation)}"


def _primitive(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        mark = annotation.__metadata__[0]
        name = str(getattr(mark, "__visit_name__", type(mark).__name__)).removesuffix("Type").lower()
        return _NAMES.get(name, name)
    for inner in typing.get_args(annotation):
        if inner is not type(None):
            return _primitive(inner)
    return {bool: "boolean"}.get(annotation, "string")


def main() -> None:
    """Write the table."""
    path = Path(str(files("trialbridge.emr.tables").joinpath("fhir_elements.tsv")))
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines()), "utf-8")


if __name__ == "__main__":
    main()
