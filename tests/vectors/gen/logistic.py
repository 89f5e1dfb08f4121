#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# logistic.py - the parameters that tests/unit/test_confidences.c expects of a logistic regression: gradient ascent with
# numpy until nothing changes, which has no more in common with Newton's method than the maximum that both end at.
import numpy as np

i = np.arange(40)
x = (i * 7 % 40 - 15) / 4.0
y = ((i * 7 % 40) * 3 > i * 13 % 40 * 2).astype(float)
slope = offset = 0.0
for _ in range(2000000):
    error = y - 1 / (1 + np.exp(-(slope * x + offset)))
    slope, offset, before = slope + 0.002 * (error * x).sum(), offset + 0.02 * error.sum(), (slope, offset)
    if (slope, offset) == before:
        break
print(f"{y.sum():.0f} right, slope {slope:.12f}, offset {offset:.12f}")
