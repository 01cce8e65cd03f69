"""Object names in a model store.

champions/<model>.json                   the pointer: the only object that is ever replaced
champions/<model>/moves/<move>.json      one record of each move, created before it
champions/<model>/proposals/<name>.json  promotions that wait for a second person
versions/<model>/<version>/bundle.zip    the bundle: a version exists if this object exists
versions/<model>/<version>/...           reports for people and monitoring, written before it
monitoring/<model>/<day>-<attempt>.json  what monitoring measured for a day; the last attempt counts
features/<model>/<day>.json              a published day of applicants' features: its run and shards
features/<model>/<day>/<run>/<shard>.json  features by identifier
monitoring/<model>/outcomes/<day>-<attempt>.parquet  outcomes of decisions that became known
"""

from datetime import date

BUNDLE = "bundle.zip"
REPORT = "report.json"
REFERENCE = "reference.json"


def pointer_path(model_name: str) -> str:
    """Return the object name of a model's pointer."""
    return f"champions/{model_name}.json"


def move_path(model_name: str, sequence: int, nonce: str) -> str:
    """Return the object name of the record of one move."""
    return f"champions/{model_name}/moves/{sequence:08d}-{nonce}.json"


def proposal_path(model_name: str, sequence: int, version: str) -> str:
    """Return the object name of a proposal to promote a version over the pointer's sequence."""
    return f"champions/{model_name}/proposals/{sequence:08d}-{version}.json"


def versions_prefix(model_name: str) -> str:
    """Return the prefix of all versions of a model."""
    return f"versions/{model_name}/"


def version_prefix(model_name: str, version: str) -> str:
    """Return the prefix of the objects of one version."""
    return f"{versions_prefix(model_name)}{version}/"


def bundle_path(model_name: str, version: str) -> str:
    """Return the object name of a version's bundle."""
    return version_prefix(model_name, version) + BUNDLE


def report_path(model_name: str, version: str) -> str:
    """Return the object name of a version's report."""
    return version_prefix(model_name, version) + REPORT


def snapshot_index_path(model_name: str, day: date) -> str:
    """Return the object name of the index of a published day of features."""
    return f"features/{model_name}/{day.isoformat()}.json"


def snapshot_shard_path(model_name: str, day: date, run: str, shard: str) -> str:
    """Return the object name of the features whose identifiers' hashes begin with `shard`."""
    return f"features/{model_name}/{day.isoformat()}/{run}/{shard or 'all'}.json"


def monitoring_prefix(model_name: str) -> str:
    """Return the prefix of the objects of a model's monitoring."""
    return f"monitoring/{model_name}/"


def monitoring_path(model_name: str, day: date, attempt: int) -> str:
    """Return the object name of what one attempt to monitor a day measured."""
    return monitoring_prefix(model_name) + dated_name(day, attempt, ".json")


def dated_name(day: date, attempt: int, suffix: str) -> str:
    """Return the name, without its prefix, of an object of a day."""
    return f"{day.isoformat()}-{attempt:03d}{suffix}"


def outcomes_prefix(model_name: str) -> str:
    """Return the prefix of the outcomes of a model's decisions."""
    return f"{monitoring_prefix(model_name)}outcomes/"
