"""A credit model whose policy asks for a second person; what `CREDIT_MODELS` names in tests."""

from models.gate_policy import GatePolicy
from tests.support.toy import Toy


class TwoPersons(Toy):
    """The toy model; nobody promotes alone what a gate refused."""

    gate_policy = GatePolicy(second_person=True)
