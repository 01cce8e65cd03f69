"""One statement that scores a table: fields, features, terms, calibration, score, decision."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.contract import Characteristic, CreditModel, bounds_from_field, characteristics
from models.errors import DeclarationError, ModelRefusedError
from models.estimators.families import Additive
from models.features import LARGEST, Feature, features
from models.policy import RISK_LEVELS, Cutoffs
from models.score_scale import Bands, LinearScale, Scale
from models.scorer import LOG_ODDS_LIMIT, Scorer
from training.scoring_sql.contract_checks import Field, list_fields, write_absent, write_field
from training.scoring_sql.formula_terms import write_sums, write_terms
from training.scoring_sql.sql_text import LN_2, SqlStep, SqlText
from training.scoring_sql.traced_columns import Bindings, trace_derived

RESULTS = (
    *("probability_of_default", "credit_score", "unrounded_score", "decision", "risk_level"),
    *("rating", "model_version", "invalid_field"),
)
EXACT_SINGLES = 2.0**24  # integers up to here are exact in single precision
# A cut-off can be the probability of a row that training saw. The last digit of an exponential
# differs between databases, so what is this close to a cut-off counts as equal to it.
CUTOFF_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTable:
    """The table that a statement reads.

    `keys` are columns that the results repeat. `mapping` has the columns of fields that are not
    called like them. `without` are fields that the table does not have.
    """

    name: str
    keys: Sequence[str] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


def write_statement(scorer: Scorer, version: str, table: ScoredTable, sql: SqlText) -> str:
    """Write the statement that gives the rows of a table the scores that the service gives them.

    Raises
    ------
    ModelRefusedError
        If the version is not of an additive family.
    DeclarationError
        If a derived number, a check or an option cannot be written.
    """
    if not isinstance(scorer.estimator, Additive):
        message = (
            f"{version}: export-sql writes logistic, scorecard and additive versions; trees "
            f"({scorer.estimator.family}) are scored by a remote function or in batches"
        )
        raise ModelRefusedError(message)
    _check_table(table, scorer.model)
    keys = [(f"key_{i + 1}", key) for i, key in enumerate(table.keys)]
    steps = [
        *_write_inputs(scorer.model, table, [name for name, _ in keys], sql),
        *_write_derived(scorer.model, sql),
        *_write_features(scorer.model, scorer.estimator, sql),
        *_write_formula(scorer.estimator, sql),
        *_write_outcome(scorer, sql),
    ]
    source, texts = ".".join(sql.name(part) for part in table.name.split(".")), []
    for step in steps:
        texts.append(step.write(source))
        source = step.name
    heading = (
        "-- Written by `python -m training export-sql`: do not edit.\n"
        f"-- {scorer.estimator.family} version {version}, for {sql.dialect}. NULL scores: see "
        "invalid_field.\n"
    )
    return f"{heading}WITH {', '.join(texts)}\n{_select_results(scorer, version, keys, sql)}\n"


def _check_table(table: ScoredTable, model: type[CreditModel]) -> None:
    for key in table.keys:
        if key in RESULTS:
            message = f"--key {key}: a column of the results has this name; rename it in a view"
            raise DeclarationError(message)
    for name in table.mapping:
        if name not in model.model_fields:
            message = f"--mapping {name}: it is no field of the contract"
            raise DeclarationError(message)
    quotes = set("`\"'\\")
    for text in (table.name, *table.keys, *table.mapping.values()):
        if not text or quotes & set(text) or not text.isprintable():
            message = f"{text!r}: names of tables and columns must be without quotes"
            raise DeclarationError(message)


def _write_inputs(
    model: type[CreditModel], table: ScoredTable, key_names: list[str], sql: SqlText
) -> list[SqlStep]:
    fields: list[Field] = []
    for c in list_fields(model, table.without):
        column = sql.name(table.mapping.get(c.name, c.name))
        is_absent = c.name in table.without
        fields.append(write_absent(c, sql) if is_absent else write_field(c, model, column, sql))
    keys = [(name, sql.name(key)) for name, key in zip(key_names, table.keys, strict=True)]
    cases = " ".join(
        f"WHEN NOT COALESCE({f.rule}, FALSE) THEN {sql.string(f.name)}" for f in fields
    )
    sound = [(f.column, f"CASE WHEN broken IS NULL THEN {f.column} END") for f in fields]
    return [
        SqlStep(
            "fields",
            [*keys, *((f.column, f.expression) for f in fields)],
            "The fields of the contract as numbers: levels by their index, dates as days.",
            replaces=True,
        ),
        SqlStep(
            "checked", [("broken", f"CASE {cases} END")], "The first field that breaks a rule."
        ),
        SqlStep(
            "sound",
            [*((name, name) for name in key_names), ("broken", "broken"), *sound],
            "A row with a fault has no numbers.",
            replaces=True,
        ),
    ]


def _write_derived(model: type[CreditModel], sql: SqlText) -> list[SqlStep]:
    """Write derived numbers in their order. Special codes are no amounts, so they read NULL."""
    bindings, amounts = Bindings(sql), {}
    special = []
    for c in characteristics(model):
        if c.compute is None and not c.protected:
            amounts[c.name] = f"f_{c.name}"
            if c.special:
                amounts[c.name] = f"a_{c.name}"
                special.append((f"a_{c.name}", _drop_codes(c, f"f_{c.name}", sql)))
    derived = [c for c in characteristics(model) if c.compute is not None]
    if special and derived:
        bindings.steps.append(SqlStep("amounts", special, "Numbers without their special codes."))
    faults = []
    for c in derived:
        text = bindings.bind(trace_derived(c, amounts, bindings))
        name = amounts[c.name] = f"d_{c.name}"
        bindings.steps.append(
            SqlStep(f"derived_{c.name}", [(name, sql.drop_nan(text))], f"Derived: {c.name}.")
        )
        limit = sql.number(LARGEST)
        faults.append(f"WHEN ABS({name}) > {limit} THEN {sql.string(c.name)}")
    text = f"CASE WHEN broken IS NOT NULL THEN broken {' '.join(faults)} END"
    return [*bindings.steps, SqlStep("complete", [("invalid_field", text)], "")]


def _drop_codes(c: Characteristic, name: str, sql: SqlText) -> str:
    codes = ", ".join(sql.number(code) for code in sorted(c.special))
    return f"CASE WHEN {name} IN ({codes}) THEN NULL ELSE {name} END"


def _write_features(model: type[CreditModel], estimator: Additive, sql: SqlText) -> list[SqlStep]:
    used = {shape.feature for term in estimator.formula.terms for shape in term.shapes}
    by_name = {c.name: c for c in characteristics(model)}
    columns, shifts, rounded, atoms = [], [], [], {}
    for i, feature in enumerate(features(model)):
        if feature.name not in used:
            continue
        c, name = by_name[feature.characteristic], f"x{i + 1}"
        columns.append((name, _write_feature(feature, c, sql)))
        atoms[feature.name] = name
        if not _is_exact(feature, c, model):
            atoms[feature.name] = f"{name}_single"
            if sql.dialect != "duckdb":
                shifts.append((f"{name}_shift", sql.shift_to_single(name)))
            rounded.append((f"{name}_single", sql.round_to_single(name, f"{name}_shift")))
    terms = [
        (f"term_{i + 1}", text) for i, text in enumerate(write_terms(estimator.formula, atoms, sql))
    ]
    steps = [
        SqlStep("features", columns, "What the formula reads; NULL is a missing number."),
        SqlStep("shifts", shifts, "Numbers that round to single precision when added."),
        SqlStep("singles", rounded, "Features in single precision, as every family reads them."),
        SqlStep("terms", terms, "What each term adds to the log-odds."),
    ]
    return [step for step in steps if step.columns]


def _write_formula(estimator: Additive, sql: SqlText) -> list[SqlStep]:
    """Add the terms; the last step has `z`, the log-odds before calibration."""
    formula = estimator.formula
    names = [f"term_{i + 1}" for i in range(len(formula.terms))]
    sums = write_sums(formula, names, sql)
    steps = [SqlStep(f"sum_{i + 1}", [(f"z{i + 1}", text)], "") for i, text in enumerate(sums)]
    return [*steps, SqlStep("formula", [("z", f"z{len(sums)}")], "Log-odds before calibration.")]


def _write_feature(feature: Feature, c: Characteristic, sql: SqlText) -> str:
    name = f"{'d' if c.compute else 'f'}_{c.name}"
    if feature.equals is None:
        usable = f"CASE WHEN ABS({name}) <= {sql.number(LARGEST)} THEN {name} END"
        return _drop_codes(c, name, sql) if c.special else usable if c.compute else name
    is_missing = math.isnan(feature.equals)
    test = f"{name} IS NULL" if is_missing else f"{name} = {sql.number(feature.equals)}"
    return f"CASE WHEN {test} THEN {sql.number(1)} ELSE {sql.number(0)} END"


def _is_exact(feature: Feature, c: Characteristic, model: type[CreditModel]) -> bool:
    """Whether single precision changes no value of a feature."""
    if feature.equals is not None or c.levels:
        return True
    low, high = bounds_from_field(model.model_fields.get(c.name))
    return c.is_integer and max(-low, high) <= EXACT_SINGLES


def _write_outcome(scorer: Scorer, sql: SqlText) -> list[SqlStep]:
    one, zero, beta = sql.number(1), sql.number(0), scorer.calibration
    tail = f"LN({one} + EXP(-ABS(z)))"
    log_p, log_q = (f"(-(GREATEST({z}, {zero}) + {tail}))" for z in ("-z", "z"))
    calibrated = (
        f"{sql.number(beta.a)} * {log_p} - {sql.number(beta.b)} * {log_q} + {sql.number(beta.c)}"
    )
    low, high = sql.number(-LOG_ODDS_LIMIT), sql.number(LOG_ODDS_LIMIT)
    probability = f"{one} / ({one} + EXP(-LEAST(GREATEST(log_odds, {low}), {high})))"
    return [
        SqlStep("calibrated", [("log_odds", calibrated)], "Beta calibration."),
        SqlStep("probabilities", [("p", probability)], "Clamped, so strictly between 0 and 1."),
        SqlStep("scores", [("score", _write_score(scorer.scale, sql))], str(scorer.scale)),
        SqlStep("decided", [("decision", _write_decision(scorer.policy, sql))], "The policy."),
    ]


def _write_score(scale: Scale, sql: SqlText) -> str:
    if isinstance(scale, LinearScale):
        return f"{sql.number(scale.highest)} - {sql.number(scale.highest - scale.lowest)} * p"
    odds = f"(({sql.number(1)} - p) / p) / {sql.number(scale.base_odds)}"
    points = f"{sql.number(scale.pdo)} * (LN({odds}) / {sql.number(LN_2)})"
    return f"{sql.number(scale.base_score)} + {points}"


def _write_decision(policy: Cutoffs, sql: SqlText) -> str:
    approve, decline = (
        sql.number(cutoff * (1.0 - CUTOFF_TOLERANCE))
        for cutoff in (policy.approve_below, policy.decline_from)
    )
    return (
        f"CASE WHEN p < {approve} THEN 'approve' WHEN p < {decline} THEN 'refer' ELSE 'decline' END"
    )


def _write_rating(bands: Bands | None, sql: SqlText) -> str:
    text = "STRING" if sql.dialect == "bigquery" else "VARCHAR"
    if bands is None:
        return f"CAST(NULL AS {text})"
    cases = " ".join(
        f"WHEN score >= {sql.number(start)} THEN {sql.string(rating)}"
        for start, rating in reversed(bands.rising)
    )
    return f"CASE {cases} ELSE {sql.string(bands.lowest)} END"


def _select_results(scorer: Scorer, version: str, keys: list[tuple[str, str]], sql: SqlText) -> str:
    levels = " ".join(f"WHEN '{name}' THEN '{level}'" for name, level in RISK_LEVELS.items())
    results = {
        "probability_of_default": "p",
        "credit_score": f"CAST(ROUND(score) AS {sql.integer})",
        "unrounded_score": "score",
        "decision": "decision",
        "risk_level": f"CASE decision {levels} END",
        "rating": _write_rating(scorer.bands, sql),
    }
    lines = [f"{name} AS {sql.name(key)}" for name, key in keys]
    lines += [
        f"CASE WHEN invalid_field IS NULL THEN {text} END AS {name}"
        for name, text in results.items()
    ]
    lines += [f"{sql.string(version)} AS model_version", "invalid_field"]
    return "SELECT\n  " + ",\n  ".join(lines) + "\nFROM decided"
