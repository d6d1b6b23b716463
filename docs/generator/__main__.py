"""`python -m docs.generator`: writes the pages, or says in one line what has no words."""

from __future__ import annotations

import sys

from docs.generator import REFERENCE, pages
from docs.generator.words import Undescribed

try:
    made = pages()
except Undescribed as fault:
    sys.exit(str(fault))
REFERENCE.mkdir(exist_ok=True)
for path, text in made.items():
    path.write_text(text, encoding="utf-8")
