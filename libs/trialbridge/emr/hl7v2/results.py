"""The value of an OBX by its type (OBX-2), as an element of an Observation or of a component."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import quantities, values
from trialbridge.emr.hl7v2.forms import CODED_TYPES
from trialbridge.emr.hl7v2.message import Rep, Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.state import words
from trialbridge.emr.hl7v2.times import decimal
from trialbridge.emr.tables.rows import rows

Json = dict[str, Any]
_RANGE: Final = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-|to)\s*([+-]?\d+(?:\.\d+)?)\s*", re.ASCII)
_COMPARED: Final = re.compile(r"\s*(<=|>=|<|>)\s*([+-]?\d+(?:\.\d+)?)\s*", re.ASCII)
_SIGNS: Final = frozenset({"<", "<=", ">", ">="})
INTEGERS: Final = frozenset({"89247-1", "89243-0", "89245-5"})
"""Scores without a unit: ECOG, Karnofsky, Lansky."""
_ATTACHED: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.valueAttachment"
_VALUE, _UNIT, _LIMITS = 5, 6, 7


def value_of(obx: Segment, reading: Reading) -> Json:
    """Return ``value[x]`` (or the extension that stands for it) and ``referenceRange``; nothing where OBX-5 is empty."""
    found: Json = {}
    if obx.field(_VALUE):
        reading.field = _VALUE
        reader = _READERS.get(obx.get(2).upper(), _text)
        found |= reader(obx.first(_VALUE), obx, reading)
        _type(found, obx, reading)
        _further(found, obx, reading)
    reading.field = _LIMITS
    limits = _limits(obx, reading)
    if limits is not None:
        found["referenceRange"] = [limits]
    reading.field = None
    return found


def further_codes(obx: Segment, reading: Reading) -> list[Json]:
    """Return ``value[x]`` of each code behind the first where OBX-5 repeats: the second gene of a fusion, for example."""
    if obx.get(2).upper() not in CODED_TYPES:
        return []
    found = (_coded(rep, obx, reading) for rep in obx.repetitions(_VALUE)[1:])
    return [one for one in found if one]


def _type(found: Json, obx: Segment, reading: Reading) -> None:
    """Keep the type of a value that FHIR has no equal of, beside the value."""
    kind = obx.get(2)
    if kind and found and kind.upper() not in _READERS:
        reading.warnings.note("v2.value-as-text")


def _further(found: Json, obx: Segment, reading: Reading) -> None:
    """Add the other numbers of a result that repeats; FHIR has room for one."""
    if "valueQuantity" not in found:
        return
    for rep in obx.repetitions(_VALUE)[1:]:
        more = _quantity(rep.get(1), obx, reading) if rep.get(1) else None
        if more is not None:
            found.setdefault("extension", []).append(
                {"url": "urn:trialbridge:fhir:further-value", "valueQuantity": more}
            )


def _unit(obx: Segment) -> Rep:
    return obx.first(_UNIT) if obx.field(_UNIT) else Rep("", obx.marks)


def _told(obx: Segment) -> tuple[str, ...]:
    """Return OBX-2, which is what says how OBX-5 is read: it is in the kind of the value."""
    return (obx.get(2),)


def _quantity(text: str, obx: Segment, reading: Reading) -> Json | None:
    value = reading.decimal(text, *_told(obx))
    return values.quantity(value, _unit(obx)) if value is not None else None


def _number(rep: Rep, obx: Segment, reading: Reading) -> Json:
    text = rep.get(1)
    if not text:
        return {}
    compared = _COMPARED.fullmatch(text)
    if compared is not None:
        return {"valueQuantity": _compared(compared, text, obx)}
    value = reading.decimal(text, *_told(obx))
    if value is None:
        return {}
    number = value.value
    if obx.get(3) in INTEGERS and isinstance(number, Decimal) and number == number.to_integral_value():
        return {"valueInteger": Made(int(number), (text, *_told(obx)))}
    return {"valueQuantity": values.quantity(value, _unit(obx))}


def _compared(found: re.Match[str], text: str, obx: Segment) -> Json:
    number = Made(Decimal(found[2]), (text, *_told(obx)))
    return {"comparator": found[1], **values.quantity(number, _unit(obx))}


def _structured(rep: Rep, obx: Segment, reading: Reading) -> Json:
    """Return the value of an SN: a quantity, a range or a ratio; what is none of them as text."""
    sign, first, separator, second = (rep.get(number) for number in range(1, 5))
    if sign == "<>" or separator == "+" or not first:
        return _structured_text(rep, obx)
    if separator in (":", "/") and second:
        parts = {"numerator": _quantity(first, obx, reading), "denominator": _quantity(second, obx, reading)}
        whole = {name: one for name, one in parts.items() if one is not None}
        if sign in _SIGNS and "numerator" in whole:
            whole["numerator"] = {"comparator": sign, **whole["numerator"]}
        return {"valueRatio": {**_original(rep), **whole}} if len(whole) == len(parts) else {}
    if separator == "-" and second:
        low, high = _quantity(first, obx, reading), _quantity(second, obx, reading)
        return {"valueRange": {**_original(rep), "low": low, "high": high}} if low and high else {}
    found = _quantity(first, obx, reading)
    if found is None:
        return {}
    if sign in _SIGNS:
        found = {"comparator": sign, **found}
    elif sign and sign != "=":
        return _structured_text(rep, obx)
    return {"valueQuantity": {**(_original(rep) if sign == "=" or separator else {}), **found}}


def _original(rep: Rep) -> Json:
    told = [one for one in (rep.get(number) for number in range(1, 5)) if one]
    return {"extension": [values.text_extension("originalText", made(" ".join(told), *told))]}


def _structured_text(rep: Rep, obx: Segment) -> Json:
    told = [*(rep.get(number) for number in range(1, 5)), _unit(obx).get(1)]
    shown = [one for one in told if one]
    return {"valueString": made(" ".join(shown), *shown, *_told(obx))} if shown else {}


def _coded(rep: Rep, obx: Segment, _: Reading) -> Json:
    found = values.concept(rep)
    if found is None:
        return {}
    if "text" not in found and len(obx.repetitions(_VALUE)) > 1:
        found["text"] = found["coding"][0].get("display") or found["coding"][0]["code"]
    for other in obx.repetitions(_VALUE)[1:]:
        more = values.concept(other)
        if more is not None:
            found.setdefault("coding", []).extend(more.get("coding", []))
    kind, coded = obx.get(2), found.get("coding")
    if coded and "code" in coded[0]:
        coded[0]["code"] = made(coded[0]["code"], coded[0]["code"], kind)
    else:
        found["text"] = made(found["text"], found["text"], kind)
    return {"valueCodeableConcept": found}


def _lines(rep: Rep, obx: Segment, _: Reading) -> Json:
    """Return text, whose repetitions are its lines."""
    del rep
    reps = obx.repetitions(_VALUE)
    told = [leaf for one in reps for subs in one.parts for leaf in subs if leaf]
    lines = [one.get(1) if len(one.parts) == 1 and len(one.parts[0]) == 1 else words(one) for one in reps]
    text = "\n".join(line for line in lines if line)
    return {"valueString": made(text, *told, *_told(obx))} if told and text else {}


def _text(rep: Rep, obx: Segment, reading: Reading) -> Json:
    text = rep.get(1)
    compared = _COMPARED.fullmatch(text)
    if compared is not None and obx.field(_UNIT) and len(obx.repetitions(_VALUE)) == 1:
        return {"valueQuantity": _compared(compared, text, obx)}
    return _lines(rep, obx, reading)


def _time(rep: Rep, obx: Segment, reading: Reading) -> Json:
    found = reading.time(rep.get(1))
    return {"valueDateTime": made(found, found, *_told(obx))} if found is not None else {}


def _clock(rep: Rep, obx: Segment, reading: Reading) -> Json:
    found = reading.clock(rep.get(1))
    return {"valueTime": made(found, found, *_told(obx))} if found is not None else {}


def _period(rep: Rep, _: Segment, reading: Reading) -> Json:
    found = values.span(rep, reading)
    return {"valuePeriod": found} if found is not None else {}


def _numeric_range(rep: Rep, obx: Segment, reading: Reading) -> Json:
    low = _quantity(rep.get(1), obx, reading) if rep.get(1) else None
    high = _quantity(rep.get(2), obx, reading) if rep.get(2) else None
    found = {name: one for name, one in (("low", low), ("high", high)) if one is not None}
    return {"valueRange": found} if found else {}


def _value_range(rep: Rep, obx: Segment, _: Reading) -> Json:
    told = [one for one in (rep.get(1), rep.get(2)) if one]
    return {"valueString": made("-".join(told), *told, *_told(obx))} if told else {}


def _composite(rep: Rep, obx: Segment, reading: Reading) -> Json:
    found = values.composite_quantity(rep, reading)
    if found is None:
        return {}
    return {"valueQuantity": {**values.quantity(Made(0, ()), _unit(obx)), **found}}


def _array(rep: Rep, obx: Segment, reading: Reading) -> Json:
    """Return the numbers of an NA as SampledData; the guide leaves origin and period open: 0, and one sample each."""
    told = [leaf for subs in rep.parts for leaf in subs if leaf]
    if not told or any(decimal(one) is None for one in told):
        return _lines(rep, obx, reading)
    origin = values.quantity(Made(Decimal(0), ()), _unit(obx))
    data = made(" ".join(told), *told, *_told(obx))
    return {"valueSampledData": {"origin": origin, "period": Decimal(1), "dimensions": 1, "data": data}}


def _attachment(rep: Rep, obx: Segment, _: Reading) -> Json:
    found = quantities.encapsulated(rep)
    if found is not None:
        name = "data" if "data" in found else "contentType"
        found[name] = made(found[name], found[name], obx.get(2))
    return {"extension": [{"url": _ATTACHED, "valueAttachment": found}]} if found is not None else {}


def _pointer(rep: Rep, _: Segment, __: Reading) -> Json:
    found = quantities.pointer(rep)
    return {"extension": [{"url": _ATTACHED, "valueAttachment": found}]} if found is not None else {}


def _limits(obx: Segment, reading: Reading) -> Json | None:
    """Return the reference range: low and high where it is two numbers, one of them and its text where it is one, else its text."""
    del reading
    text = obx.get(_LIMITS)
    if not text:
        return None
    found = _RANGE.fullmatch(text)
    if found is not None:
        low, high = (values.quantity(Made(Decimal(one), (text,)), _unit(obx)) for one in found.groups())
        return {"low": low, "high": high}
    limit = _COMPARED.fullmatch(text)
    if limit is not None:
        side = "high" if limit[1].startswith("<") else "low"
        return {side: values.quantity(Made(Decimal(limit[2]), (text,)), _unit(obx)), "text": text}
    return {"text": words(obx.first(_LIMITS)) if len(obx.first(_LIMITS).parts) > 1 else text}


_Reader = Callable[[Rep, Segment, Reading], Json]
_BY_NAME: Final[Mapping[str, _Reader]] = {
    "array": _array,
    "attachment": _attachment,
    "clock": _clock,
    "coded": _coded,
    "number": _number,
    "period": _period,
    "pointer": _pointer,
    "quantity": _composite,
    "range": _numeric_range,
    "span": _value_range,
    "structured": _structured,
    "text": _text,
    "time": _time,
}
_READERS: Final[Mapping[str, _Reader]] = {"": _text, **{kind: _BY_NAME[name] for kind, name, _, _ in rows("v2_values")}}
"""By OBX-2; a type that the table does not have is read as text."""
