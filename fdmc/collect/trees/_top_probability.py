"""The exact probability of a static top event as a function that JAX can differentiate and batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...kernel import decisions, top_probability
from ...logic import Values, diagram, structure
from ...spec.fault_tree import FaultTree, expand_common_causes, read


class TopProbability:
    """P(top event) of a static fault tree, a pure function of time, parameters and house events.

    The diagram is built once, on the host; calls are JAX operations, so `jax.grad`, `jax.vmap` and `jax.jit` apply:
    sensitivities to any parameter, mission-time curves, sweeps over house events. float32 unless
    JAX is told otherwise (`jax.enable_x64`).

    **Arguments:** a tree or the path of a model; the name of its `top` event (default: its first).

    **Raises:** BudgetError when no diagram was found within the node budget; ValueError for dynamic trees.

    !!! example

        ```python
        import jax, fdmc

        top = fdmc.TopProbability("docs/examples/coolant.xml")
        top(8760.0)                                                    # by one year
        jax.grad(lambda rate: top(8760.0, {"pump-rate": rate}))(1e-5)  # slope to a parameter
        jax.vmap(top)(jax.numpy.linspace(0, 8760, 100))                # curve over mission times
        jax.vmap(lambda on: top(8760.0, house={"maintenance": on}))(jax.numpy.arange(2.0))
        ```
    """

    def __init__(self, model: FaultTree | str, top: str | None = None):
        tree = model if isinstance(model, FaultTree) else read(model)
        if tree.is_dynamic:
            raise ValueError(
                f"{tree.name}: its top event depends on the order of failures or on repair; ask `fault_tree`."
            )
        self.tree = expand_common_causes(tree)
        self.top = top if top is not None else self.tree.tops[0]
        self.house = tuple(self.tree.house_events)
        lowered = structure(self.tree, [self.top], free=self.house)
        self.events = lowered.events
        self._diagram = decisions(diagram(lowered))

    def __call__(
        self,
        time_hours: Any,
        parameters: Mapping[str, Any] | None = None,
        house: Mapping[str, Any] | None = None,
    ) -> jax.Array:
        """Return the probability by a time; `house` maps house events to 0 or 1 (or a probability)."""
        values = Values(self.tree, jnp.asarray(time_hours) * 1.0, parameters)
        states = dict(self.tree.house_events) | dict(house or {})
        rows: Sequence[Any] = [values.event(name) for name in self.tree.basic_events]
        rows = [*rows, *(states[name] for name in self.house)]
        shared = jnp.broadcast_arrays(*(jnp.asarray(row) * 1.0 for row in rows))
        return self.of_events(jnp.stack(shared))

    def of_events(self, p: Any) -> jax.Array:
        """Return the probability from those of the events, [events, ...] in the order of `events`."""
        return top_probability(self._diagram, jnp.asarray(p))[0]

    def event_probabilities(self, time_hours: float) -> np.ndarray:
        """Return the probabilities of the events at a time, float64[events]."""
        states = [float(state) for state in self.tree.house_events.values()]
        return np.concatenate([Values(self.tree, time_hours).events(), states])
