"""The pictures of docs/explanation/: `python -m scripts.pictures` draws them anew."""
