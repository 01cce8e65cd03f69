"""Tables of what the daily close compared with limits, and of what the nightly check found."""

from sqlalchemy import BigInteger, Date, Integer, Numeric, Text

from functions.lending.storage.tables import TIME, declare_table

book_alerts = declare_table(
    "book_alerts",
    **dict.fromkeys(("business_date", "firing_since"), Date),
    **dict.fromkeys(("name", "figure", "comparison", "severity", "text"), Text),
    **dict.fromkeys(("value", "threshold"), Numeric(12, 4)),
    created_at=TIME,
)
book_checks = declare_table(
    "book_checks",
    id=BigInteger,
    business_date=Date,
    created_at=TIME,
    **dict.fromkeys(("borrowers", "loans", "different"), Integer),
)
