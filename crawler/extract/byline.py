"""Bylines: the names of persons out of what pages write around them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crawler.extract.text import plain, signature

MAX_AUTHORS = 12
_MAX_NAME = 60  # characters

_LEAD = re.compile(
    r"^(?:(?:article|story|text|words|photos?|post(?:ed)?|published|written|reported|reviewed|edited"
    r"|medically reviewed|updated|report|author"
    r"|contributed|compiled|created|created)\s*)*(?:\bby\b|\bvon\b|\bpar\b|\bpor\b|\bauthors?\b"
    r"|\bautor(?:in)?\b)?\s*[:|–—-]?\s*",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:,|;|\||/|&|•|·|⋅|\n|\band\b|\bund\b|\bwith\b|\bet\b|\by\b)\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"\S+@\S*|https?://\S+|www\.\S+|(?<!\w)@\w+")
_DATE_TAIL = re.compile(
    r"\s*(?:[|•·–—-]\s*)?\b(?:(?:published|updated|posted|last)\b.*|on\s+(?:mon|tues|wednes|thurs|fri|satur"
    r"|sun)day.*|on\s+(?=\w+\s+\d).*|on\s+(?=\d).*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov"
    r"|dec)[a-z]*\.?\s+\d.*|\d.*)$",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"^(?:jr|sr|ii|iii|iv|phd|ph\.d|md|m\.d|mba|rn|bsn|cfa|cpa|esq|rd|rdn|ms|ma|dds|dvm|mph|pe|jd|do|np|lcsw|pa-c|bsc"
    r"|msc)\.?$",
    re.IGNORECASE,
)
# What a role or a desk is called: such a "name" names nobody.
_NOBODY = re.compile(
    r"\b(?:staff|editors?|editorial|admin(?:istrator)?|newsroom|desk|team|correspondent|reporters?|contributors?"
    r"|writers?|news service|webmaster|"
    r"agency|agencies|press release|bureau|guest|columnist|anonymous|unknown|user|publisher|redaktion|redacción"
    r"|rédaction|associated press|reuters|"
    r"bloomberg|newswires?|afp|bloggers?|marketing|support|office|department|committee|university|college"
    r"|magazine|media|inc|llc|ltd|gmbh|company|group|"
    r"follow|subscribe|share|comments?|minutes?|min read|read more|updated|published|posted|photo|image|click"
    r"|view|all posts|biography|bio|profile|insights|learn|about|meet|search|login|null|undefined|none|default"
    r"|home|blog)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"^(?:senior|junior|chief|lead|managing|deputy|associate|assistant|contributing|executive|staff|freelance"
    r"|special|founder|co-founder|ceo|cto|"
    r"director|manager|president|vice|head|professor|editor|writer|reporter|author|journalist|correspondent"
    r"|analyst|partner|owner|consultant|producer|"
    r"specialist|strategist|attorney|engineer|developer|designer|expert)\b",
    re.IGNORECASE,
)

# After a name, what ends so says what that person does.
_ROLE_END = re.compile(
    r"\b(?:expert|specialist|educator|consultant|advisor|adviser|coach|therapist|nutritionist|dietitian|physician"
    r"|gastroenterologist|strategist|analyst|founder"
    r"|manager|director|officer|leader|scientist|researcher|engineer|developer|designer|photographer|producer"
    r"|economist|horticulturalist|instructor|lead)$",
    re.IGNORECASE,
)


def read_names(candidates: Iterable[str]) -> tuple[str, ...]:
    """Names of persons in byline texts ("By Jane Roe and John Doe, staff writers"), each once, at most 12."""
    names: list[str] = []
    seen: set[str] = set()
    for candidate in candidates:
        for name in _names(candidate):
            key = signature(name)
            if key and key not in seen and len(names) < MAX_AUTHORS:
                seen.add(key)
                names.append(name)
    return tuple(names)


def _names(text: str) -> Iterable[str]:
    text = _ADDRESS.sub(" ", plain(text[:500]))
    text = _DATE_TAIL.sub("", _LEAD.sub("", text.strip()))
    names_before = False
    for part in _SPLIT.split(text):
        name = _LEAD.sub("", part).strip(" .,:;()[]\"'“”-–—*")
        if not 2 < len(name) <= _MAX_NAME or _SUFFIX.match(name) or _ROLE.match(name) or _NOBODY.search(name):
            continue
        parts = name.split()
        if _ROLE_END.search(name) and names_before:
            continue
        if "@" in name or (len(parts) == 1 and ("." in name or "_" in name)):
            continue
        if len(parts) > 5 or any(c.isdigit() for c in name) or not any(c.isalpha() for c in name):
            continue
        if parts[0][0].islower() and len(parts) > 2:
            continue
        names_before = True
        yield name.title() if name.isupper() and len(name) > 4 else name
