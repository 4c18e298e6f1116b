"""`python -m scripts.client` writes clients/python/palate_client/inputs.py and answers.py."""

from scripts.client.files import PACKAGE, files

for name, text in files().items():
    (PACKAGE / name).write_text(text)
