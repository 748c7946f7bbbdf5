"""The reference models (fhir.resources R4B): slow and strict in other ways than the schema; for a sample of foreign FHIR, and for tests."""

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import digest
from trialbridge.emr.fhir.places import below
from trialbridge.emr.jsontext import canonical, encode
from trialbridge.emr.records import Resource


def is_sampled(resource: Resource, every: int) -> bool:
    """Return whether a resource is in the sample: decided by its content, so that a replay looks at the same ones."""
    return every > 0 and int(digest(canonical(resource))[:8], 16) % every == 0


def check_by_model(resource: Resource, place: Place) -> None:
    """Raise `Poison` ``fhir.invalid`` where the reference model refuses a resource; its values are never quoted."""
    kind = str(resource.get("resourceType"))
    try:
        get_fhir_model_class(kind).model_validate_json(encode(resource))
    except ValidationError as error:
        steps = (
            str(step) for step in error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        )
        path = ".".join(step for step in steps if step.isidentifier() or step.isdigit())
        raise Poison(
            "fhir.invalid", f"The {kind} is not valid FHIR R4 (reference model).", below(place, path)
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, ArithmeticError):
        # The models let these escape on hostile input.
        raise Poison("fhir.invalid", f"The {kind} cannot be read by the reference model.", place) from None
