import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Real


Number = Real[Array, ""] | float
_RUN, _RECOVER, _SELECT, _FETCH, _WAIT = range(5)


class ServerPool(eqx.Module):
    """A job, its standbys, and the pool of servers behind it, some of which are bad until they are repaired.

    **Arguments:**

    - `job`: servers that the job needs, all of them.
    - `standbys`: servers that wait inside the job: one takes over as soon as the job has recovered.
    - `working`: servers of the pool, those of the job and its standbys included.
    - `spares`: servers beyond, fetched one by one when the pool is short.
    - `bad_share`: share of all servers that are bad at the beginning, rounded down to whole servers.
    - `failures_per_hour`: of a good server while the job runs.
    - `bad_failures_per_hour`: of a bad one.
    - `recovery_hours`: standstill after every failure.
    - `selection_hours`: standstill to choose servers again, when no standby is left.
    - `fetch_hours`: standstill to fetch one spare.
    - `automatic_hours`, `manual_hours`: mean times of the two stages of repair, exponential.
    - `manual_prob`: probability that the second stage follows the first.
    - `automatic_false_prob`, `manual_false_prob`: probability that a bad server leaves a repair that ended with
        this stage as bad as it was.
    - `repairs`: repairs at the same time that there is room for.

    !!! example

        ```python
        from fdmc.workload import ServerPool

        ServerPool(job=64, standbys=2, working=72, spares=8, bad_share=0.1)
        ```
    """

    job: int = eqx.field(static=True)
    standbys: int = eqx.field(static=True)
    working: int = eqx.field(static=True)
    spares: int = eqx.field(static=True)
    bad_share: float = eqx.field(static=True, default=0.0)
    failures_per_hour: Number = 0.0
    bad_failures_per_hour: Number = 0.0
    recovery_hours: Number = 0.0
    selection_hours: Number = 0.0
    fetch_hours: Number = 0.0
    automatic_hours: Number = 1.0
    manual_hours: Number = 1.0
    manual_prob: Number = 0.0
    automatic_false_prob: Number = 0.0
    manual_false_prob: Number = 0.0
    repairs: int = eqx.field(static=True, default=256)

    def __check_init__(self):
        if not 0 < self.job + self.standbys <= self.working:
            raise ValueError(
                f"working must be at least job + standbys, {self.job + self.standbys}, but is {self.working}."
            )


class PoolOutcome(eqx.Module):
    """One history of a job on a pool: hours until it is done, and what happened on the way.

    `failures` counts those of the job, `bad_failures` those of bad servers among them, `selections` how often servers
    were chosen again, `fetched` spares; `full` says that there was no room for a repair: the numbers are then void.

    !!! example

        ```python
        import jax
        from fdmc.workload import ServerPool, pool_job

        out = pool_job(ServerPool(job=8, standbys=1, working=9, spares=0), 10.0, jax.random.key(0))
        assert (out.hours >= 10, out.failures, out.full) == (True, 0, False)
        ```
    """

    hours: Float[Array, ""]
    failures: Int[Array, ""]
    bad_failures: Int[Array, ""]
    selections: Int[Array, ""]
    fetched: Int[Array, ""]
    full: Bool[Array, ""]


class _State(eqx.Module):
    """The job by kinds of server; lists of idle ones (is it bad?), the first to go first; repairs.

    Servers have no memory beside what they are, so of those in the job only their number matters.
    """

    work: Float[Array, ""]
    good: Int[Array, ""]
    bad: Int[Array, ""]
    standby: Bool[Array, " standbys"]
    standing: Int[Array, ""]
    queue: Bool[Array, " idle"]
    queued: Int[Array, ""]
    left: Float[Array, " repairs"]
    manual: Bool[Array, " repairs"]
    ill: Bool[Array, " repairs"]
    phase: Int[Array, ""]
    hold: Float[Array, ""]
    stalled: Float[Array, ""]
    step: Int[Array, ""]
    failures: Int[Array, ""]
    bad_failures: Int[Array, ""]
    selections: Int[Array, ""]
    fetched: Int[Array, ""]
    full: Bool[Array, ""]


