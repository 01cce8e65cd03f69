"""What gcloud would do to one Cloud Run service, its jobs and its bucket, kept in a JSON file.

`python gcloud.py STATE WORD...` notes the call, fails if told to, and answers as gcloud would.
"""

import json
import sys
from pathlib import Path
from typing import Any

JOBS = ("prod-train-application", "prod-train-card-default", "prod2-train-application")


def change(state: dict[str, Any], words: list[str]) -> None:
    """Do what a call that changes something does."""
    options = dict(w[2:].partition("=")[::2] for w in words if w.startswith("--"))
    match [word for word in words if not word.startswith("--")]:
        case ["run", "services", "update", "prod-scoring"]:
            state["revisions"].append(f"prod-scoring-{len(state['revisions'])}")
            state["tags"][options["tag"]] = state["revisions"][-1]
        case ["run", "services", "update-traffic", "prod-scoring"]:
            shift(state, options)
        case ["run", "jobs", "execute", job]:
            state["champions"].append(job.removeprefix("prod-train-").replace("-", "_"))


def answer(state: dict[str, Any], words: list[str]) -> str:
    """What a call that asks something is told."""
    match [word for word in words if not word.startswith("--")]:
        case ["run", "services", "describe", _]:
            return describe(state)
        case ["run", "jobs", "list"]:
            return "\n".join(JOBS)
        case ["storage", "ls", "gs://money-prod-models"]:
            return "gs://money-prod-models/champions/\n" if state["champions"] else ""
        case ["storage", "ls", folder]:
            return "".join(f"{folder}{model}.json\n" for model in state["champions"])
        case ["auth", "print-identity-token"]:
            return "token\n"
    return ""


def describe(state: dict[str, Any]) -> str:
    shares = [{"revisionName": name, "percent": share} for name, share in state["shares"].items()]
    tags = [
        {"revisionName": name, "tag": tag, "url": state["url"]}
        for tag, name in state["tags"].items()
    ]
    return json.dumps({"status": {"url": "https://service", "traffic": shares + tags}})


def shift(state: dict[str, Any], options: dict[str, str]) -> None:
    """Give the named revisions their shares; the others keep the rest in proportion."""
    if "update-tags" in options:
        name, revision = options["update-tags"].split("=")
        state["tags"][name] = revision
    if "to-tags" in options:
        tag, share = options["to-tags"].split("=")
        told = {state["tags"][tag]: int(share)}
    else:
        pairs = [pair.split("=") for pair in options["to-revisions"].split(",")]
        told = {name: int(share) for name, share in pairs}
    others = {name: share for name, share in state["shares"].items() if name not in told}
    rest, total = 100 - sum(told.values()), sum(others.values())
    if rest:
        told |= {name: rest * share // total for name, share in others.items()}
    state["shares"] = told


def main() -> int:
    path, words = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(path.read_text())
    state["calls"].append(" ".join(words))
    failing = state["failing"] and state["failing"] in state["calls"][-1]
    if not failing:
        change(state, words)
    said = "" if failing else answer(state, words)
    path.write_text(json.dumps(state))
    print(said, end="")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
