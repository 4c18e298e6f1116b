"""Autoencoders for recommending: pure PyTorch, importable without any web or database package."""
