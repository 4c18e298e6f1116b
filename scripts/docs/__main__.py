"""Write every page anew that is written from the code."""

from scripts.docs.pages import DOCS, PAGES, page_text

for name in PAGES:
    (DOCS / name).write_text(page_text(name))
