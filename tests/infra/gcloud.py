"""What gcloud would do to two Cloud Run services, their jobs and their bucket, in a JSON file.

`python gcloud.py STATE WORD...` notes the call, fails if told to, and answers as gcloud would.
A revision is an image with settings; `starts`, if set, lists the pairs of them that start.
"""

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any


def add_revision(state: dict[str, Any], service: str) -> bool:
    """Make a revision of what the service's template says; whether it starts."""
    template = state["templates"][service]
    name = f"{service}-{len(revision_names(state, service))}"
    pair = [template["image"], template["settings"]]
    starts = state["starts"] is None or pair in state["starts"]
    state["revisions"][name] = template | {"starts": starts}
    return starts


def revision_names(state: dict[str, Any], service: str) -> list[str]:
    """The revisions of a service, the oldest first."""
    pattern = re.compile(rf"{service}-\d+")
    return [name for name in state["revisions"] if pattern.fullmatch(name)]


def newest(state: dict[str, Any], service: str) -> str:
    """The revision that was made last."""
    return revision_names(state, service)[-1]


def update(state: dict[str, Any], service: str, options: dict[str, str]) -> bool:
    """Change a service's template; whether the revision of it starts."""
    pairs = (pair.split("=") for pair in options["update-labels"].split(","))
    labels = dict(pairs)
    if state.get("overtaken"):
        labels["release"] = state["overtaken"]
    state["templates"][service] |= {"image": options["image"], "labels": labels}
    starts = add_revision(state, service)
    if service == "prod-scoring":
        if state["latest"] and "no-traffic" not in options:
            state["shares"] = {newest(state, service): 100}
        state["latest"] = False
    elif service == "prod-retrain":
        state["retrain_traffic"] = "pinned" if "no-traffic" in options else "latest"
    return starts


def apply(state: dict[str, Any], settings: str) -> bool:
    """Give every service other settings, and what Terraform ignores as it is; wait for each."""
    started = True
    for service in state["services"]:
        if state["templates"][service]["settings"] != settings:
            state["templates"][service]["settings"] = settings
            started = add_revision(state, service) and started
    return started


def change_book(book: dict[str, Any], words: list[str], options: dict[str, str]) -> None:
    """The same, of what is the loan book's: its jobs, and the traffic of its service."""
    match words:
        case ["run", "services", "update-traffic", _]:
            shift(book, options)
        case ["run", "jobs", "update", job]:
            book["jobs"][job] = options["image"]
        case ["run", "jobs", "execute", job]:
            book["migrated"] = book["jobs"][job]


def change_beside(state: dict[str, Any], words: list[str], options: dict[str, str]) -> bool:
    """The same, of what runs beside scoring; whether the call was of that."""
    if words[-1].startswith("prod-lending"):
        change_book(state["lending"], words, options)
    elif words[-1] == "prod-batch" and words[1] == "jobs":
        state["batch_job_image"] = options["image"]
    elif words[-1] in state["others"]:
        shift(state["others"][words[-1]], options)
    else:
        return False
    return True


def change(state: dict[str, Any], words: list[str]) -> bool:
    """Do what a call that changes something does; whether it succeeds."""
    options = dict(w[2:].partition("=")[::2] for w in words if w.startswith("--"))
    plain = [word for word in words if not word.startswith("--")]
    is_update = plain[:3] == ["run", "services", "update"]
    if not is_update and change_beside(state, plain, options):
        return True
    match plain:
        case ["run", "services", "update", service]:
            return update(state, service, options)
        case ["run", "services", "update-traffic", "prod-scoring"]:
            shift(state, options)
        case ["run", "services", "update-traffic", "prod-retrain"]:
            state["retrain_traffic"] = "latest"
        case ["terraform", settings]:
            return apply(state, settings)
        case ["run", "jobs", "update", _]:
            state["job_image"] = options["image"]
        case ["run", "jobs", "execute", job]:
            state["champions"].append(job.removeprefix("prod-train-").replace("-", "_"))
    return True


def answer(state: dict[str, Any], words: list[str]) -> str:
    """What a call that asks something is told."""
    match [word for word in words if not word.startswith("--")]:
        case ["run", *question]:
            return cloud_run_answer(state, question, words)
        case ["storage", "ls", "gs://money-prod-models"]:
            return "gs://money-prod-models/champions/\n" if state["champions"] else ""
        case ["storage", "ls", folder]:
            return "".join(f"{folder}{model}.json\n" for model in state["champions"])
        case ["auth", "print-access-token"]:
            return "access.secret\n"
        case ["workflows", "run", "prod-probe"]:
            return probed(json.loads(next(w for w in words if w[:7] == "--data=")[7:]))
    return ""


