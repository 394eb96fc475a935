"""The paper's fusion as a researcher writes it: matrix products and elementwise steps, in NumPy and in PyTorch.

Both update the same factors in the same order, with GIG expectations interpolated in a table, the cheapest that
either library can do. They are here to be timed beside the kernels: `scripts/fixtures/plain_nmf.py` is the one that
is exact.
"""

import numpy as np
from scipy.special import gammaln, kve

BINS, FRAMES, ORDERS, BACKGROUND, ITERATIONS = 1025, 300, (2, 4, 6, 8, 10, 12, 14), 16, 50
SHAPE, NOISE, BETA, START = 0.2, 1e-6, 1e4, 1000.0
FLOOR = {"f64": 1e-100, "f32": 1e-30}
# Where the table begins and ends, in log(rho tau); of its power laws outside.
LOWEST, HIGHEST, ENTRIES = -250.0, 40.0, 1 << 16


def tabulate(gamma):
    """log(tau E[1/z]) and log(Z) + gamma log(rho) of GIG(gamma, rho, tau) against log(rho tau)."""
    log_y = np.linspace(LOWEST, HIGHEST, ENTRIES)
    x = 2 * np.exp(log_y / 2)
    log_t = np.log(x / 2) + np.log(kve(1 - gamma, x)) - np.log(kve(gamma, x))
    return log_y, log_t, np.log(2 * kve(gamma, x)) - x + gamma * np.log(x / 2)


def draw_problem(seed=1):
    """Mixture (bins x frames), dictionaries (bins x components) and the start of the background's."""
    rng = np.random.default_rng(seed)

    def dictionary(components):
        w = rng.gamma(0.5, 2.0, (BINS, components)) + 1e-10
        return w / w.mean(axis=0)

    dictionaries = [dictionary(k) for k in ORDERS]
    v = dictionaries[3] @ rng.gamma(SHAPE, 1 / SHAPE, (8, FRAMES))
    v += dictionary(BACKGROUND) @ rng.gamma(SHAPE, 1 / SHAPE, (BACKGROUND, FRAMES))
    x = np.sqrt(v / 2) * (rng.standard_normal(v.shape) + 1j * rng.standard_normal(v.shape))
    return x, dictionaries, np.maximum(rng.gamma(SHAPE, 1 / SHAPE, (BINS, BACKGROUND)), 1e-10)


class NumPyGig:
    def __init__(self, gamma):
        self.gamma, self.table = gamma, tabulate(gamma)

    def interpolate(self, rho, tau):
        log_y = np.log(np.maximum(rho * tau, 1e-300))
        grid, log_t, log_z = self.table
        return np.exp(np.interp(log_y, grid, log_t)), np.interp(log_y, grid, log_z)

    def moments(self, rho, tau):
        """E[z], 1 / E[1/z] and what the KL term needs."""
        t, log_z = self.interpolate(rho, tau)
        return (self.gamma + t) / rho, tau / t, t + log_z

    def kl(self, rho, mean, rest):
        prior = self.gamma * np.log(self.gamma) - gammaln(self.gamma)
        return float(np.sum(prior + rest - self.gamma * np.log(rho) + (rho - self.gamma) * mean))


def fuse_in_numpy(x, dictionaries, start):
    """q(K) of the paper's fusion after its iterations. Shapes as `draw_problem`."""
    gig, floor = NumPyGig(SHAPE), FLOOR["f64"]
    observed = np.abs(x) ** 2
    h = [(np.full((w.shape[1], x.shape[1]), START),) * 2 for w in dictionaries]
    w2 = (start, start)
    h2 = (np.full((start.shape[1], x.shape[1]), START),) * 2
    q = np.full(len(dictionaries), 1 / len(dictionaries))
    for _ in range(ITERATIONS):
        c = [np.maximum(w @ g, floor) for w, (_, g) in zip(dictionaries, h)]
        c2 = np.maximum(w2[1] @ h2[1], floor)
        c1 = 1 / sum(weight / value for weight, value in zip(q, c))
        total = NOISE + c1 + c2
        power = [(v / total) ** 2 * observed + v * (total - v) / total for v in (c1, c2)]
        log_q = np.zeros(len(q))
        for m, (w, value) in enumerate(zip(dictionaries, c)):
            mean, harmonic = h[m]
            tau = harmonic**2 * (w.T @ (power[0] / value**2))
            rho = gig.gamma + w.T @ (1 / np.maximum(w @ mean, floor))
            mean, harmonic, rest = gig.moments(rho, tau)
            h[m] = mean, harmonic
            v, c_new = np.maximum(w @ mean, floor), np.maximum(w @ harmonic, floor)
            log_q[m] = gig.kl(rho, mean, rest) - np.sum(np.log(v)) - np.sum(power[0] / c_new)
        ratio, inverse = power[1] / c2**2, 1 / np.maximum(w2[0] @ h2[0], floor)
        tau, rho = w2[1] ** 2 * (ratio @ h2[1].T), gig.gamma + inverse @ h2[0].T
        w2 = gig.moments(rho, tau)[:2]
        c2 = np.maximum(w2[1] @ h2[1], floor)
        tau = h2[1] ** 2 * (w2[1].T @ (power[1] / c2**2))
        rho = gig.gamma + w2[0].T @ (1 / np.maximum(w2[0] @ h2[0], floor))
        h2 = gig.moments(rho, tau)[:2]
        q = np.exp((log_q - log_q.max()) / BETA)
        q /= q.sum()
    return q


