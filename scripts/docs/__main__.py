"""Write every page anew that is written from the code."""

from scripts.docs.pages import DOCS, PAGES, written

for name in PAGES:
    (DOCS / name).write_text(written(name))
