"""A torus of cubes that optical circuit switches join, link by link."""

import dataclasses
import itertools
import math

from ..spec import Collective
from ._capacity import Capacities
from ._machine import Machine


Node = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Torus:
    """What is left of one slice: `links[j][x]` of the link from `x` to the next along dimension `j`, 1 when whole."""

    shape: Node
    links: list[dict[Node, float]]
    ports: dict[Node, float]
    crossing: float  # most pairs over the capacity between, of slabs and single accelerators
    ring: float  # pace of the slowest ring: the mean of its two weakest links
    whole: bool

    def seconds(self, each: Collective, link: float) -> float:
        """Seconds of a collective, `link` being the bytes/s of a whole link; endless where the torus falls apart."""
        if math.isinf(self.crossing):
            return math.inf
        return min(self._by(name, each, link) for name in each.algorithms)

    def _by(self, algorithm: str, each: Collective, link: float) -> float:
        n, s, hop = math.prod(self.shape), each.size_bytes / link, each.latency_seconds or 0.0
        if each.op == "all_to_all":
            return self.crossing * s / n + hop * sum(d // 2 for d in self.shape)
        late = hop * 2 * sum(d - 1 for d in self.shape)
        if algorithm == "ring":
            moved = 2 * (n - 1) / n * s / (2 * len(self.shape))
            return (moved / self.ring if self.ring > 0 else math.inf) + late
        return s * max(1 / min(self.ports.values()), 2 * (n - 1) / sum(self.ports.values())) + late


def torus_of(machine: Machine, state: Capacities) -> Torus:
    """The torus of every slice in a state: it depends on the switches alone."""
    key = ("torus", *state.planes)
    if key not in machine.memo:
        machine.memo[key] = _torus(machine, state.planes)
    return machine.memo[key]


def _torus(machine: Machine, planes: list[float]) -> Torus:
    torus = machine.scenario.fabric.torus
    assert torus is not None
    cube, shape = torus.cube, torus.shape
    nodes = list(itertools.product(*map(range, shape)))
    switches = iter(planes)
    links: list[dict[Node, float]] = []
    for j, c in enumerate(cube):
        faces = [range(1) if i == j else range(n) for i, n in enumerate(cube)]
        at = {position: next(switches) for position in itertools.product(*faces)}
        along = {}
        for x in nodes:
            place = tuple(0 if i == j else x[i] % cube[i] for i in range(len(cube)))
            along[x] = at[place] if x[j] % c == c - 1 else 1.0
        links.append(along)
    ports = dict.fromkeys(nodes, 0.0)
    ring, worst = math.inf, 0.0
    for j, d in enumerate(shape):
        cut = [0.0] * d  # capacity after each coordinate
        rings: dict[Node, list[float]] = {}
        for x, capacity in links[j].items():
            ports[x] += capacity
            ports[_moved(x, j, d)] += capacity
            cut[x[j]] += capacity
            rings.setdefault((*x[:j], *x[j + 1 :]), []).append(capacity)
        ring = min(ring, *(sum(sorted(each)[:2]) / 2 for each in rings.values()))
        for p, q in itertools.combinations(range(d), 2):
            inside = (q - p) * len(nodes) // d
            pairs, between = inside * (len(nodes) - inside), cut[p] + cut[q]
            worst = max(worst, pairs / between if between > 0 else math.inf)
    least = min(ports.values())
    worst = max(worst, (len(nodes) - 1) / least if least > 0 else math.inf)
    return Torus(shape, links, ports, worst, ring, all(p == 1.0 for p in planes))


def _moved(x: Node, j: int, d: int) -> Node:
    return (*x[:j], (x[j] + 1) % d, *x[j + 1 :])
