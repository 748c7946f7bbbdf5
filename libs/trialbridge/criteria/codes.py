"""The closed list of what the compiler says: the meaning of each code, and what to do where no better advice is at hand."""

from typing import Final, NamedTuple


class Code(NamedTuple):
    """What a code means, and what to do about it."""

    meaning: str
    advice: str


CODES: Final[dict[str, Code]] = {
    "always-met": Code("A group or exclusion lets everybody in.", "leave it out, or mend what is in it"),
    "ambiguous-gene": Code("Several genes share the name.", "write the approved symbol"),
    "asks-nothing": Code("A key or leaf restricts nothing, so that no criterion is made of it.", "leave it out"),
    "bad-code": Code("The text does not have the shape of such a code.", "look the code up"),
    "bad-comparison": Code("A CTML value is no comparison with a number.", "write it like >=18"),
    "bad-hgvs": Code("The text is no HGVS change or position.", "write it like p.V600E, p.V600 or c.1799T>A"),
    "bad-id": Code("An id or code is empty, too long, on several lines or of the wrong shape.", "write a short name on one line"),
    "bad-moment": Code("A moment is neither a day nor a length of time.", "write 2024-05-03 or 28 days"),
    "bad-number": Code("A number is outside of what it can be.", "write a number in the range"),
    "bad-period": Code("A period is not a number of days, weeks, months or years.", "write {days: 28} or 28 days"),
    "bad-point": Code("A place is no latitude and longitude.", "write it in degrees, like 42.36,-71.06"),
    "bad-unit": Code("The unit is not known, or not one for this.", "write a UCUM unit"),
    "bare-list": Code("A list of criteria stands without a group.", "write all: before it"),
    "coarse-term": Code("A tumour type means less than its nearest OncoTree term, or several terms.", "name what is meant"),
    "contradiction": Code("What is asked for cannot be met at once: nobody fits.", "drop one side, or put them into any"),
    "count-out-of-range": Code("at_least asks for more members than there are, or for none.", "write a count that they can reach"),
    "covered-term": Code("A term is part of another one of the same list.", "leave the narrower one out"),
    "double-negation": Code("A negation of a negation.", "negate once, or not at all"),
    "duplicate": Code("The same criterion stands twice where once is enough.", "leave one out"),
    "duplicate-code": Code("Two arms, dose levels or sites share a code.", "give each its own"),
    "duplicate-key": Code("A key stands twice in one object, or two keys ask the same.", "keep one of them"),
    "duplicate-value": Code("A list has a value twice.", "leave one out"),
    "empty": Code("The file has nothing in it.", "write a trial with id and criteria"),
    "empty-group": Code("A group has no members.", "give it a criterion, or leave it out"),
    "empty-list": Code("A list has no values.", "give it a value, or leave the key out"),
    "former-term": Code("A tumour type is written by a former code.", "write the current one"),
    "free-text": Code("Free text on eligibility, which is not matched.", "write what it asks for as criteria"),
    "ctml.left-out": Code("A part of a CTML document is read and has no place in a trial here.", "keep the document for it"),
    "level-under-closed-arm": Code(
        "A dose level is open under an arm that is not, so that it takes nobody.", "open the arm, or give the level its status"
    ),
    "misplaced-key": Code("A CTML key says nothing of the leaf's category.", "give it a leaf of its own"),
    "mixed-negation": Code("Some values of a list are negated, so that it is not clear what is excluded.", "write a leaf for each"),
    "never-met": Code("What is asked for is so of nobody.", "mend or drop it"),
    "no-code": Code("An arm or dose level has no code.", "give it one"),
    "no-count": Code("at_least has no count.", "write count: 1 or more"),
    "no-criteria": Code("An arm or trial asks for nothing, so that everybody would match.", "write criteria for the trial or the arm"),
    "no-gene": Code("A CTML leaf names no gene.", "write hugo_symbol"),
    "no-half-life": Code("No table has the half-life of the drug.", "import it: trialbridge terminology import half-lives"),
    "no-id": Code("A trial or site has no id.", "give it one"),
    "no-open-arm": Code("The trial is open, and none of its arms is.", "open an arm, or suspend the trial"),
    "no-open-level": Code("The arm is open, and none of its dose levels is.", "open a dose level, or suspend the arm"),
    "no-open-site": Code("The trial is open, and none of its sites recruits.", "open a site, or suspend the trial"),
    "no-place": Code("A distance to a site cannot be told.", "give the site latitude and longitude, or name the sites that count"),
    "no-score": Code("Bounds of a marker without the score that they are of.", "name the score: scores do not compare"),
    "no-unit": Code("A value has no unit.", 'write a UCUM unit; "1" for a plain ratio'),
    "no-value": Code("A key that is needed, or its value, is missing.", "give it a value"),
    "not-a-trial": Code("The document is no object.", "begin with id and criteria"),
    "not-in-ctml": Code("CTML has no words for this part of the trial.", "keep the trial in the native language"),
    "not-kept": Code("A part of a CTML document has no place in a trial here.", "keep the document for it"),
    "not-one": Code("The members of a group that is one criterion are not parts of one.", "name the group and or or"),
    "not-one-key": Code("A criterion has no key, or more than one.", "put several criteria into all or any"),
    "not-read": Code("The text is neither YAML nor JSON, or no UTF-8.", "check indents, quotes and brackets near the line"),
    "nothing-asked": Code("A leaf says nothing about what it wants.", "give it one of the keys"),
    "redundant": Code("A criterion adds nothing to what stands beside it.", "leave it out"),
    "self-partner": Code("A gene is its own fusion partner.", "leave the partner out, or name the other gene"),
    "tautology": Code("A criterion and its opposite in one any.", "leave them out"),
    "too-large": Code("The trial is larger or more deeply nested than any.", "split it, or unnest it"),
    "unknown-class": Code("The class of drugs is not known.", "name a known class, or the drugs"),
    "unknown-condition": Code("The table of conditions lacks the name.", "give its ICD-10 or SNOMED CT code too"),
    "unknown-drug": Code("The table of drugs lacks the name.", "check the spelling; only this very name can match"),
    "unknown-gene": Code("The gene table lacks the symbol.", "write the HGNC symbol"),
    "unknown-key": Code("There is no such key here.", "see the page of the kind for its keys"),
    "unknown-marker": Code("The table of markers lacks the name.", "check the spelling; only this very name can match"),
    "unknown-phase": Code("The phase has no usual spelling.", "write it like I, I/II, II or III"),
    "unknown-site": Code("The trial has no such site.", "write the id of one of its sites"),
    "unknown-term": Code("The word or term is not one of those known here.", "see the page of the kind for its words"),
    "unknown-test": Code("The table of laboratory tests lacks the name.", "give its LOINC code"),
    "unknown-version": Code("The trial is of another language version.", "write language: 1"),
    "unknown-word": Code("The word is not one of the closed list.", "write one of the list"),
    "unlikely": Code("What is asked for goes together in hardly anybody.", "check that both are meant"),
    "unmapped-code": Code("The code means no OncoTree term: only records with this very code match.", "name the tumour type too"),
    "unreachable-arm": Code("An arm's criteria and the trial's exclude one another.", "drop one side"),
    "wrong-type": Code("A value has another type than its key takes.", "write the type that is named"),
}  # fmt: skip
"""By code, without the ``trial.`` before it; other families are named."""


def full(name: str) -> str:
    """Return the code as diagnostics have it, by its key in `CODES`."""
    return name if "." in name else f"trial.{name}"
