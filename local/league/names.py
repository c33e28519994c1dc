"""Made-up player names, and how bookmakers spell them (without accents, without suffixes, without
dots).
"""

from __future__ import annotations

import unicodedata

import numpy as np

FIRST_NAMES = (
    "Adrell", "Amadi", "Andrej", "Anselm", "Arlen", "Ayo", "Bastien", "Beckett", "Bojan", "Braylin", "Caelan",
    "Callum", "Cassius", "Cortez", "Da'Marion", "Da'Quell", "Damir", "Darnell", "De'Shay", "Demarius", "Desmond",
    "Dévonte", "Edrick", "Eliott", "Éloi", "Emeka", "Ezra", "Fabrice", "Falk", "Gideon", "Goran", "Hakim", "Henrik",
    "Ibrahima", "Ignas", "Isaiah", "Ja'Corey", "Jalen", "Jean-Marc", "Jericho", "Jonas", "Jordell", "Joško",
    "Kairo", "Karl-Emil", "Keandre", "Kofi", "Lamarion", "Léandre", "Lorenz", "Luka", "Malachi", "Marek", "Mateo",
    "Micah", "Milan", "Nahuel", "Nicolò", "Nnamdi", "Oscar", "Otis", "Pavel", "Quincy", "Rasheed", "Rémy", "Roan",
    "Rodion", "Roscoe", "Sékou", "Shamar", "Silas", "Simão", "Stjepan", "Tavian", "Terrell", "Tomáš", "Tre'Von",
    "Ulrik", "Vasco", "Wendel", "Xavion", "Yannick", "Zaire", "Zoran",
)  # fmt: skip
LAST_NAMES = (
    "Abernault", "Achterberg", "Adeyinka", "Alarcón", "Amberly", "Ansbach", "Ashgrove", "Babatola", "Balvenie",
    "Bancroft-Odum", "Barchetti", "Beaulieux", "Bellavance", "Blackmoor", "Bogunović", "Boateng-Ruiz", "Brannock",
    "Brightwater", "Broussal", "Calloway", "Carrowmore", "Cendrars", "Chukwura", "Coldwell", "Corvino", "Cranmoor",
    "D'Amberville", "D'Orazio", "Dagenais", "Danjuma", "Delacroze", "Dembinski", "Diakhaté", "Dlouhý", "Dunsmore",
    "Eastlake", "Ebersole", "Ekpenyong", "Eriksholm", "Fairweather", "Farrimond", "Fenwicke", "Ferencváry",
    "Fontanille", "Foxcroft", "Galbrayth", "Garrowby", "Gebreab", "Gilmartin", "Goldring", "Grünwald", "Haldane",
    "Harkness", "Hawksworth", "Hollinghurst", "Ibáñez", "Idowu", "Ingersol", "Jankauskis", "Jelavić", "Kalinowski",
    "Kessington", "Kilbride", "Kovačić", "Kuyper", "Ladipo", "Lambrecht", "Larkspur", "Lindqvist", "Loxley",
    "M'Baye-Laurent", "Macquarie", "Madrigal", "Marchbanks", "Mbuyi", "Merriweather", "Mirković", "Montclair",
    "Nakamba", "Netherton", "Nikolaidis", "Northgate", "Nwachukwu", "O'Brannigan", "O'Tierney", "Obrador",
    "Okonjo", "Olumide", "Ostrander", "Pádraig", "Pemberley", "Petrauskas", "Pinnock", "Quansah", "Quillfeather",
    "Rademaker", "Ravensbourne", "Rosenthorn", "Rukavina", "Saint-Clair", "Salamanca", "Sandoval-Key", "Sissako",
    "Skarsgaard", "Stanhope", "Štefanec", "Strickmore", "Tambwe", "Thistlewood", "Thorvald", "Tremblett",
    "Udechukwu", "Vandermeer", "Vasiliauskas", "Vukadinić", "Wakefield", "Westerholt", "Whitlocke", "Wojtala",
    "Yarborough", "Youssoufa", "Zamudio", "Zeller-Pryce", "Žukauskis",
)  # fmt: skip
SUFFIXES = ("Jr.", "II", "III")
SUFFIX_SHARE = 0.07  # of players; about that of the real league

# How each bookmaker writes names; the real feeds differ in just these ways.
_WITHOUT_ACCENTS = frozenset({"draftkings", "fanduel", "betmgm", "betrivers"})
_WITHOUT_SUFFIX = frozenset({"betrivers"})
_WITHOUT_DOTS = frozenset({"fanduel", "draftkings"})


def make_names(count: int, rng: np.random.Generator) -> list[str]:
    """`count` different full names; no two share the letters of first and last name."""
    pairs = len(FIRST_NAMES) * len(LAST_NAMES)
    if count > pairs:
        raise ValueError(f"a league of {count} players needs more names than the {pairs} there are; fewer teams")
    names = []
    for pick in rng.choice(pairs, size=count, replace=False):
        name = f"{FIRST_NAMES[pick // len(LAST_NAMES)]} {LAST_NAMES[pick % len(LAST_NAMES)]}"
        if rng.random() < SUFFIX_SHARE:
            name += f" {SUFFIXES[int(rng.integers(len(SUFFIXES)))]}"
        names.append(name)
    return names


def spell_for(bookmaker: str, name: str) -> str:
    """The name as a bookmaker's feed writes it."""
    if bookmaker in _WITHOUT_SUFFIX:
        for suffix in SUFFIXES:
            name = name.removesuffix(f" {suffix}")
    if bookmaker in _WITHOUT_DOTS:
        name = name.replace(".", "")
    if bookmaker in _WITHOUT_ACCENTS:
        decomposed = unicodedata.normalize("NFKD", name)
        name = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return name
