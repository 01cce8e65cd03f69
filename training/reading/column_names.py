"""What the name of a column says: its words, and those that are known."""

import re
import unicodedata
from collections.abc import Collection

ID_WORDS = frozenset(("id", "key", "no", "nr", "num", "number", "uuid", "reference", "ref"))
GROUP_WORDS = frozenset(
    ("customer", "client", "borrower", "applicant", "member", "person", "household", "company")
)
DATE_WORDS = frozenset(("application", "applied", "issue", "issued", "granted", "origination"))
WEIGHT_WORDS = frozenset(("weight", "weights", "wt", "gewicht", "peso"))
# Of characteristics that laws protect, in the languages that columns are often named in.
PROTECTED_WORDS = frozenset(
    (
        *("age", "sex", "gender", "race", "ethnicity", "ethnic", "marital", "marriage", "married"),
        *("religion", "nationality", "citizenship", "birth", "birthday", "dob", "disability"),
        *("born", "geboren"),
        *("pregnant", "pregnancy", "foreign", "foreigner", "caste", "tribe"),
        *(
            "alter",
            "geschlecht",
            "familienstand",
            "nationalitat",
            "staatsangehorigkeit",
            "herkunft",
        ),
        *("geburtsdatum", "auslander", "konfession", "behinderung"),
        *("sexe", "genre", "nationalite", "naissance", "matrimoniale", "handicap"),
        *("edad", "sexo", "genero", "raza", "civil", "nacionalidad", "nacimiento"),
        *("idade", "raca", "nacionalidade", "nascimento", "eta", "sesso", "razza", "nazionalita"),
        *("nascita", "leeftijd", "geslacht", "nationaliteit", "geboortedatum", "wiek", "plec"),
    )
)


def words_from_name(name: str) -> set[str]:
    """Return the words of a column's name, in small letters without accents.

    `MitgliedSeit`, `mitglied-seit` and `MITGLIED_SEIT` have the same ones.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain.replace("ß", "ss"))
    return set(re.split(r"[^a-z0-9]+", spaced.lower())) - {""}


def has_word(name: str, words: Collection[str]) -> bool:
    """Return whether a column's name has one of these words."""
    return not words_from_name(name).isdisjoint(words)
