"""Which peers there are, what each is judged by, and the environment it runs in."""

from __future__ import annotations

from dataclasses import dataclass

UNSEEN, RATINGS = "unseen", "ratings"  # the protocols of `palate compare`


@dataclass(frozen=True)
class Peer:
    """One peer: `benchmarks/peers/methods/MODULE.py`, with the packages of `environments/ENVIRONMENT.txt`."""

    name: str
    module: str
    protocol: str
    environment: str


PEERS = (
    Peer("tuned popularity", "popularity", UNSEEN, "lists"),
    Peer("item-kNN", "itemknn", UNSEEN, "lists"),
    Peer("EASE", "ease", UNSEEN, "lists"),
    Peer("iALS", "ials", UNSEEN, "lists"),
    Peer("Mult-VAE", "multvae", UNSEEN, "torch"),
    Peer("RecVAE", "recvae", UNSEEN, "torch"),
    Peer("SVD++", "svdpp", RATINGS, "ratings"),
    Peer("Bayesian FM", "bayesfm", RATINGS, "ratings"),
)
