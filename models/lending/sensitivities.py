"""The macroeconomic sensitivity that scenarios use unless a lender states its own."""

from decimal import Decimal

from models.lending.stress import MacroSensitivity

# `explanations.macro_sensitivity` in the report of `customer`, trained on the bundled data:
# `python -m training train --model customer --family additive`. Its customers are synthetic: a
# lender replaces the figures by those of its own model's report.
CUSTOMER_SENSITIVITY = MacroSensitivity(
    interest_rate=Decimal("0.123275"),
    unemployment_rate=Decimal("0.148813"),
    model="customer",
    model_version="20261130T151719Z-4b6076ac0a84",
)
