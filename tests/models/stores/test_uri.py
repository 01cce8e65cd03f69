import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import DeclarationError
from models.stores.uri import open_store


def test_a_path_in_a_uri_is_decoded(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    open_store(folder.as_uri()).create("a", b"1")
    assert "two%20words" in folder.as_uri()
    assert (folder / "a").read_bytes() == b"1"


@pytest.mark.parametrize(
    "uri",
    [
        *("", "models", "s4://b/p", "gs://", "s3://", "gs://[", "gs://b/p?x=1"),
        *("file://host/x", "file:", "file:relative", "file:///a%00b", "file:///a#b"),
    ],
)
def test_a_uri_of_no_known_form_is_refused(uri: str) -> None:
    with pytest.raises(
        DeclarationError, match="a store is file:///path, gs://bucket/prefix or s3://bucket"
    ):
        open_store(uri)


def test_a_client_is_imported_only_when_its_scheme_is_used(tmp_path: Path) -> None:
    code = (
        "import sys; from models.stores.uri import open_store;"
        f"open_store({tmp_path.as_uri()!r}).names('');"
        "print({'boto3', 'google.cloud.storage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