def probed(request: dict[str, Any]) -> str:
    """What the workflow probe.yaml returns: it asks, with an identity of its own."""
    import urllib.error  # noqa: PLC0415 -- one call in a hundred needs them
    import urllib.request  # noqa: PLC0415

    body = None if request["body"] is None else json.dumps(request["body"]).encode()
    headers = request["headers"] | {"authorization": f"Bearer probe for {request['audience']}"}
    question = urllib.request.Request(request["url"], body, headers, method=request["method"])  # noqa: S310 -- the test's own
    try:
        with urllib.request.urlopen(question, timeout=5) as answer:  # noqa: S310 -- likewise
            status, headers, text = answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, headers, text = error.code, error.headers, error.read().decode()
    return json.dumps(
        {"status": status, "headers": dict(headers), "body": json.loads(text) if text else ""}
    )


def cloud_run_answer(state: dict[str, Any], question: list[str], words: list[str]) -> str:
    """What Cloud Run says of services, revisions and jobs."""
    match question:
        case ["services" | "jobs" as kind, "list"]:
            return "\n".join(state[kind])
        case ["services", "describe", service] if "--format=json" in words:
            return json.dumps(described(state, service))
        case ["services", "describe", _]:
            return "".join(f"{name},{share}\n" for name, share in state["shares"].items())
        case ["revisions", "describe", name]:
            return json.dumps(revision(state["revisions"][name]))
        case ["jobs", "describe", _]:
            return f"{state['job_image']}\n"
    return ""


def revision(made: dict[str, Any]) -> dict[str, Any]:
    """A revision as Cloud Run shows it."""
    ready: dict[str, str] = {"type": "Ready", "status": "True" if made["starts"] else "False"}
    if not made["starts"]:
        ready["message"] = "The user-provided container failed to start"
    return {
        "metadata": {"labels": made["labels"]},
        "spec": {"containers": [{"image": made["image"]}]},
        "status": {"conditions": [{"type": "Active", "status": "True"}, ready]},
    }


def described(state: dict[str, Any], service: str) -> dict[str, Any]:
    """A service as Cloud Run shows it: who serves as the latest is named as well."""
    others = state["others"]
    traffic = state["lending"] if service == "prod-lending" else others.get(service, state)
    latest = {"latestRevision": True} if traffic["latest"] else {}
    shares = [
        {"revisionName": name, "percent": share} | latest
        for name, share in traffic["shares"].items()
    ]
    tags = [
        {"revisionName": name, "tag": tag, "url": state["url"]}
        for tag, name in traffic["tags"].items()
    ]
    template = {"spec": {"containers": [{"image": state["templates"][service]["image"]}]}}
    status = {"latestCreatedRevisionName": newest(state, service), "url": "https://service"}
    ingress = traffic.get("ingress", "all")
    return {
        "metadata": {"annotations": {"run.googleapis.com/ingress": ingress}},
        "spec": {"template": template},
        "status": status | {"traffic": shares + tags},
    }


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


def call(path: Path, words: list[str], caller: int) -> tuple[int, str]:
    """Carry out one call: its exit code, and what it prints.

    If this is the call to interrupt, `caller` is told to end once the call has taken effect.
    """
    state = json.loads(path.read_text())
    state["calls"].append(" ".join(words))
    if words[:2] == ["builds", "submit"] and "uploads" in state:
        shutil.copytree(words[2], state["uploads"])
    failing = bool(state["failing"] and state["failing"] in state["calls"][-1])
    failed = failing or not change(state, words)
    output = "" if failed else answer(state, words)
    written = path.with_suffix(f".{os.getpid()}")
    written.write_text(json.dumps(state))
    written.replace(path)  # whole, for a test that reads meanwhile, or kills
    if state["interrupting"] and state["interrupting"] in state["calls"][-1]:
        os.kill(caller, signal.SIGTERM)
    return int(failed), output


def main() -> int:
    code, output = call(Path(sys.argv[1]), sys.argv[2:], os.getppid())
    print(output, end="")
    return code


if __name__ == "__main__":
    sys.exit(main())
