"""The mapping file of a feed (YAML or JSON): whose columns, words, dates, samples and panels mean what. Refused with path and advice."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml
from rapidfuzz import fuzz, process

from trialbridge.contracts.errors import Place, Refused, json_path
from trialbridge.contracts.ids import digest
from trialbridge.emr.csv.dates import format_fault
from trialbridge.emr.csv.layouts import layouts, plain

MOST_BYTES: Final = 4 * 1024 * 1024
_DAY: Final = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
Word = Annotated[str, msgspec.Meta(min_length=1)]


class Coded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a local word stands for."""

    code: Word
    system: str | None = None
    """The code system's URI."""
    display: str | None = None


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a column of a layout comes from: a column of the hospital, or the same value in every row."""

    column: str | None = None
    value: str | None = None


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Files of one kind: what their columns are in terms of a layout."""

    name: Word = "*"
    """Pattern of the files' names, for example ``lab*.csv``. Files in archives have no names: there the header decides."""
    header: tuple[str, ...] = ()
    """Columns by which such a file is known; all that ``columns`` names, where nothing is said."""
    layout: Word
    """An mCODE extraction layout, or ``maf``."""
    columns: dict[str, str | Column] = {}
    """Column of the layout: column of the hospital. Columns that are not here keep their names."""
    codes: dict[str, dict[str, str | Coded]] = {}
    """Column of the layout: local word: what it stands for."""
    units: dict[str, str] = {}
    """Local unit: UCUM."""
    dates: tuple[str, ...] = ()
    drop: dict[str, str] = {}
    """Column of the hospital: why it is not taken."""

    def fits(self, name: str, header: Iterable[str]) -> bool:
        """Return whether a file of this name and header is one of these."""
        named = [one.column if isinstance(one, Column) else one for one in self.columns.values()]
        wanted = {plain(one) for one in self.header or named if one}
        return fnmatchcase(name, self.name) and wanted <= {plain(one) for one in header}


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What holds for all tables of a feed, and its files."""

    dates: tuple[str, ...] = ()
    """Formats of dates beside ISO 8601, for example ``DD.MM.YYYY``; the first that fits is taken."""
    nulls: tuple[str, ...] = ()
    """Words that mean that nothing is known, beside NULL and N/A."""
    charset: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    """Found in the header where nothing is said."""
    mrn_system: str | None = None
    """URI of who gives out the medical record numbers."""
    files: tuple[Table, ...] = ()


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a laboratory's test looks at."""

    genes: tuple[Word, ...]
    alterations: tuple[Literal["mutation", "copy_number", "fusion"], ...] = ("mutation",)
    assay: str | None = None
    source: Literal["somatic", "germline", "unknown"] = "unknown"


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Whose a sample is."""

    patient: Word
    """Medical record number."""
    collected: str | None = None
    """When it was taken: YYYY, YYYY-MM or YYYY-MM-DD."""
    panel: str | None = None
    source: Literal["germline", "somatic"] | None = None


class VariantFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """VCF and MAF files of one kind."""

    name: Word = "*"
    header: str = ""
    """Text that the header's lines hold, for example ``##source=Mutect2``."""
    panel: str | None = None
    source: Literal["somatic", "germline", "unknown"] | None = None
    """Of variants that do not say themselves."""
    replaces: bool = False
    """True where such a file holds all that there is of its samples: what an earlier one said and it does not is taken back."""


class Genomics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Of variant files: whose samples they are, and what was looked at."""

    samples: dict[str, str | Sample] = {}
    """Name of a sample: medical record number, or that and more."""
    samples_are_patients: bool = False
    """True where samples are named by medical record numbers."""
    normal: tuple[str, ...] = ("NORMAL",)
    """Samples of healthy tissue to compare with: their columns are passed over."""
    filters: tuple[str, ...] = ("PASS", ".")
    """Values of FILTER with which a variant counts as found."""
    panels: dict[str, Panel] = {}
    files: tuple[VariantFiles, ...] = ()


class FeedMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The mapping file of one feed."""

    version: Literal[1]
    source: str | None = None
    """The feed, for example ``north-clinic/ehr``; needed where several mappings lie in one folder."""
    csv: Tables = Tables()
    genomics: Genomics = Genomics()

    def stamp(self) -> str:
        """Return name and digest of the mapping, for the list of tables that a conversion was made with."""
        return f"mapping@{digest(msgspec.json.encode(self, order='sorted'))[:8]}"


