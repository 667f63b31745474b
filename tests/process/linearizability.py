"""Whether what the clients of a register saw can be explained by one order of events.

Every write carries a value of its own, so the operations of one value form a cluster: its write and
the reads that saw it. Let `first_end` be the earliest end in a cluster and `last_start` the latest
start. If first_end < last_start the register must have held the value from one to the other (a
forward zone); else the whole cluster fits at any moment between them (a backward zone). The history
is linearizable exactly if no two forward zones overlap, no backward zone lies within a forward one,
and no read ended before the write of its value began (Gibbons and Korach, "Testing Shared
Memories", 1997, section 4).
"""

import dataclasses
import math
import typing


@dataclasses.dataclass
class Operation:
    kind: str                 # "write" or "read"
    value: typing.Any         # None: the register's value before the first write
    start: float
    end: float = math.inf     # of a write whose outcome is unknown: never known to have ended
    where: str = ""           # for people: the node that was asked

    def __str__(self):
        return f"{self.kind} {self.value} [{self.start:.6f}, {self.end:.6f}] at {self.where}"


@dataclasses.dataclass
class Zone:
    value: typing.Any
    first_end: float
    last_start: float
    operations: list

    @property
    def is_forward(self):
        return self.first_end < self.last_start


def find_anomaly(operations):
    """None if linearizable; else what cannot be explained. Writes not applied must be left out."""
    clusters = {None: [Operation("write", None, -math.inf, -math.inf, "the beginning")]}
    for operation in operations:
        if operation.kind == "write":
            assert operation.value not in clusters, f"{operation.value} was written twice"
            clusters[operation.value] = [operation]
    for operation in operations:
        if operation.kind != "read":
            continue
        if operation.value not in clusters:
            return f"{operation}: nobody wrote that"
        if operation.end < clusters[operation.value][0].start:
            return f"{operation}: before {clusters[operation.value][0]}"
        clusters[operation.value].append(operation)
    zones = [Zone(value, min(each.end for each in cluster), max(each.start for each in cluster),
                  cluster) for value, cluster in clusters.items()]
    forward = sorted((zone for zone in zones if zone.is_forward), key=lambda zone: zone.first_end)
    for earlier, later in zip(forward, forward[1:]):
        if later.first_end < earlier.last_start:
            return explain(earlier, later)
    for zone in zones:
        if zone.is_forward:
            continue
        for around in forward:
            if around.first_end < zone.last_start and zone.first_end < around.last_start:
                return explain(around, zone)
    return None


def explain(one, other):
    lines = [f"{one.value} and {other.value} cannot follow one another:"]
    for zone in (one, other):
        by_end = min(zone.operations, key=lambda each: each.end)
        by_start = max(zone.operations, key=lambda each: each.start)
        lines += [f"  {by_end}", f"  {by_start}"]
    return "\n".join(lines)