def pool_job(pool: ServerPool, work_hours: Number, key: Key[Array, ""]) -> PoolOutcome:
    """Simulate a job until its work is done, through failures, standbys, repairs and false repairs.

    **Arguments:**

    - `pool`: the servers, their failures and repairs.
    - `work_hours`: run time that the job needs, standstills apart.
    - `key`: of `jax.random`; the outcome is a function of it.

    **Returns:** the `PoolOutcome` of this history; map it over keys for several.

    Only servers that run the job fail, and only while it runs; one failure stops all, and the server goes to repair.
    The first standby takes over after the recovery. Without one, servers are chosen again, first in, first out, while
    the pool has enough; else spares are fetched until standbys are complete too. Repaired servers become standbys, and
    where those are complete, go to the end of the pool. The model is that of AIReSim, whose report has numbers to
    compare with (`python -m benchmarks.clusters --only V09`).

    !!! example

        ```python
        import jax
        from fdmc.workload import ServerPool, pool_job

        pool = ServerPool(job=64, standbys=2, working=72, spares=8, failures_per_hour=1e-3, recovery_hours=0.5)
        out = pool_job(pool, 1000.0, jax.random.key(0))
        assert 1000 < out.hours < 1100
        ```
    """
    start = _start(pool, work_hours, jax.random.fold_in(key, 0))
    end = jax.lax.while_loop(lambda s: (s.work > 0) & ~s.full, lambda s: _step(pool, key, s), start)
    hours = (
        work_hours
        + pool.recovery_hours * end.failures
        + pool.selection_hours * end.selections
        + pool.fetch_hours * end.fetched
        + end.stalled
    )
    return PoolOutcome(hours, end.failures, end.bad_failures, end.selections, end.fetched, end.full)


def _start(pool: ServerPool, work_hours: Number, key) -> _State:
    total = pool.working + pool.spares
    ill = jax.random.permutation(key, np.arange(total) < int(pool.bad_share * total))
    bad = jnp.sum(ill[: pool.job])
    zero, no = jnp.int32(0), jnp.zeros(pool.repairs, bool)
    idle = pool.job + pool.standbys
    return _State(
        work=jnp.asarray(work_hours, jnp.float32),
        good=pool.job - bad,
        bad=bad,
        standby=jnp.append(
            ill[pool.job : idle], False
        ),  # a place for the one that joins the job at once
        standing=jnp.int32(pool.standbys),
        # Spares stand behind the pool, `queued` says where they begin; a failed server may be back
        # before another has taken its place.
        queue=jnp.append(ill[idle:], False),
        queued=jnp.int32(pool.working - idle),
        left=jnp.full(pool.repairs, jnp.inf),
        manual=no,
        ill=no,
        phase=jnp.int32(_RUN),
        hold=jnp.asarray(jnp.inf),
        stalled=jnp.asarray(0.0),
        step=zero,
        failures=zero,
        bad_failures=zero,
        selections=zero,
        fetched=zero,
        full=jnp.asarray(False),
    )


def _step(pool: ServerPool, key, s: _State) -> _State:
    """What comes next: the end of a repair, of a standstill, a failure, or the end of the work."""
    u = jax.random.uniform(
        jax.random.fold_in(key, s.step + 1), (4,), minval=np.finfo(np.float32).tiny
    )
    ill_rate = s.bad * pool.bad_failures_per_hour
    rate = s.good * pool.failures_per_hour + ill_rate
    runs = s.phase == _RUN
    # Failures have no memory: a draw that something else comes before is thrown away.
    to_failure = jnp.where(runs & (rate > 0), -jnp.log(u[0]) / jnp.maximum(rate, 1e-30), jnp.inf)
    ahead = jnp.stack([jnp.min(s.left), s.hold, to_failure, jnp.where(runs, s.work, jnp.inf)])
    first, hours = jnp.argmin(ahead), jnp.min(ahead)
    s = eqx.tree_at(
        lambda x: (x.left, x.hold, x.work, x.stalled, x.step),
        s,
        (
            s.left - hours,
            s.hold - hours,
            jnp.where(runs, jnp.where(first == 3, 0.0, s.work - hours), s.work),
            s.stalled + jnp.where(s.phase == _WAIT, hours, 0.0),
            s.step + 1,
        ),
    )
    ill = u[1] * rate < ill_rate
    return jax.lax.switch(
        first,
        [
            lambda: _repaired(pool, s, u),
            lambda: _go_on(pool, s),
            lambda: _failed(pool, s, ill, -jnp.log(u[2]) * pool.automatic_hours),
            lambda: s,
        ],
    )


def _set(s: _State, **values) -> _State:
    names = tuple(values)
    typed = tuple(jnp.asarray(v, getattr(s, n).dtype) for n, v in values.items())
    return eqx.tree_at(lambda x: tuple(getattr(x, n) for n in names), s, typed)


