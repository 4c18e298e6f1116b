"""The peers' side: runs in their environments, reads files, and imports nothing of Palate's outside this package."""
