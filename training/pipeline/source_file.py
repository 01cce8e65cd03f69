"""Sources as data: where each table comes from, declared in one TOML file."""

import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import DeclarationError
from training.pipeline.tables import TABLES

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QueryTable(_Declared):
    """A table of a SQL database: a query whose parameter `:day` is the day of the load."""

    query: str

    @model_validator(mode="after")
    def _require_day(self) -> Self:
        if ":day" not in self.query:
            message = "the query must have the parameter :day"
            raise ValueError(message)
        return self


class FileTable(_Declared):
    """A table of files: a name in which `{day}` stands for the day of the load.

    `day_format` writes it, as in `date.strftime`. `rows_file` names a file that has the number of
    rows, for a sender that writes one: then a file that is cut off is noticed.
    """

    file: str
    day_format: str = "%Y-%m-%d"
    rows_file: str = ""
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    date: str = "%Y-%m-%d"
    missing: tuple[str, ...] = ("",)

    @model_validator(mode="after")
    def _require_day(self) -> Self:
        for name in filter(None, (self.file, self.rows_file)):
            _require_fields(name, {"day"})
        return self


class RestTable(_Declared):
    """A table of a REST interface: one address, and the member that has the rows.

    `parameters` are those of the query; `{day}` stands for the day of the load. `next` names the
    member with the address of the next page; `page` the parameter that numbers pages from 1, until
    one has no rows. Members may be nested: `meta.next`.
    """

    path: str
    rows: str
    parameters: Mapping[str, str] = {}
    next: str = ""
    page: str = ""

    @model_validator(mode="after")
    def _require_day(self) -> Self:
        _require_fields(self.path + "".join(self.parameters.values()), {"day"})
        if self.next and self.page:
            message = "declare next or page, not both"
            raise ValueError(message)
        return self


class DatabaseSource(_Declared):
    """A SQL database. Its URL is a SQLAlchemy URL."""

    kind: Literal["database"]
    tables: Mapping[Name, QueryTable]


class FilesSource(_Declared):
    """A folder, a bucket or an SFTP server's folder into which somebody drops files.

    Its URL is that of a store, or sftp://user@host/folder; `host_key` is that server's public key.
    """

    kind: Literal["files"]
    host_key: str = ""
    tables: Mapping[Name, FileTable]


class RestSource(_Declared):
    """A REST interface. Its URL is http:// or https://.

    `requests_per_second` limits how fast it is asked. A request is tried `attempts` times.
    """

    kind: Literal["rest"]
    tables: Mapping[Name, RestTable]
    requests_per_second: Annotated[float, Field(gt=0, le=1000)] = 10.0
    attempts: Annotated[int, Field(ge=1, le=10)] = 4


Source = Annotated[DatabaseSource | FilesSource | RestSource, Field(discriminator="kind")]


class SourceFile(_Declared):
    """All sources by name."""

    sources: Mapping[Name, Source]

    @model_validator(mode="after")
    def _require_contracts(self) -> Self:
        owners: dict[str, str] = {}
        for name, source in self.sources.items():
            for table in source.tables:
                if table not in TABLES:
                    message = f"sources.{name}: no contract is declared for the table {table}"
                    raise ValueError(message)
                if table in owners:
                    message = f"{table} comes from {owners[table]} and from {name}: one source each"
                    raise ValueError(message)
                owners[table] = name
        return self

    def find(self, name: str) -> DatabaseSource | FilesSource | RestSource:
        """Return a source by name.

        Raises
        ------
        DeclarationError
            If there is none of this name.
        """
        if name not in self.sources:
            message = (
                f"--source {name}: there is no such source; declared: {', '.join(self.sources)}"
            )
            raise DeclarationError(message)
        return self.sources[name]


def read_source_file(path: Path) -> SourceFile:
    """Read the declaration of all sources.

    Raises
    ------
    DeclarationError
        If the file cannot be read, is no TOML, or declares something wrong. All faults are named.
    """
    try:
        declared: dict[str, Any] = tomllib.loads(path.read_text())
        return SourceFile.model_validate(declared)
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        message = f"PIPELINE_SOURCES: {path} cannot be read: {error}"
        raise DeclarationError(message) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        message = f"PIPELINE_SOURCES: {path}: {faults}"
        raise DeclarationError(message) from error


def _require_fields(text: str, expected: set[str]) -> None:
    fields = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    if fields != expected:
        message = f"{text!r} must have {{day}} and no other braces"
        raise ValueError(message)
