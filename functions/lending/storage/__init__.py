"""The database of the loan book: tables, migrations, connections, transactions."""
