from models.registry.store_paths import (
    bundle_path,
    move_path,
    pointer_path,
    proposal_path,
    report_path,
    version_prefix,
    versions_prefix,
)

VERSION = "20261121T014400Z-3f9ac2d01b7e"


def test_object_names_are_those_of_the_documented_layout() -> None:
    assert pointer_path("toy") == "champions/toy.json"
    assert move_path("toy", 7, "0a1b") == "champions/toy/moves/00000007-0a1b.json"
    assert proposal_path("toy", 7, "V") == "champions/toy/proposals/00000007-V.json"
    assert report_path("toy", "V") == "versions/toy/V/report.json"
    assert versions_prefix("toy") == "versions/toy/"
    assert version_prefix("toy", VERSION) == f"versions/toy/{VERSION}/"
    assert bundle_path("toy", VERSION) == f"versions/toy/{VERSION}/bundle.zip"


def test_no_model_is_below_the_prefix_of_another_whose_name_it_begins_with() -> None:
    assert not bundle_path("toy_two", VERSION).startswith(versions_prefix("toy"))
