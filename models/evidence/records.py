"""The decision record, version 3: every member, declared once.

A record holds decisions of one request. The order of members within each part is the order in which
a record's link covers them, so members are never reordered or renamed within one version. Tables
and readers derive from these types. Records of version 2, one decision each: `version_2`.
"""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from models.prediction import Outcome
from models.registry.serving import Variant

RECORD_VERSION = 3


class SharedPart(TypedDict):
    """What the decisions of one record have in common."""

    record_version: Annotated[int, Field(description="Version of this layout.")]
    decided_at: Annotated[str, Field(description="Time of the decision, as the link covers it.")]
    request_id: Annotated[str, Field(description="X-Request-Id of the response.")]
    trace_id: Annotated[str | None, Field(description="The caller's trace, if it sent one.")]
    model: Annotated[str, Field(description="Name of the credit model.")]
    model_version: Annotated[str, Field(description="Version that made the decision.")]
    contract: Annotated[str, Field(description="First 12 hex digits of the contract's hash.")]
    variant: Annotated[Variant, Field(description="champion or challenger.")]
    withheld: Annotated[list[str], Field(description="Fields whose values are never written.")]
    latency_ms: Annotated[float, Field(description="From the request's arrival to its decision.")]
    fields: Annotated[list[str], Field(description="Fields of the inputs, in their order.")]
    approved: Annotated[int, Field(description="How many of the decisions are approve.")]
    referred: Annotated[int, Field(description="How many of the decisions are refer.")]
    declined: Annotated[int, Field(description="How many of the decisions are decline.")]
    features_of: NotRequired[
        Annotated[str, Field(description="Day of the features that were looked up, if any were.")]
    ]


class _Identity(TypedDict):
    decision_id: Annotated[
        str, Field(description="From Idempotency-Key or the request's id, and the index.")
    ]
    index: Annotated[int, Field(description="Index of the application in its request, from 0.")]


class OwnPart(_Identity, Outcome):
    """What one decision has for itself."""

    reasons: Annotated[list[str], Field(description="Reason codes, the strongest first.")]
    commitment: Annotated[
        str,
        Field(
            description="SHA-256 over the commitment before it in the record, the members above, "
            "salt, applicant, features and inputs."
        ),
    ]


class ChainPart(TypedDict):
    """Where a record stands in its chain."""

    key: Annotated[
        str, Field(description="Which DECISION_LOG_KEY made the link; none without one.")
    ]
    chain: Annotated[str, Field(description="The process that wrote the record.")]
    sequence: Annotated[int, Field(description="Position in its chain, from 0.")]
    previous: Annotated[str, Field(description="Link of the record before it.")]


class PersonalPart(TypedDict):
    """What is removed when an applicant is erased; the commitment binds it to the record."""

    applicant: Annotated[
        str | None,
        Field(description="Keyed pseudonym of X-Applicant-Id; none without DECISION_LOG_KEY."),
    ]
    inputs: Annotated[
        str,
        Field(description="The application without what is withheld: JSON list in fields' order."),
    ]
    features: Annotated[
        str,
        Field(
            description="What the model read: base64 of little-endian float32, in the order of "
            "the manifest."
        ),
    ]
    salt: Annotated[str, Field(description="Keeps the commitment from revealing what was erased.")]


class ErasureMarks(TypedDict):
    """What stands in a decision whose personal part was erased."""

    erased_at: NotRequired[Annotated[str, Field(description="When the personal part was erased.")]]
    erasure: NotRequired[
        Annotated[str, Field(description="Shows that a holder of the key erased it.")]
    ]


class RecordedDecision(OwnPart, PersonalPart, ErasureMarks):
    """One decision of a record."""


class _Decisions(TypedDict):
    applications: Annotated[
        list[RecordedDecision], Field(description="The applications, as each was decided.")
    ]


class _Link(TypedDict):
    link: Annotated[
        str, Field(description="HMAC-SHA256 over all members but the personal ones and itself.")
    ]


class DecisionRecord(SharedPart, _Decisions, ChainPart, _Link):
    """A whole record, as a log reader finds it."""


SHARED = tuple(SharedPart.__annotations__)
# A link covers them where a record has them: other records' links are as they were before these.
OPTIONAL = tuple(sorted(SharedPart.__optional_keys__))
OWN = tuple(OwnPart.__annotations__)
CHAIN = tuple(ChainPart.__annotations__)
PERSONAL = tuple(PersonalPart.__annotations__)
ERASURE_MARKS = tuple(ErasureMarks.__annotations__)