def _failed(pool: ServerPool, s: _State, ill, repair_hours) -> _State:
    room = jnp.argmax(jnp.isinf(s.left))
    return _set(
        s,
        good=s.good - ~ill,
        bad=s.bad - ill,
        failures=s.failures + 1,
        bad_failures=s.bad_failures + ill,
        full=s.full | ~jnp.isinf(s.left[room]),
        left=s.left.at[room].set(repair_hours),
        manual=s.manual.at[room].set(False),
        ill=s.ill.at[room].set(ill),
        phase=_RECOVER,
        hold=pool.recovery_hours,
    )


def _repaired(pool: ServerPool, s: _State, u) -> _State:
    """The end of a stage of repair: the next stage, or back to the standbys or the end of the pool."""
    which = jnp.argmin(s.left)
    escalates = ~s.manual[which] & (u[1] < pool.manual_prob)
    again = -jnp.log(u[2]) * pool.manual_hours
    false = jnp.where(s.manual[which], pool.manual_false_prob, pool.automatic_false_prob)
    ill = s.ill[which] & (u[3] < false)
    to_standby = ~escalates & (s.standing < pool.standbys)
    to_queue = ~escalates & ~to_standby
    place = jnp.arange(s.standby.shape[0]) == s.standing
    # Spares move back by one to let it in before them.
    number = jnp.arange(s.queue.shape[0])
    moved = jnp.where(number > s.queued, jnp.roll(s.queue, 1), s.queue)
    moved = jnp.where(number == s.queued, ill, moved)
    s = _set(
        s,
        left=s.left.at[which].set(jnp.where(escalates, again, jnp.inf)),
        manual=s.manual.at[which].set(escalates),
        standby=jnp.where(to_standby & place, ill, s.standby),
        standing=s.standing + to_standby,
        queue=jnp.where(to_queue, moved, s.queue),
        queued=s.queued + to_queue,
    )
    waits = s.phase == _WAIT
    return jax.tree.map(
        lambda a, b: jnp.where(waits, a, b), _short(pool, s, pool.job + pool.standbys), s
    )


def _short(pool: ServerPool, s: _State, need) -> _State:
    """Choose again if there are as many as are needed; else fetch a spare, or wait for a repair."""
    there = s.good + s.bad + s.standing + s.queued
    enough, some = there >= need, s.fetched < pool.spares
    hold = jnp.where(some, pool.fetch_hours, jnp.inf)
    return _set(
        s,
        phase=jnp.where(enough, _SELECT, jnp.where(some, _FETCH, _WAIT)),
        hold=jnp.where(enough, pool.selection_hours, hold),
        selections=s.selections + enough,
        fetched=s.fetched + (~enough & some),
    )


def _go_on(pool: ServerPool, s: _State) -> _State:
    """The end of a standstill."""
    fetched = _set(s, queued=s.queued + 1)  # the first spare is the next in the queue
    short = _short(pool, s, pool.job)
    more = _short(pool, fetched, pool.job + pool.standbys)
    here = jnp.where(
        s.phase == _FETCH, 0, jnp.where((s.phase == _RECOVER) & (s.standing == 0), 1, 2)
    )
    choices = (more, short, _taken_over(_selected(pool, s)))
    return jax.tree.map(lambda *x: jnp.select([here == 0, here == 1], x[:2], x[2]), *choices)


def _selected(pool: ServerPool, s: _State) -> _State:
    """Where servers are chosen again: the pool's first become standbys, one more than stay."""
    lacks = pool.standbys + 1 - s.standing
    taken = jnp.where(s.phase == _SELECT, jnp.minimum(lacks, s.queued), 0)
    number = jnp.arange(s.standby.shape[0])
    joined = jnp.where(
        (number >= s.standing) & (number < s.standing + taken),
        s.queue[jnp.clip(number - s.standing, 0, s.queue.shape[0] - 1)],
        s.standby,
    )
    queue = jnp.roll(s.queue, -taken)
    return _set(
        s, standby=joined, standing=s.standing + taken, queue=queue, queued=s.queued - taken
    )


def _taken_over(s: _State) -> _State:
    """The first standby joins the job."""
    ill = s.standby[0]
    return _set(
        s,
        good=s.good + ~ill,
        bad=s.bad + ill,
        standby=jnp.roll(s.standby, -1),
        standing=s.standing - 1,
        phase=_RUN,
        hold=jnp.inf,
    )
