"""Every text of the pages, by key: `languages/en.toml`, and a file of the same keys a language."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = ("en", *sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != "en"))


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return the texts of a language, by keys such as `home.title`."""
    sections = tomllib.loads((FOLDER / f"{language}.toml").read_text())
    return {
        f"{section}.{name}": text
        for section, texts in sections.items()
        for name, text in texts.items()
    }


def text_of_key(language: str, key: str, **values: object) -> str:
    """Return a text with its values put in.

    Raises
    ------
    KeyError
        If the catalogue has no such key.
    """
    text = catalogue(language)[key]
    return text.format(**values) if values else text
