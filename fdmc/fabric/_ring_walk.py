import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int


Nodes = Int[Array, "..."]


class RingWalk(eqx.Module):
    """What a walk along the nodes of a k-hop ring has met: pieces of live nodes, and runs of dead ones.

    A node reaches those at distance 1 to `hops`, so that up to `hops - 1` dead ones in a row are passed over, and
    `hops` of them cut the ring.

    **Arguments:**

    - `hops`: the farthest that a node reaches, $K$.
    - `group`: nodes that must stand in one piece to be of use.
    - `run`: dead nodes in a row that were just passed, `lead` those before the first live one.
    - `live`: live nodes so far, `here` those of the piece that the walk is in, `head` those of the first piece.
    - `groups`: whole groups, and `longest`: live nodes of the longest, of the pieces between two cuts.
    - `cuts`: cuts so far.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import RingWalk

        walk = RingWalk.start((), hops=2, group=2)
        walk = walk.past(jnp.asarray(3), jnp.asarray(1))  # one dead node is passed over
        walk = walk.past(jnp.asarray(4), jnp.asarray(2))  # two are not
        walk = walk.past(jnp.asarray(1), jnp.asarray(0))
        ring, line = walk.end(closed=True), walk.end(closed=False)
        assert (ring.live, ring.groups, ring.longest) == (8, 4, 8)
        assert (line.live, line.groups, line.longest) == (8, 3, 7)
        ```
    """

    hops: int = eqx.field(static=True)
    group: int = eqx.field(static=True)
    run: Nodes
    lead: Nodes
    live: Nodes
    here: Nodes
    head: Nodes
    groups: Nodes
    longest: Nodes
    cuts: Nodes

    @classmethod
    def start(cls, batch: tuple[int, ...], hops: int, group: int) -> "RingWalk":
        """The walk before its first node."""
        none = jnp.zeros(batch, jnp.int32)
        return cls(hops, group, none, none, none, none, none, none, none, none)

    def past(self, live: Nodes, dead: Nodes) -> "RingWalk":
        """Go past so many live nodes, then so many dead ones."""
        some, first = live > 0, self.live == 0
        cut = some & ~first & (self.run >= self.hops)
        inner = cut & (self.cuts > 0)  # the first piece waits for the end of a closed ring
        return RingWalk(
            hops=self.hops,
            group=self.group,
            run=jnp.where(some, 0, self.run) + dead,
            lead=jnp.where(some & first, self.run, self.lead),
            live=self.live + live,
            here=jnp.where(cut, 0, self.here) + live,
            head=jnp.where(cut & (self.cuts == 0), self.here, self.head),
            groups=self.groups + jnp.where(inner, self.here // self.group, 0),
            longest=jnp.where(inner, jnp.maximum(self.longest, self.here), self.longest),
            cuts=self.cuts + cut,
        )

    def end(self, closed: bool) -> "RingWalk":
        """Count the last piece, which in a closed ring goes on in the first one unless a cut is between."""
        apart = (self.run + self.lead >= self.hops) if closed else jnp.ones(self.run.shape, bool)
        split = (self.cuts > 0) & apart
        last = jnp.where(split, self.here, self.here + self.head)
        first = jnp.where(split, self.head, 0)
        groups = self.groups + last // self.group + first // self.group
        longest = jnp.maximum(self.longest, jnp.maximum(last, first))
        cuts = self.cuts + (apart & (self.live > 0) if closed else 0)
        return eqx.tree_at(lambda w: (w.groups, w.longest, w.cuts), self, (groups, longest, cuts))
