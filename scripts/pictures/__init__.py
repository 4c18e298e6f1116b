"""The pictures of docs/models.md: `python -m scripts.pictures` draws them anew."""
