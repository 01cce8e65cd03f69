"""checkov over both modules: nothing fails that is not skipped, and every skip has its reason."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.running import REPOSITORY

SOURCE = REPOSITORY / "terraform"


def scan(policy_tools: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(policy_tools / "checkov"),
        "--directory",
        str(folder),
        "--framework",
        "terraform",
    ]
    options = ["--skip-download", "--compact", "--quiet", "--external-checks-dir"]
    return subprocess.run(
        [*command, *options, str(REPOSITORY / "infra/policies")],
        env={"PATH": "/usr/bin:/bin", "LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_fails_and_every_skip_has_its_reason(policy_tools: Path) -> None:
    done = scan(policy_tools, SOURCE)
    assert done.returncode == 0, done.stdout
    skips = [
        line.strip()
        for path in SOURCE.rglob("*.tf")
        for line in path.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert skips
    assert all(re.fullmatch(r"#checkov:skip=CKV\w+:\w.{20,}", skip) for skip in skips)


def test_public_members_keys_and_bindings_are_refused_by_policies_of_our_own(
    policy_tools: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    shutil.copy(SOURCE / "retrain.tf", folder)
    text = (folder / "retrain.tf").read_text()
    sound = 'member   = "serviceAccount:${local.accounts.watch}"'
    assert sound in text
    broken = text.replace(sound, 'member   = "allUsers"')
    key = 'resource "google_service_account_key" "k" {\n  service_account_id = "x"\n}\n'
    binding = 'resource "google_cloud_run_v2_service_iam_binding" "b" {\n  role = "x"\n}\n'
    (folder / "retrain.tf").write_text(broken + key + binding)
    done = scan(policy_tools, folder)
    assert done.returncode != 0
    policies = set(re.findall(r"CKV2_SURETY_\d", done.stdout))
    assert policies == {"CKV2_SURETY_1", "CKV2_SURETY_2", "CKV2_SURETY_3"}
