"""An instance as `bench/src/instance.rs` writes it; that file describes the bytes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAGIC = b"QPEERS01"
NOBODY = 2**32 - 1
GPUS = 0


@dataclass(frozen=True)
class Instance:
    """Pairs stand by request, a request's best first; place 0 is the highest of all."""

    free: np.ndarray
    demand: np.ndarray
    matched: np.ndarray
    starts: np.ndarray
    offer: np.ndarray
    score: np.ndarray
    place: np.ndarray
    request: np.ndarray

    @property
    def gpus(self):
        """GPUs that each request asks for."""
        return self.demand[:, GPUS]

    def ours(self):
        """The offer of each request that our outcome serves."""
        served = np.flatnonzero(self.matched != NOBODY)
        return dict(zip(served.tolist(), self.matched[served].tolist()))

    def is_assignment(self):
        """Whether every request asks for one GPU and a machine's GPUs are all that can run out."""
        if (self.gpus != 1).any():
            return False
        largest = np.zeros_like(self.free)
        np.maximum.at(largest, self.offer, self.demand[self.request])
        return bool((largest * self.free[:, [GPUS]] <= self.free).all())

    def figures(self, assignment):
        """Requests, GPUs, welfare and welfare times GPUs of {request: offer}; checks that it is feasible."""
        used = np.zeros_like(self.free)
        score = dict(zip(zip(self.request.tolist(), self.offer.tolist()), self.score.tolist()))
        welfare = weighted = placed = 0
        for request, offer in assignment.items():
            used[offer] += self.demand[request]
            gpus = int(self.gpus[request])
            welfare += score[request, offer]
            weighted += score[request, offer] * gpus
            placed += gpus
        if (used > self.free).any():
            raise ValueError("an assignment exceeds a machine")
        return {"requests": len(assignment), "gpus": placed, "welfare": welfare, "gpu_welfare": weighted}


def read(path: Path) -> Instance:
    """Reads a file; an exception says what is wrong with it."""
    data = path.read_bytes()
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{path}: starts with {data[:8]!r}, expected {MAGIC!r}")
    numbers = np.frombuffer(data, "<u4", offset=len(MAGIC)).astype(np.int64)
    offers, requests, pairs = (int(n) for n in numbers[:3])
    sizes = [5 * offers, 5 * requests, requests, requests + 1, pairs, pairs, pairs]
    if len(numbers) != 3 + sum(sizes):
        raise ValueError(f"{path}: {len(numbers)} numbers, expected {3 + sum(sizes)}")
    parts = np.split(numbers[3:], np.cumsum(sizes)[:-1])
    free, demand, matched, starts, offer, score, place = parts
    request = np.repeat(np.arange(requests), np.diff(starts))
    return Instance(free.reshape(-1, 5), demand.reshape(-1, 5), matched, starts, offer, score, place, request)
