"""A job on a pool of servers once more: one server an object, one event at a time, in plain Python."""

import collections
import heapq
import itertools
import random


def plain_job(pool, work_hours: float, rng: random.Random) -> dict[str, float]:
    """What `fdmc.workload.pool_job` does, by the words of its contract."""
    total = pool.working + pool.spares
    servers = [{"bad": i < int(pool.bad_share * total)} for i in range(total)]
    rng.shuffle(servers)
    job, rest = servers[: pool.job], servers[pool.job :]
    standby = collections.deque(rest[: pool.standbys])
    idle = collections.deque(rest[pool.standbys : pool.working - pool.job])
    spare = collections.deque(rest[pool.working - pool.job :])
    repairs, order = [], itertools.count()
    now = done = 0.0
    out = dict.fromkeys(("failures", "bad_failures", "selections", "fetched"), 0)

    def pass_until(time: float) -> None:
        """Let repairs that end by then do so."""
        nonlocal now
        while repairs and repairs[0][0] <= time:
            now, _, manual, server = heapq.heappop(repairs)
            if not manual and rng.random() < pool.manual_prob:
                again = now + rng.expovariate(1 / pool.manual_hours)
                heapq.heappush(repairs, (again, next(order), True, server))
                continue
            false = pool.manual_false_prob if manual else pool.automatic_false_prob
            server["bad"] = server["bad"] and rng.random() < false
            (standby if len(standby) < pool.standbys else idle).append(server)
        now = time

    while True:
        rates = [pool.bad_failures_per_hour if x["bad"] else pool.failures_per_hour for x in job]
        run = rng.expovariate(sum(rates))
        if done + run >= work_hours:
            pass_until(now + work_hours - done)
            return {"hours": now, **out}
        done += run
        pass_until(now + run)
        failed = job.pop(rng.choices(range(len(job)), rates)[0])
        out["failures"] += 1
        out["bad_failures"] += failed["bad"]
        end = now + rng.expovariate(1 / pool.automatic_hours)
        heapq.heappush(repairs, (end, next(order), False, failed))
        pass_until(now + pool.recovery_hours)
        if not standby:
            need = pool.job
            while len(job) + len(standby) + len(idle) < need:
                need = pool.job + pool.standbys
                if spare:
                    out["fetched"] += 1
                    pass_until(now + pool.fetch_hours)
                    idle.append(spare.popleft())
                else:
                    pass_until(repairs[0][0])
            out["selections"] += 1
            pass_until(now + pool.selection_hours)
            while idle and len(standby) < pool.standbys + 1:
                standby.append(idle.popleft())
        job.append(standby.popleft())
