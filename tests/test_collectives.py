"""Algorithms, latency, hierarchies, single messages; the examples of both rooms."""

import contextlib
import io
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_fabric import REFERENCE, RTOL, _seconds, _state

import fdmc.fabric
import fdmc.workload
from benchmarks import collectives
from benchmarks._cases import Check
from fdmc.fabric import (
    ALGORITHMS,
    Level,
    collective_bounds,
    collective_seconds,
    hierarchical_seconds,
    link_state,
    message_seconds,
)


ALPHA = 1e-3
STEPS = {  # among sixteen: counted by hand
    ("all_reduce", "optimal"): 1,
    ("all_reduce", "ring"): 30,
    ("all_reduce", "recursive"): 8,
    ("all_reduce", "direct"): 2,
    ("all_reduce", "tree"): 8,
    ("all_reduce", "in_switch"): 1,
    ("all_gather", "optimal"): 1,
    ("all_gather", "ring"): 15,
    ("all_gather", "recursive"): 4,
    ("all_gather", "direct"): 1,
    ("reduce_scatter", "optimal"): 1,
    ("reduce_scatter", "ring"): 15,
    ("reduce_scatter", "recursive"): 4,
    ("reduce_scatter", "direct"): 1,
    ("all_to_all", "optimal"): 1,
    ("all_to_all", "direct"): 1,
    ("broadcast", "optimal"): 1,
    ("broadcast", "tree"): 4,
}


def test_every_form_has_its_steps():
    assert set(STEPS) == {(op, how) for op, many in ALGORITHMS.items() for how in many}


@pytest.mark.parametrize(("op", "algorithm"), STEPS)
def test_latency_adds_the_steps(op, algorithm):
    state = _state(np.ones((16, 2)))
    wire = collective_seconds(op, algorithm, 1.0, state)
    got = collective_seconds(op, algorithm, 1.0, state, 1.0, ALPHA)
    assert got - wire == pytest.approx(STEPS[op, algorithm] * ALPHA, rel=1e-4)
    assert collective_seconds(op, algorithm, 1.0, state, 1.0, 0.0) == wire


@pytest.mark.parametrize("n", [2, 4, 16])
def test_recursive_halving_and_doubling_step_by_step(n):
    """Exchange halves, quarters, ...; then the other way round."""
    sent = 2 * sum(1 / 2**k for k in range(1, n.bit_length()))
    assert _seconds("all_reduce", "recursive", np.ones((n, 1))) == pytest.approx(sent, rel=RTOL)


def test_trees_send_what_their_nodes_send():
    """In one tree a node has two children and a parent, in the other it is a leaf, for half the payload each."""
    up = 1 / 2 + 1 / 2  # to its two parents
    down = 2 * 1 / 2  # to the two children of the tree in which it is inside
    assert _seconds("all_reduce", "tree", np.ones((64, 1))) == pytest.approx(up + down, rel=RTOL)
    assert _seconds("broadcast", "tree", np.ones((64, 1))) == pytest.approx(down, rel=RTOL)


def test_several_algorithms_take_the_fastest_of_each_state():
    capacity = np.ones((2, 64, 4))
    capacity[1, :4] -= np.eye(4) * 0.9  # every plane has lost most of one link
    state, names = _state(capacity), ("ring", "tree", "in_switch")
    for size in (1e3, 1e9):
        each = [collective_seconds("all_reduce", a, size, state, 1e9, 1e-6) for a in names]
        got = collective_seconds("all_reduce", names, size, state, 1e9, 1e-6)
        np.testing.assert_array_equal(got, np.min(each, axis=0))
    assert list(np.argmin(each, axis=0)) == [2, 0]  # large: in the switch, and around it
    small = [collective_seconds("all_reduce", a, 1e3, state, 1e9, 1e-6)[0] for a in names[:2]]
    assert small[1] < small[0]  # and small: the tree before the ring


