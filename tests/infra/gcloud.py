"""What gcloud would do to one Cloud Run service, its jobs and its bucket, kept in a JSON file.

`python gcloud.py STATE WORD...` notes the call, fails if told to, and answers as gcloud would.
"""

import json
import os
import signal
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
            label = state.get("overtaken") or options["update-labels"].split("=")[1]
            state["labels"] = {"release": label}
            if state["latest"] and "no-traffic" not in options:
                state["shares"] = {state["revisions"][-1]: 100}
            state["latest"] = False
        case ["run", "services", "update-traffic", "prod-scoring"]:
            shift(state, options)
        case ["run", "jobs", "execute", job]:
            state["champions"].append(job.removeprefix("prod-train-").replace("-", "_"))


def answer(state: dict[str, Any], words: list[str]) -> str:
    """What a call that asks something is told."""
    match [word for word in words if not word.startswith("--")]:
        case ["run", kind, "describe", _]:
            revision = {"metadata": {"labels": state["labels"]}}
            return json.dumps(revision if kind == "revisions" else described(state))
        case ["run", "jobs", "list"]:
            return "\n".join(JOBS)
        case ["storage", "ls", "gs://money-prod-models"]:
            return "gs://money-prod-models/champions/\n" if state["champions"] else ""
        case ["storage", "ls", folder]:
            return "".join(f"{folder}{model}.json\n" for model in state["champions"])
        case ["auth", "print-access-token"]:
            return "access.secret\n"
    return ""


def described(state: dict[str, Any]) -> dict[str, Any]:
    """A service as Cloud Run shows it: who serves as the latest is named as well."""
    latest = {"latestRevision": True} if state["latest"] else {}
    shares = [
        {"revisionName": name, "percent": share} | latest for name, share in state["shares"].items()
    ]
    tags = [
        {"revisionName": name, "tag": tag, "url": state["url"]}
        for tag, name in state["tags"].items()
    ]
    newest = {"latestCreatedRevisionName": state["revisions"][-1]}
    return {"status": newest | {"url": "https://service", "traffic": shares + tags}}


def shift(state: dict[str, Any], options: dict[str, str]) -> None:
    """Change tags, then shares where any are told."""
    for tag in options.get("remove-tags", "").split(","):
        state["tags"].pop(tag, None)
    if "update-tags" in options:
        state["tags"] |= dict([options["update-tags"].split("=")])
    pairs = [pair.split("=") for pair in options.get("to-revisions", "").split(",") if pair]
    shares = {name: int(share) for name, share in pairs}
    if "to-tags" in options:
        tag, share = options["to-tags"].split("=")
        shares = {state["tags"][tag]: int(share)}
    if shares:
        assert sum(shares.values()) == 100
        state |= {"shares": shares, "latest": False}


def main() -> int:
    path, words = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(path.read_text())
    state["calls"].append(" ".join(words))
    if state["interrupting"] and state["interrupting"] in state["calls"][-1]:
        os.kill(os.getppid(), signal.SIGTERM)
    failing = state["failing"] and state["failing"] in state["calls"][-1]
    if not failing:
        change(state, words)
    output = "" if failing else answer(state, words)
    written = path.with_suffix(f".{os.getpid()}")
    written.write_text(json.dumps(state))
    written.replace(path)  # whole, for a test that reads meanwhile, or kills
    print(output, end="")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
