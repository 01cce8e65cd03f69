"""A figure as Prometheus reads it, whichever program measures it and whichever shows it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One sample of a gauge: its name, what it means, its labels and its value."""

    name: str
    meaning: str
    labels: Mapping[str, str]
    value: float
