"""Commands of Google's tools in the guides: each names its project, and its tool knows it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import blocks
from tests.support.running import REPOSITORY

GUIDES = [*sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "terraform" / "README.md"]
# Of what Google's reference documents for each command: how many words follow it, and its flags.
DOCUMENTED = {
    "auth application-default login": (0, ""),
    "auth login": (0, ""),
    "auth print-identity-token": (0, ""),
    "beta run services update": (1, "region scaling"),
    "compute ssl-certificates list": (0, "global"),
    "logging read": (1, "limit freshness order"),
    "logging sinks describe": (1, ""),
    "run jobs execute": (1, "args region wait"),
    "run jobs executions list": (0, "job region limit"),
    "run revisions list": (0, "service region limit"),
    "projects add-iam-policy-binding": (1, "member role condition"),
    "run services describe": (1, "region"),
    "scheduler jobs describe": (1, "location"),
    "scheduler jobs pause": (1, "location"),
    "scheduler jobs resume": (1, "location"),
    "secrets create": (1, "data-file"),
    "secrets versions add": (1, "data-file"),
    "sql instances clone": (2, "point-in-time"),
    "storage cp": (2, "recursive"),
    "storage ls": (1, "all-versions"),
    "storage restore": (1, ""),
    "storage rsync": (2, "recursive"),
}
EVERYWHERE = {"project", "format", "quiet"}
SWITCHES = {"all-versions", "global", "quiet", "recursive", "wait"}
QUERY_FLAGS = {"use_legacy_sql", "max_rows", "format"}
# bq's commands: their flags.
BQ = {
    "query": QUERY_FLAGS,
    "extract": {"destination_format", "compression"},
    "show": {"schema", "format"},
    "load": {"replace", "source_format"},
}


def calls(tool: str) -> Iterator[str]:
    """Every call of a tool in the guides' blocks, those within another command included."""
    for guide in GUIDES:
        for block in blocks(guide.read_text(), "console"):
            for line in block.replace("\\\n", " ").splitlines():
                for start in re.finditer(rf"(?<![\w.-]){tool} (?=[a-z-])", line):
                    yield one_call(line[start.start() :])


def one_call(text: str) -> str:
    """The text up to where a shell ends this call, outside of quotes."""
    quote = ""
    for position, character in enumerate(text):
        if character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif not quote and character in ")|>&;":
            return text[:position].strip()
    return text.strip()


def shell_words(call: str) -> list[str]:
    """Its words as a shell would split them."""
    return [part.strip("'\"") for part in re.findall(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""", call)[1:]]


GCLOUD = sorted(set(calls("gcloud")))
BQ_CALLS = sorted(set(calls("bq")))


def test_the_guides_have_calls() -> None:
    assert len(GCLOUD) >= 25
    assert len(BQ_CALLS) >= 4


@pytest.mark.parametrize("call", [*GCLOUD, *BQ_CALLS], ids=lambda call: call[:60])
def test_a_call_names_its_project(call: str) -> None:
    """gcloud's own configuration may be of another one."""
    if not call.startswith("gcloud auth "):
        assert re.search(r" --project(_id)?[ =]your-project\b", call), call


@pytest.mark.parametrize("call", GCLOUD, ids=lambda call: call[:60])
def test_a_call_is_documented(call: str) -> None:
    words = shell_words(call)
    command = next(name for name in DOCUMENTED if words[: name.count(" ") + 1] == name.split())
    positions, flags = DOCUMENTED[command]
    rest = words[command.count(" ") + 1 :]
    used, values = set(), 0
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            used.add(name)
            if not value and name not in SWITCHES:
                rest.pop(0)
        else:
            values += 1
    assert used <= EVERYWHERE | set(flags.split())
    assert values == positions


@pytest.mark.parametrize("call", BQ_CALLS, ids=lambda call: call[:60])
def test_a_query_is_documented(call: str) -> None:
    project, command, *rest = shell_words(call)
    assert project == "--project_id=your-project"
    flags = {word[2:].partition("=")[0] for word in rest if word.startswith("--")}
    assert flags <= BQ[command]


@pytest.mark.environments
@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed: see DOCUMENTED")
def test_the_real_gcloud_understands_every_call_of_the_guides(tmp_path: Path) -> None:
    assert complaints(GCLOUD, tmp_path) == {}


def complaints(gcloud_calls: list[str], folder: Path) -> dict[str, str]:
    """What gcloud's parser has against calls; it needs no account and carries nothing out."""
    # To this parser a hash begins a comment, even where quotes are around it.
    strings = [call.replace("#GENERATION", "") for call in gcloud_calls]
    (folder / "calls.json").write_text(json.dumps([{"command_string": s} for s in strings]))
    lint = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={folder}/calls.json"]
    words = ["env", f"CLOUDSDK_CONFIG={folder}", *lint]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(set(gcloud_calls))
    return {v["command_string"]: v["error_message"] for v in verdicts if not v["success"]}


def test_commands_of_the_guides_are_portable() -> None:
    """GNU's own: `sed -i` takes other arguments on macOS, and `date -d` is not there."""
    guides = [*GUIDES, REPOSITORY / "README.md", *REPOSITORY.glob("infra/**/*.sh")]
    for guide in guides:
        assert not re.search(r"sed -i|date -d|readlink -f|grep -P", guide.read_text()), guide


def test_outputs_are_asked_for_where_terraform_has_them() -> None:
    for guide in GUIDES:
        commands = re.findall(r"terraform (?:\S+ )?output\b", guide.read_text())
        assert set(commands) <= {"terraform -chdir=terraform output"}, guide
