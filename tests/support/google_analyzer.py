"""Google's own analyzer of SQL, run by the Python of its own environment.

Reads `{"tables": {name: {column: type}}, "queries": {name: text}}` from standard input, and prints
the columns of each query with their types. A query that BigQuery would refuse ends it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from wasmtime import Module
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder
from zetasql.core import wasm_client
from zetasql.types import (
    AnalyzerOptions,
    LanguageOptions,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

COMPILED = Path(sys.prefix) / "zetasql.cwasm"  # compiling takes the better part of a minute
KINDS = {
    "VARCHAR": TypeKind.TYPE_STRING,
    "BIGINT": TypeKind.TYPE_INT64,
    "DOUBLE": TypeKind.TYPE_DOUBLE,
    "DATE": TypeKind.TYPE_DATE,
    "BOOLEAN": TypeKind.TYPE_BOOL,
}
NAMES = {int(kind): name for name, kind in KINDS.items()}


class CompiledOnce:
    """What loads the analyzer's module: from a file, once it has been compiled."""

    @staticmethod
    def from_file(engine: Any, path: str) -> Any:  # noqa: ANN401 -- wasmtime's
        """Load the compiled module, or compile it."""
        if COMPILED.exists():
            return Module.deserialize_file(engine, str(COMPILED))
        module = Module.from_file(engine, path)
        COMPILED.write_bytes(module.serialize())
        return module


def main() -> None:
    """Analyze every query."""
    asked_for = json.load(sys.stdin)
    wasm_client.Module = CompiledOnce
    language = LanguageOptions.maximum_features()
    catalog = CatalogBuilder("bank")
    for name, columns in asked_for["tables"].items():
        table = TableBuilder(name)
        for column, kind in columns.items():
            table = table.add_column(column, KINDS[kind])
        catalog = catalog.add_table(table.build())
    functions = ZetaSQLBuiltinFunctionOptions(language_options=language)
    made = catalog.with_builtin_functions(functions).build()
    analyzer = Analyzer(AnalyzerOptions(language_options=language), made)
    answers = {}
    for name, text in asked_for["queries"].items():
        statement = analyzer.analyze_statement(text)
        answers[name] = {
            output.name: NAMES.get(int(output.column.type.type_kind), "another")
            for output in statement.output_column_list
        }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