def read_mapping(text: bytes, name: str) -> FeedMapping:
    """Return a mapping file's content.

    Raises `Refused` ``mapping.broken``, ``mapping.unknown-key``, ``mapping.invalid``, each with the path of what is wrong.
    """
    document = _document(text, Place(bundle=name))
    for path, key, known in _unknown(document, FeedMapping, "$"):
        message = f"There is no {key[:60]!r} here; {hint(key, known) or 'one of: ' + ', '.join(sorted(known))}"
        raise Refused("mapping.unknown-key", message, Place(bundle=name, field=_field(f"{path}.{key[:60]}")))
    try:
        found = msgspec.convert(document, FeedMapping)
    except msgspec.ValidationError as error:
        message = f"This does not follow the schema of mapping files: {str(error).partition(' - at')[0]}."
        raise Refused("mapping.invalid", message, Place(bundle=name, field=_field(json_path(error)))) from None
    for path, message in _faults(found):
        raise Refused("mapping.invalid", message, Place(bundle=name, field=path))
    return found


def schema() -> dict[str, Any]:
    """Return the JSON schema of mapping files."""
    return msgspec.json.schema(FeedMapping)


def hint(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` for the known word that is spelled most alike, or an empty string."""
    found = process.extractOne(
        word.casefold(), sorted(known), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=50.0
    )
    return f"did you mean {found[0]!r}?" if found else ""


def _field(path: str) -> str:
    return path.removeprefix("$").lstrip(".") or "the file as a whole"


class _Strict(yaml.SafeLoader):
    """YAML without aliases, which make a small file large, and without a key that comes twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - of the base class
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len({str(key) for key in keys}) < len(keys):
            raise yaml.YAMLError
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}


# Words such as NO and 01.02 stay what is written: only what looks like true, false or a whole number is one.
_Strict.yaml_implicit_resolvers = {}
_Strict.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"), list("tf"))
_Strict.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:null|~|)$"), ["n", "~", ""])


def _document(text: bytes, place: Place) -> Any:
    broken = Refused("mapping.broken", "This is neither YAML nor JSON, has aliases, or names a key twice.", place)
    if len(text) > MOST_BYTES:
        raise Refused("mapping.broken", "A mapping file has at most 4 MiB.", place)
    try:
        document = yaml.load(text.decode("utf-8-sig"), _Strict)  # noqa: S506 - the safe loader, made stricter
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        raise broken from None
    if isinstance(document, dict) and document.get("version") == "1":
        document["version"] = 1
    return document


def _unknown(value: Any, kind: Any, path: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield keys that the schema does not have: where, which, and those that it has."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {one.encode_name: one.type for one in msgspec.structs.fields(kind)}
        for key, inner in value.items() if isinstance(value, Mapping) else ():
            if key not in fields:
                yield path, str(key), list(fields)
            else:
                yield from _unknown(inner, fields[key], f"{path}.{key}")
        return
    arguments: tuple[Any, ...] = getattr(kind, "__args__", ())
    if getattr(kind, "__origin__", None) is dict and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unknown(inner, arguments[1], f"{path}.{key}")
    elif getattr(kind, "__origin__", None) is tuple and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unknown(inner, arguments[0], f"{path}[{number}]")
    elif isinstance(value, Mapping):
        for one in arguments:
            yield from _unknown(value, one, path)


def _faults(mapping: FeedMapping) -> Iterator[tuple[str, str]]:
    yield from _date_faults(mapping.csv.dates, "csv.dates")
    for number, table in enumerate(mapping.csv.files):
        here = f"csv.files[{number}]"
        layout = layouts().get(table.layout)
        if layout is None:
            yield f"{here}.layout", f"There is no layout {table.layout!r}; {hint(table.layout, layouts())}"
            continue
        known = {plain(column): column for column in layout.columns}
        for section, keys in (("columns", table.columns), ("codes", table.codes)):
            for key in keys:
                if plain(key) not in known:
                    advice = hint(key, layout.columns) or f"it has {', '.join(layout.columns)}"
                    yield f"{here}.{section}.{key}", f"The layout {table.layout} has no column {key!r}; {advice}"
        for key, source in table.columns.items():
            if isinstance(source, Column) and (source.column is None) == (source.value is None):
                yield f"{here}.columns.{key}", "Say either column or value."
        yield from _date_faults(table.dates, f"{here}.dates")
    yield from _genomic_faults(mapping.genomics)


def _genomic_faults(found: Genomics) -> Iterator[tuple[str, str]]:
    named = [(f"genomics.files[{number}].panel", one.panel) for number, one in enumerate(found.files)]
    samples = {name: one for name, one in found.samples.items() if isinstance(one, Sample)}
    named += [(f"genomics.samples.{name}.panel", one.panel) for name, one in samples.items()]
    for path, panel in named:
        if panel is not None and panel not in found.panels:
            yield path, f"There is no panel {panel!r}; {hint(panel, found.panels) or 'list it under panels'}"
    for name, one in samples.items():
        if one.collected is not None and not _DAY.fullmatch(one.collected):
            yield f"genomics.samples.{name}.collected", "Write YYYY, YYYY-MM or YYYY-MM-DD."


def _date_faults(formats: tuple[str, ...], path: str) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(formats):
        fault = format_fault(one)
        if fault:
            yield f"{path}[{number}]", f"This is no date format: {fault}."
