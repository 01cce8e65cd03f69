"""The catalogue of texts: every key that is used exists, and every text is used."""

import re
import string

from functions.dashboard.navigation import OWN_PAGES, PAGES
from functions.dashboard.texts import FOLDER, LANGUAGES, catalogue, text_of_key
from tests.support.running import REPOSITORY

CODE = "".join(p.read_text() for p in (REPOSITORY / "functions/dashboard").rglob("*.py"))
# Keys that the code makes of a name: these sections are looked up by what the APIs say.
BY_NAME = (
    *("pages", "sections", "tiles", "alerts", "charts", "columns", "codes", "names", "apply"),
    *("register", "decision", "actions", "loan", "mine", "registry", "case", "frame", "reviews"),
    *("batches", "administration", "audit"),
    *("figures", "trends", "vintages", "stress", "policy"),
)


def test_every_key_in_the_code_is_in_the_catalogue() -> None:
    used = set(re.findall(r'\bt\(\s*"([a-z_]+\.[a-z_]+)"', CODE))
    assert len(used) > 150
    assert used - catalogue("en").keys() == set()


def test_every_text_is_used() -> None:
    unused = {
        key
        for key in catalogue("en")
        if f'"{key}"' not in CODE and key.split(".")[0] not in {*BY_NAME, "errors"}
    }
    assert unused == set()


def test_every_page_has_a_title_and_a_section() -> None:
    texts = catalogue("en")
    for page in (*PAGES, *OWN_PAGES):
        assert texts[f"pages.{page.name}"]
        assert texts[f"sections.{page.section}"]
        assert (REPOSITORY / "functions/dashboard" / page.file).exists()


def test_every_tile_says_what_it_means() -> None:
    names = {key for key in catalogue("en") if key.startswith("tiles.") and key != "tiles.behind"}
    labels = {key for key in names if not key.endswith("_help")}
    assert names == labels | {f"{key}_help" for key in labels}


def test_values_are_put_into_a_text() -> None:
    assert text_of_key("en", "customers.range", first=51, total=120) == "From 51 on, of 120."


def test_every_language_has_the_keys_and_the_values_of_english() -> None:
    def values(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}

    assert LANGUAGES[0] == "en"
    for language in LANGUAGES:
        texts = catalogue(language)
        assert texts.keys() == catalogue("en").keys(), FOLDER / f"{language}.toml"
        for key, text in texts.items():
            assert values(text) == values(catalogue("en")[key]), (language, key)
