"""`python -m scripts.client` generates files of the client; with `--check` it only names those that are stale."""

import sys

from scripts.client.files import stale_files
from scripts.client.formatting import PACKAGE

IS_CHECK = sys.argv[1:] == ["--check"]
stale = stale_files()
for name, text in stale.items():
    print(name)  # noqa: T201
    if not IS_CHECK:
        (PACKAGE / name).parent.mkdir(exist_ok=True)
        (PACKAGE / name).write_text(text)
sys.exit(IS_CHECK and bool(stale))
