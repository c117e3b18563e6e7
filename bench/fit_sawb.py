#!/usr/bin/env python3
"""Fits the SAWB coefficients of kernels/core/quantise.h for any weight width.

As in Choi et al. (MLSys 2019): for six weight distributions find the clip alpha that minimises the mean squared
error of the symmetric quantiser with n = 2^(B-1) - 1 positive levels, then fit
    alpha = c1 * std(w) - c2 * mean|w|      by least squares; z0 = 1/c1, z1 = c2/c1.
"""
import numpy as np

COUNT = 400_001
u = (np.arange(COUNT) + 0.5) / COUNT  # quantiles instead of random samples: no seed, no noise


def erfinv(y):
    """Inverse error function by Newton steps on a series start (no SciPy needed)."""
    from math import erf, pi, sqrt
    a = 0.147
    ln = np.log1p(-y * y)
    x = np.sign(y) * np.sqrt(np.sqrt((2 / (pi * a) + ln / 2) ** 2 - ln / a) - (2 / (pi * a) + ln / 2))
    verf = np.vectorize(erf)
    for _ in range(2):
        x -= (verf(x) - y) / (2 / sqrt(pi) * np.exp(-x * x))
    return x


def von_mises(kappa=1.0):
    grid = np.linspace(-np.pi, np.pi, 200_001)
    cdf = np.cumsum(np.exp(kappa * np.cos(grid)))
    return np.interp(u, cdf / cdf[-1], grid)


half = np.minimum(u, 1 - u)
DISTRIBUTIONS = {
    "gauss": erfinv(2 * u - 1) * np.sqrt(2),
    "uniform": 2 * u - 1,
    "laplace": np.sign(u - 0.5) * -np.log(2 * half),
    "logistic": np.log(u / (1 - u)),
    "triangle": np.sign(u - 0.5) * (1 - np.sqrt(2 * half)),
    "von mises": von_mises(),
}


def best_clip(w, levels):
    def error(alpha):
        step = alpha / levels
        return np.mean((w - np.round(np.clip(w, -alpha, alpha) / step) * step) ** 2)

    alphas = np.linspace(0.02, 1.0, 197) * np.abs(w).max()
    center = alphas[np.argmin([error(a) for a in alphas])]
    fine = np.linspace(center * 0.9, center * 1.1, 81)
    return fine[np.argmin([error(a) for a in fine])]


for bits in range(2, 9):
    x, y = [], []
    for w in DISTRIBUTIONS.values():
        mean = np.abs(w).mean()
        x.append(w.std() / mean)
        y.append(best_clip(w, 2 ** (bits - 1) - 1) / mean)
    c1, minus_c2 = np.polyfit(x, y, 1)
    print(f"bits {bits}: z0 {1 / c1:.3f} z1 {-minus_c2 / c1:.3f}   (c1 {c1:.3f}, c2 {-minus_c2:.3f})")
