"""The share of a loan that is lost after a default, by what secures it."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from models.lending.money import ARITHMETIC, exact, require_amount, require_positive
from models.lending.term_structure import ONE

SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRules:
    """Shares lost of the part that liquid collateral covers, of the part that other security
    covers, and of the rest.
    """  # noqa: D205 -- one sentence

    name: str
    version: int
    source: str
    liquid: Decimal
    secured: Decimal
    unsecured: Decimal
    liquid_kinds: tuple[str, ...]

    @property
    def label(self) -> str:
        """Name and version, as a figure quotes them."""
        return f"{self.name}@{self.version}"


# A book without recoveries of its own has no estimate of its own: the regulator's backstop stands
# in for it. It says nothing about this book.
BACKSTOP = RecoveryRules(
    name="rbi_backstop_lgd",
    version=1,
    source="RBI Directions, 2026, paragraphs 97 and 98, from a secondary source: for lenders "
    "without an internal estimate",
    liquid=Decimal("0.30"),
    secured=Decimal("0.65"),
    unsecured=Decimal("0.70"),
    liquid_kinds=("gold", "deposit", "insurance policy", "government bond"),
)


@exact
def loss_given_default(
    owed: Decimal, liquid: Decimal, other: Decimal, rules: RecoveryRules
) -> Decimal:
    """Return the share of what is owed that is lost, with six places.

    Liquid collateral covers first, other security then; each share weighs the part it covers.
    """
    require_positive("owed", owed)
    by_liquid = min(require_amount("liquid", liquid), owed)
    by_other = min(require_amount("other", other), owed - by_liquid)
    rest = owed - by_liquid - by_other
    lost = by_liquid * rules.liquid + by_other * rules.secured + rest * rules.unsecured
    share = min(lost / owed, ONE)
    return share.quantize(SIX_PLACES, rounding=ROUND_HALF_UP, context=ARITHMETIC)
