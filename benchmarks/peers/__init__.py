"""The peers that Palate's kinds are compared with, each in an environment of its own: docs/explanation/peers.md."""
