"""Measure variants side by side: each round runs every variant once, in rotating order; the figure is the median."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

Variant = Callable[[], float]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(variants: dict[str, Variant], rounds: int) -> dict[str, float]:
    names = list(variants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name].append(variants[name]())
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"    {name:40} {medians[name] * 1000:9.1f} ms  [{min(values) * 1000:.1f}..{max(values) * 1000:.1f}]")
    return medians


def judge(what: str, figure: float, limit: float, unit: str = "x") -> bool:
    verdict = "ok" if figure <= limit else "TOO MUCH"
    print(f"{verdict:9} {what}: {figure:.2f}{unit} (at most {limit:g}{unit})")
    sys.stdout.flush()
    return figure <= limit
