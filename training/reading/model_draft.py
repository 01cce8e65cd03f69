"""A first declaration of a credit model, written from the profile of a file, to be edited."""

import json
import keyword
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from models.contract import CreditModel
from models.data_file import CsvDialect, DataFile
from models.errors import DataError
from training.reading.column_names import PROTECTED_WORDS, has_word
from training.reading.columns import SPECIAL
from training.reading.inspection import AFTERWARDS, AMBIGUOUS, ColumnProfile

ROOM = 2.0  # bounds are this many times the largest number in the data, rounded up
LEAST_AUC = 0.52  # of a column alone, from which the draft mentions a direction
INDENT = "    "
# What the draft cannot know. Training remarks on a model that still has one of these.
PLACEHOLDERS = {
    "label_definition": "state what counts as a default",
    "horizon": "state the period over which it is predicted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a draft is made from: `base_rate` is the share of defaults.

    `suggested` maps settings such as `group_column` to columns that may be for them.
    """

    source: str
    class_name: str
    label: str
    data_file: DataFile
    base_rate: float
    profiles: Sequence[ColumnProfile]
    suggested: Mapping[str, str] = field(default_factory=dict)


def write_draft(draft: Draft) -> str:
    """Return the text of a Python module that declares the model."""
    special = {getattr(draft.data_file, setting) for setting in SPECIAL}
    special |= {draft.data_file.outcome_column, draft.label}
    afterwards = [p.name for p in draft.profiles if AFTERWARDS in p.remarks]
    afterwards = [name for name in afterwards if name not in special]
    known_afterwards = tuple(dict.fromkeys((*draft.data_file.known_afterwards, *afterwards)))
    declared = replace(draft.data_file, known_afterwards=known_afterwards)
    draft = replace(draft, data_file=declared)
    fields_text: list[str] = []
    left_out: list[str] = []
    names = {*dir(CreditModel), *CreditModel.__annotations__, "int", "float", "cls", "self"}
    names |= {draft.label, "label", "scale", "policy", "horizon", "label_definition"}
    columns = {profile.name for profile in draft.profiles}
    for profile in draft.profiles:
        if profile.name in special:
            continue
        if reason := _find_suggestion(draft, profile.name) or _find_obstacle(profile):
            left_out.append(f"{INDENT}# Left out: {' '.join(profile.name.split())} ({reason})")
            continue
        # A field that is called like another column would read either of the two.
        name = _choose_name(profile.name, names | (columns - {profile.name}))
        names.add(name)
        fields_text.append("\n".join(_write_field(name, profile, len(fields_text) + 1)))
    if not fields_text:
        message = "no column of the data can be a field; see the remarks of inspect"
        raise DataError(message)
    body = [*_write_head(draft), "", *left_out, *fields_text, ""]
    return "\n".join([*_write_imports(draft, "\n".join(fields_text)), "", "", *body])


def class_name_from_file(name: str) -> str:
    """Return a class name for a file: `my-loans 2024.csv` becomes `MyLoans2024`."""
    words = re.findall(r"[A-Za-z0-9]+", name.split(".", maxsplit=1)[0])
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return joined if joined[:1].isalpha() else f"Model{joined}"


def _write_imports(draft: Draft, fields_text: str) -> Iterator[str]:
    names = ("FromColumn", "Missing", "Protected", "Reason")
    used = [name for name in names if f"{name}(" in fields_text]
    typing = ["Annotated", "ClassVar", *(["Literal"] if "Literal[" in fields_text else [])]
    yield f'"""A credit model drafted from {draft.source}. Edit it, then train it."""'
    yield ""
    yield f"from typing import {', '.join(typing)}"
    yield ""
    if "Field(" in fields_text:
        yield "from pydantic import Field"
        yield ""
    yield f"from models.annotations import {', '.join(used)}"
    yield "from models.contract import CreditModel"
    if imported := _import_declarations(draft.data_file):
        yield f"from models.data_file import {imported}"
    yield "from models.policy import Cutoffs"
    yield "from models.score_scale import PointsToDoubleOdds"


def _import_declarations(declared: DataFile) -> str:
    if declared == DataFile():
        return ""
    return "DataFile" if declared.csv == CsvDialect() else "CsvDialect, DataFile"


def _write_head(draft: Draft) -> Iterator[str]:
    approve = min(max(round(draft.base_rate, 3), 0.001), 0.4)
    yield f"class {draft.class_name}(CreditModel):"
    yield f'{INDENT}"""One row of {draft.source}."""'
    yield ""
    yield f"{INDENT}label: ClassVar = {_quote(draft.label)}"
    for name, placeholder in PLACEHOLDERS.items():
        yield f"{INDENT}{name}: ClassVar = {_quote(placeholder)}"
    yield f"{INDENT}scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)"
    yield f"{INDENT}# A share of {draft.base_rate:.4f} defaults. These cut-offs are a beginning."
    yield f"{INDENT}policy: ClassVar = Cutoffs(approve_below={approve}, decline_from={2 * approve})"
    if written := _write_call(draft.data_file, INDENT):
        for profile in draft.profiles:
            if AMBIGUOUS in profile.remarks:
                yield f"{INDENT}# {' '.join(profile.name.split())}: {AMBIGUOUS}"
        yield f"{INDENT}data_file: ClassVar = {written}"


def _write_call(value: CsvDialect | DataFile, indent: str) -> str:
    """Return the call that makes a value, with one line for each argument that is no default."""
    arguments = [
        f"{indent}{INDENT}{name}={_write_value(argument, indent + INDENT)},"
        for name in (option.name for option in fields(value))
        if (argument := getattr(value, name)) != getattr(type(value)(), name)
    ]
    return "\n".join([f"{type(value).__name__}(", *arguments, f"{indent})"]) if arguments else ""


def _write_value(value: object, indent: str) -> str:
    if isinstance(value, CsvDialect):
        return _write_call(value, indent)
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, tuple):
        return f"({' '.join(f'{_write_value(item, indent)},' for item in value)})"
    if isinstance(value, Mapping):
        items = [f"{_quote(word)}: {outcome!r}" for word, outcome in value.items()]
        return f"{{{', '.join(items)}}}"
    return repr(value)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _find_suggestion(draft: Draft, name: str) -> str:
    if name in draft.data_file.known_afterwards:
        return AFTERWARDS
    settings = [setting for setting, column in draft.suggested.items() if column == name]
    return f"perhaps the {settings[0]}: declare it so, or make it a field" if settings else ""


def _find_obstacle(profile: ColumnProfile) -> str:
    if profile.kind == "date":
        return "a date: name it as date_column to test the model out of time, or make it a field"
    if profile.kind in ("empty", "text", "other"):
        return "; ".join(profile.remarks) or f"a {profile.kind}"
    if any("?" in remark or remark == "constant" for remark in profile.remarks):
        return "; ".join(profile.remarks)
    return ""


def _choose_name(column: str, taken: set[str]) -> str:
    """Return the column's name in snake case, changed if it is reserved or taken."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    # `\w` has characters that no name may have, such as the square in m².
    letters = "".join(c if f"a{c}".isidentifier() else "_" for c in spaced)
    name = re.sub(r"_+", "_", letters).strip("_").lower() or "column"
    name = f"n_{name}" if name[0].isdigit() else name
    while name in taken or keyword.iskeyword(name) or name.startswith("model_"):
        name = f"field_{name}"
    return name


def _write_field(name: str, profile: ColumnProfile, number: int) -> Iterator[str]:
    is_protected = has_word(profile.name, PROTECTED_WORDS)
    annotations = [_write_type(profile)]
    if profile.low is not None and profile.high is not None:
        annotations.append(f"Field({_write_bounds(profile.low, profile.high)})")
    if name != profile.name:
        annotations.append(f"FromColumn({_quote(profile.name)})")
    if is_protected:
        annotations.append("Protected()")
    else:
        title = name.replace("_", " ").capitalize()
        annotations.append(f'Reason("R{number:02}", {_quote(title)})')
        if profile.missing:
            annotations.append(f"Missing({_quote(f'{title} is not known')})")
    yield from _write_comments(profile, is_protected=is_protected)
    yield f"{INDENT}{name}: Annotated["
    yield from (f"{INDENT * 2}{annotation}," for annotation in annotations)
    yield f"{INDENT}]" + (" = None" if profile.missing else "")


def _write_comments(profile: ColumnProfile, *, is_protected: bool) -> Iterator[str]:
    if is_protected:
        yield f"{INDENT}# Protected by its name: accepted, never scored, compared in the report."
    elif profile.levels == () and profile.auc and abs(profile.auc - 0.5) >= LEAST_AUC - 0.5:
        direction, sign = ("rises", "+1") if profile.auc > 0.5 else ("falls", "-1")  # noqa: PLR2004
        alone = max(profile.auc, 1 - profile.auc)
        yield (
            f"{INDENT}# Riskier as it {direction} (AUC alone {alone:.3f}); declare Risk({sign}) if "
            "that has a reason."
        )


def _write_type(profile: ColumnProfile) -> str:
    if profile.kind == "levels":
        written = f"Literal[{', '.join(map(_quote, profile.levels))}]"
    else:
        written = "int" if profile.kind == "integer" else "float"
    return f"{written} | None" if profile.missing else written


def _write_bounds(low: float, high: float) -> str:
    least = 0 if low >= 0 else -_round_up(-low * ROOM)
    return f"ge={least:g}, le={_round_up(max(high, 1.0) * ROOM):.12g}"


def _round_up(number: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= number)
