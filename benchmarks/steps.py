"""How long one POSTed rating waits beside long work on one item or user: its deletion, a merge, an erasure.

python -m benchmarks.steps http://127.0.0.1:8505. The server is there already, on an empty database, and is filled with
a million ratings of 6,040 users and 3,706 items, whose popularity is a power law, before anything is measured.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import numpy as np

NUM_USERS, NUM_ITEMS, NUM_RATINGS = 6_040, 3_706, 1_000_209
NUM_LARGEST = 3_400  # ratings of the most popular item
NUM_GUEST = 2_311  # ratings of the guests who are merged and erased
PAUSE_S = 0.005  # between two POSTs
PIECE_LINES = 2_000


def lines() -> Iterator[str]:
    """Make the ratings, item by item, then those of two guests."""
    shares = np.arange(1, NUM_ITEMS + 1) ** -0.7
    counts = np.minimum(NUM_LARGEST, np.rint(shares / shares.sum() * NUM_RATINGS * 1.3)).astype(int)
    counts = np.maximum(1, counts * NUM_RATINGS // counts.sum())
    counts[0] = NUM_LARGEST
    rng = np.random.default_rng(0)
    yield "user_id,item_id,value\n"
    for item, count in enumerate(counts.tolist()):
        for user in rng.choice(NUM_USERS, count, replace=False).tolist():
            yield f"u{user},i{item},{1 + (user + item) % 5}\n"
    for guest in ("merged", "erased"):
        for item in range(1, NUM_GUEST + 1):
            yield f"{guest},i{item},4\n"


def body() -> Iterator[bytes]:
    """Join the lines into pieces."""
    some: list[str] = []
    for line in lines():
        some.append(line)
        if len(some) == PIECE_LINES:
            yield "".join(some).encode()
            some.clear()
    yield "".join(some).encode()


def post_until(client: httpx2.Client, done: threading.Event) -> list[float]:
    """POST one rating after the other; return how long each took, in ms."""
    took = []
    for number in range(1_000_000):
        if done.is_set():
            break
        started = time.perf_counter()
        rating = {"user_id": f"poster{number % 50}", "item_id": f"i{1 + number % 100}", "value": 1 + number % 5}
        client.post("/v1/ratings", json=rating).raise_for_status()
        took.append((time.perf_counter() - started) * 1000)
        time.sleep(PAUSE_S)
    return took


def measure(client: httpx2.Client, name: str, work: Callable[[], object]) -> None:
    """Print the waits of POSTs beside a piece of work."""
    done, took = threading.Event(), list[float]()
    thread = threading.Thread(target=lambda: took.extend(post_until(client, done)))
    thread.start()
    time.sleep(0.2)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    time.sleep(0.1)
    done.set()
    thread.join()
    print(
        f"{name}: {seconds:.2f} s; {len(took)} POSTs, median {statistics.median(took):.1f}, slowest {max(took):.1f} ms"
    )


def main() -> None:
    """Fill a server and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the server")
    with httpx2.Client(base_url=parser.parse_args().url, timeout=600) as client:
        started = time.perf_counter()
        imported = client.post("/v1/imports?kind=ratings", content=body(), headers={"Content-Type": "text/csv"})
        print(imported.text.strip()[:200], f"{time.perf_counter() - started:.1f} s")
        measure(client, "nothing", lambda: time.sleep(3))
        measure(client, "DELETE of the largest item", lambda: client.delete("/v1/items/i0").raise_for_status())
        merge = {"from_user_id": "merged"}
        measure(client, "merge", lambda: client.post("/v1/users/another/merge", json=merge).raise_for_status())
        measure(client, "erasure", lambda: client.delete("/v1/users/erased").raise_for_status())
        measure(client, "erasure of the merged", lambda: client.delete("/v1/users/another").raise_for_status())


if __name__ == "__main__":
    main()
