"""Proposals: promotions that wait for a second person, one object each, created once.

A proposal is about one version and one sequence of the pointer. Any move of the pointer therefore
makes it void.
"""

from pydantic import AwareDatetime, ValidationError

from models.errors import ModelRefusedError, ObjectExistsError
from models.registry.store_paths import proposal_path
from models.registry.versions import RegistryDocument, find_object
from models.stores.store import Store


class Proposal(RegistryDocument):
    """Who proposed to promote a version over which sequence of the pointer, when and why."""

    version: str
    sequence: int
    who: str
    when: AwareDatetime
    reason: str


def find_proposal(store: Store, model_name: str, sequence: int, version: str) -> Proposal | None:
    """Read a proposal, or return None if nobody made it."""
    stored = find_object(store, proposal_path(model_name, sequence, version))
    if stored is None:
        return None
    try:
        return Proposal.model_validate_json(stored.data)
    except ValidationError as error:
        message = f"the proposal of {version} cannot be read; an operator must remove it"
        raise ModelRefusedError(message) from error


def propose(store: Store, model_name: str, proposal: Proposal) -> Proposal:
    """Create a proposal, or return the one that somebody else created first."""
    name = proposal_path(model_name, proposal.sequence, proposal.version)
    try:
        store.create(name, proposal.model_dump_json(indent=1).encode())
    except ObjectExistsError:
        first = find_proposal(store, model_name, proposal.sequence, proposal.version)
        return first or proposal
    return proposal
