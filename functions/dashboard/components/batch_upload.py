"""The upload of a file of applications: its columns, then a check of every row or the scoring."""

import hashlib
from dataclasses import replace

import streamlit as st

from functions.client import batch_endpoints as batches
from functions.client import endpoints
from functions.client.batch_endpoints import BatchOptions, BatchReasons, FileKind
from functions.client.errors import ClientError
from functions.dashboard.api import Api
from functions.dashboard.batch_files import (
    KINDS,
    fields_from_schema,
    kind_from_name,
    match_columns,
    read_columns,
)
from functions.dashboard.display import t
from functions.dashboard.frame import form_key, renew_key, show_error
from models.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
REASONS: tuple[BatchReasons, ...] = ("none", "adverse", "all")
ACROSS = 3


def upload_form(api: Api, model: str) -> None:
    """Take a file, let its columns be named, and send it to be checked or scored."""
    st.subheader(t("batches.file"))
    file = st.file_uploader(t("batches.choose"), type=list(KINDS), key="batch file")
    if file is None:
        st.caption(t("batches.no_file"))
        return
    content = file.getvalue()
    try:
        kind = kind_from_name(file.name)
        dialect = {} if kind == "application/vnd.apache.parquet" else _dialect()
        columns = read_columns(content, kind, dialect.get("delimiter", ","))
    except DataError as error:
        st.error(str(error), icon=":material/error:")
        return
    options = _options(api, model, columns, dialect)
    check, score, _ = st.columns([1, 1, 3])
    if check.button(t("batches.check"), icon=":material/fact_check:"):
        _send(api, content, kind, replace(options, dry_run=True))
    if score.button(t("batches.score"), type="primary", icon=":material/play_arrow:"):
        _send(api, content, kind, options)


def _dialect() -> dict[str, str]:
    delimiter = st.segmented_control(
        t("batches.delimiter"),
        DELIMITERS,
        default=DELIMITERS[0],
        required=True,
        format_func=lambda sign: t("batches.tab") if sign == "\t" else sign,
    )
    return {} if delimiter == DELIMITERS[0] else {"delimiter": delimiter}


def _options(api: Api, model: str, columns: list[str], dialect: dict[str, str]) -> BatchOptions:
    """Ask for the column of each field, what to repeat, and who gets reasons."""
    fields = fields_from_schema(api.scoring(endpoints.model(model)).input_schema)
    matched = match_columns(list(fields), columns)
    open_at_first = any(matched[name] is None for name, required in fields.items() if required)
    with st.expander(t("batches.columns", columns=len(columns)), expanded=open_at_first):
        chosen = _mapping(model, matched, columns)
        lacking = [name for name, required in fields.items() if not required and not chosen[name]]
        without = st.multiselect(
            t("batches.without"),
            [name for name, required in fields.items() if not required],
            default=lacking,
            key=f"without {model} {lacking}",
        )
    left, right = st.columns(2)
    keep = left.multiselect(t("batches.keep"), columns, key=f"keep {columns}")
    reasons = right.segmented_control(
        t("batches.reasons"),
        REASONS,
        default=REASONS[0],
        required=True,
        format_func=lambda name: t(f"batches.reasons_{name}"),
    )
    return BatchOptions(
        model=model,
        mapping={n: c for n, c in chosen.items() if c and c != n and n not in without},
        without=tuple(without),
        keep=tuple(keep),
        reasons=reasons,
        dialect=dialect,
    )


def _mapping(
    model: str, matched: dict[str, str | None], columns: list[str]
) -> dict[str, str | None]:
    chosen: dict[str, str | None] = {}
    grid = st.columns(ACROSS)
    for index, (name, column) in enumerate(matched.items()):
        chosen[name] = grid[index % ACROSS].selectbox(
            name,
            columns,
            index=columns.index(column) if column else None,
            placeholder=t("batches.found_by_model"),
            key=f"column {model} {name} {columns}",
        )
    return chosen


def _send(api: Api, content: bytes, kind: FileKind, options: BatchOptions) -> None:
    """Send the file under a key of its own, so that sending it again is the same batch."""
    digest = hashlib.sha256(content + repr(options).encode()).hexdigest()
    form = f"batch {digest}"
    try:
        with st.spinner(t("batches.sending")):
            batch = api.batches(batches.upload(content, kind, options, form_key(form)))
    except ClientError as error:  # the key stays: sending again is the same intention
        show_error(error)
        return
    renew_key(form)
    st.query_params["batch"] = batch.id
    st.rerun()