def make_torch_fusion(x, dictionaries, start, precision, compiled):
    """The same in PyTorch on the processor, as a function without arguments."""
    import torch

    kind = {"f64": torch.float64, "f32": torch.float32}[precision]
    floor = FLOOR[precision]
    smallest = 1e-300 if precision == "f64" else 1e-37
    _, log_t, log_z = (torch.tensor(column, dtype=kind) for column in tabulate(SHAPE))
    step = (HIGHEST - LOWEST) / (ENTRIES - 1)
    prior = SHAPE * np.log(SHAPE) - gammaln(SHAPE)
    observed = torch.tensor(np.abs(x) ** 2, dtype=kind)
    known = [torch.tensor(w, dtype=kind) for w in dictionaries]
    first = torch.tensor(start, dtype=kind)

    def moments(rho, tau):
        place = (torch.log(torch.clamp(rho * tau, min=smallest)) - LOWEST) / step
        place = torch.clamp(place, 0.0, ENTRIES - 1.001)
        index = place.long()
        part = place - index
        t = torch.exp(torch.lerp(log_t[index], log_t[index + 1], part))
        rest = t + torch.lerp(log_z[index], log_z[index + 1], part)
        return (SHAPE + t) / rho, tau / t, rest

    def iterate(h, w2, h2, q):
        c = [torch.clamp(w @ g, min=floor) for w, (_, g) in zip(known, h)]
        c2 = torch.clamp(w2[1] @ h2[1], min=floor)
        c1 = 1 / sum(weight / value for weight, value in zip(q, c))
        total = NOISE + c1 + c2
        power = [(v / total) ** 2 * observed + v * (total - v) / total for v in (c1, c2)]
        new_h, log_q = [], []
        for w, value, (mean, harmonic) in zip(known, c, h):
            tau = harmonic**2 * (w.T @ (power[0] / value / value))
            rho = SHAPE + w.T @ (1 / torch.clamp(w @ mean, min=floor))
            mean, harmonic, rest = moments(rho, tau)
            new_h.append((mean, harmonic))
            v, c_new = torch.clamp(w @ mean, min=floor), torch.clamp(w @ harmonic, min=floor)
            kl = torch.sum(prior + rest - SHAPE * torch.log(rho) + (rho - SHAPE) * mean)
            log_q.append(kl - torch.sum(torch.log(v)) - torch.sum(power[0] / c_new))
        ratio, inverse = power[1] / c2 / c2, 1 / torch.clamp(w2[0] @ h2[0], min=floor)
        w2 = moments(SHAPE + inverse @ h2[0].T, w2[1] ** 2 * (ratio @ h2[1].T))[:2]
        c2 = torch.clamp(w2[1] @ h2[1], min=floor)
        tau = h2[1] ** 2 * (w2[1].T @ (power[1] / c2 / c2))
        h2 = moments(SHAPE + w2[0].T @ (1 / torch.clamp(w2[0] @ h2[0], min=floor)), tau)[:2]
        return new_h, w2, h2, torch.softmax(torch.stack(log_q) / BETA, dim=0)

    iterate = torch.compile(iterate, dynamic=False) if compiled else iterate

    def fuse():
        with torch.no_grad():
            full = [torch.full((w.shape[1], x.shape[1]), START, dtype=kind) for w in (*known, first)]
            h, h2 = [(value, value) for value in full[:-1]], (full[-1], full[-1])
            w2, q = (first, first), torch.full((len(known),), 1 / len(known), dtype=kind)
            for _ in range(ITERATIONS):
                h, w2, h2, q = iterate(h, w2, h2, q)
            return q.numpy()

    return fuse
