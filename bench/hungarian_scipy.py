"""Costs of 10,000 random rectangular matchings against SciPy's linear_sum_assignment.

    python3 bench/hungarian_scipy.py build/release/triptych_bench_hungarian

Sizes from 1 to 30 each way; normal costs, whole numbers with many ties, and costs of very different size in turn.
Needs numpy and scipy; exit 1 when a cost differs by more than rounding, or columns are used twice.
"""
import subprocess
import sys

import numpy as np
from scipy.optimize import linear_sum_assignment

rng = np.random.default_rng(0)
cases = []
for i in range(10_000):
    n, m = rng.integers(1, 31, 2)
    kind = i % 3
    if kind == 0:
        cost = rng.normal(size=(n, m))
    elif kind == 1:
        cost = rng.integers(-3, 4, (n, m)).astype(float)
    else:
        cost = rng.normal(size=(n, m)) * 10.0 ** rng.integers(-6, 7, (n, m))
    cases.append(cost)
text = "\n".join(f"{c.shape[0]} {c.shape[1]} " + " ".join(repr(float(x)) for x in c.ravel()) for c in cases)
answers = subprocess.run([sys.argv[1], "-"], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
assert len(answers) == len(cases), (len(answers), len(cases))
wrong, worst = 0, 0.0
for cost, answer in zip(cases, answers):
    value, *columns = answer.split()
    rows, best = linear_sum_assignment(cost)
    expected = cost[rows, best].sum()
    used = [(i, int(c)) for i, c in enumerate(columns) if int(c) >= 0]
    off = abs(float(value) - expected) / max(1.0, np.abs(cost).max())
    worst = max(worst, off)
    sums = abs(sum(cost[i, c] for i, c in used) - float(value)) / max(1.0, np.abs(cost).max())
    if off > 1e-12 or sums > 1e-12 or len(used) != min(cost.shape) or len({c for _, c in used}) != len(used):
        wrong += 1
print(f"{len(cases)} cases, {wrong} differ; largest difference {worst:.1e} of the largest cost")
sys.exit(wrong > 0)
