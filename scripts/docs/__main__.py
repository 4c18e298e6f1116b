"""Write every reference page anew."""

from scripts.docs.pages import PAGES, REFERENCE, written

for name in PAGES:
    (REFERENCE / name).write_text(written(name))