def test_no_algorithm_and_unknown_ones_are_refused():
    state = _state(np.ones((4, 2)))
    with pytest.raises(ValueError, match="all_reduce without an algorithm; there are"):
        collective_seconds("all_reduce", (), 1.0, state)
    with pytest.raises(ValueError, match="no closed form for all_to_all/ring, all_to_all/direct"):
        collective_seconds("all_to_all", ("ring", "direct"), 1.0, state)
    with pytest.raises(ValueError, match="gossip"):
        collective_bounds("gossip", 1.0, state)


def test_hierarchy_of_equal_links_is_one_large_ring():
    """Rings inside and across at one rate move as much as one ring over all: 2(nD-1)/(nD)."""
    n, domains = 8, 16
    inside = Level(_state(np.ones((n, 1))), "ring", 50e9)
    across = Level(_state(np.ones((domains, 1))), "ring", 50e9)
    got = hierarchical_seconds(1e9, inside, across)
    flat = collective_seconds("all_reduce", "ring", 1e9, _state(np.ones((n * domains, 1))), 50e9)
    np.testing.assert_allclose(got, flat, rtol=RTOL)


def test_hierarchy_counts_every_phase_once():
    capacity = np.ones((2, 8, 4))
    capacity[1, 0, :2] = 0.0  # the second domain has an accelerator on half its planes
    inside = Level(_state(capacity), ("ring", "recursive"), 50e9, 1e-6)
    across = Level(_state(np.ones((16, 1))), "tree", 25e9, 5e-6)
    got = hierarchical_seconds(8e9, inside, across)
    wire = np.array([1, 2]) * 2 * 7e9 / 200e9 + 2 * 1e9 / 25e9
    np.testing.assert_allclose(got, wire + 2 * 3e-6 + 2 * 4 * 5e-6, rtol=RTOL)
    gradient = jax.grad(
        lambda rate: jnp.sum(hierarchical_seconds(8e9, Level(inside.state, "ring", rate), across))
    )
    np.testing.assert_allclose(gradient(50e9), -3 * 2 * 7e9 / 200e9 / 50e9, rtol=1e-5)


def test_messages():
    path = dict(hops=jnp.array([1, 3]), hop_seconds=0.5)
    np.testing.assert_allclose(message_seconds(8.0, 4.0, **path), [2.5, 3.5])
    np.testing.assert_allclose(message_seconds(8.0, 4.0, **path, stored=True), [2.5, 7.5])


def test_reference_values_of_the_ring():
    """E[ring slow-down] at 18 planes and a link-down probability of 1e-3."""
    published = {72: 1.0437, 256: 1.0608, 512: 1.0638, 576: 1.0644}
    for n, mean in published.items():
        assert collectives._ring_slowdown(n, 18, 1e-3) == pytest.approx(mean, rel=3e-4)


def test_reference_cases():
    paths = REFERENCE / "collectives_cases.csv", REFERENCE / "collectives_lp.json"
    if not all(path.exists() for path in paths):
        pytest.skip("the reference cases are not beside this checkout")
    found = [*collectives.run_cases(paths[0]), *collectives.run_states(paths[1])]
    assert len(found) == 181
    assert [case for case in found if not (isinstance(case, Check) and case.ok)] == []


def test_link_state_is_what_the_forms_read():
    """A wholly healthy domain: every algorithm that moves the least takes the same time."""
    state = link_state(jnp.ones((16, 4)), jnp.ones(16, bool))
    least = {
        float(collective_seconds("all_reduce", a, 1.0, state))
        for a in ("optimal", "ring", "direct")
    }
    assert max(least) == pytest.approx(min(least), rel=RTOL)


def test_the_page_prints_what_it_says():
    text = (Path(__file__).parents[1] / "docs" / "collectives.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 4
    names: dict = {}
    for code, said in blocks:
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            exec(code, names)
        assert heard.getvalue() == said


PUBLIC = [
    (room.__name__, name)
    for room in (fdmc.fabric, fdmc.workload)
    for name in dir(room)
    if callable(getattr(room, name))
]


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_public_examples_run(room, name):
    text = getattr({"fdmc.fabric": fdmc.fabric, "fdmc.workload": fdmc.workload}[room], name).__doc__
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        exec("\n".join(line.strip() for line in block.splitlines()), {})
