"""Pictures of the page: `python -m scripts.screenshots` draws them anew from the sample."""
