"""What snapshots and restarts cost: time, room, and what clients notice.

Each subcommand starts three nodes on this machine, measures beside it what it compares with, and
prints a table; bench/README.md says more. Nothing is asserted.
"""

import argparse
import contextlib
import datetime
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import socket
import sys
import tempfile
import threading
import time

from compare import ROOT, machine, resident_mib

from cluster import Cluster, wait_until  # noqa: E402 (compare.py has set the path)
from snapshots import data_group, snapshot_and_cut, take  # noqa: E402

MB = 1_000_000
BATCH = 500
CONNECTIONS = 4
TABLE_FILE_BYTES = 64 << 20


class Connection:
    """One RESP connection that sends SETs and GETs without a library's own time in between."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    @staticmethod
    def command(*parts):
        return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(x), x) for x in parts)

    def set_all(self, rows):
        self.socket.sendall(b"".join(self.command(b"SET", key, value) for key, value in rows))
        expected = b"+OK\r\n" * len(rows)
        answer = b""
        while len(answer) < len(expected):
            received = self.socket.recv(1 << 16)
            answer += received
            if not received or b"-" in received:
                raise RuntimeError(f"a write failed: {answer[-200:]!r}")

    def get(self, key):
        """The value; nothing for a key that is not there."""
        self.socket.sendall(self.command(b"GET", key))
        answer = b""
        while True:
            received = self.socket.recv(1 << 16)
            answer += received
            if not received or answer.startswith(b"-"):
                raise RuntimeError(f"a read failed: {answer[:200]!r}")
            head, end, rest = answer.partition(b"\r\n")
            if end and head == b"$-1":
                return None
            if end and len(rest) >= int(head[1:]) + 2:
                return rest[:-2]


def key_name(number):
    return b"key:%012d" % number


def write_keys(port, numbers, value_bytes, seed):
    """Sets the keys of those numbers to values that do not compress, over several connections."""
    failures = []

    def work(mine):
        chance = random.Random(seed)
        noise = chance.randbytes((1 << 20) + value_bytes)
        connection = Connection(port)
        try:
            for first in range(0, len(mine), BATCH):
                offsets = [chance.randrange(1 << 20) for _ in range(BATCH)]
                connection.set_all([(key_name(number), noise[offset:offset + value_bytes])
                                    for number, offset in zip(mine[first:first + BATCH], offsets)])
        except (OSError, RuntimeError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(numbers[i::CONNECTIONS],))
               for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"could not write: {failures[0]}")


class Probe:
    """A process with one connection that writes, or reads, one request after the other, and keeps
    when each began and how long it took. With several ports it goes on at the next one when a
    request fails."""

    def __init__(self, kind, ports, keys, value_bytes):
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        self.stop = multiprocessing.Event()
        self.process = multiprocessing.Process(
            target=self.run, args=(kind, ports, keys, value_bytes, self.stop, sender), daemon=True)
        self.process.start()

    @staticmethod
    def run(kind, ports, keys, value_bytes, stop, sender):
        chance = random.Random(kind)
        times = []
        for port in itertools.cycle(ports):
            try:
                with contextlib.closing(Connection(port)) as connection:
                    while not stop.is_set():
                        key, value = key_name(chance.randrange(keys)), chance.randbytes(value_bytes)
                        begun = time.monotonic()
                        if kind == "write":
                            connection.set_all([(key, value)])
                        else:
                            connection.get(key)
                        times.append((begun, time.monotonic() - begun))
                break
            except (OSError, RuntimeError):
                if len(ports) == 1:
                    raise
        sender.send(times)

    def finish(self):
        """[(monotonic time of the beginning, seconds)]"""
        self.stop.set()
        if not self.receiver.poll(timeout=60):
            sys.exit("a client of the measurement died; its error is above")
        times = self.receiver.recv()
        self.process.join()
        return times


def latency(times, windows):
    """Milliseconds of the requests that were under way in one of `windows`: (begin, end)."""
    inside = sorted(took * 1000 for begun, took in times
                    if any(begun + took >= begin and begun <= end for begin, end in windows))

    def at(share):
        return inside[min(len(inside) - 1, int(share * len(inside)))] if inside else float("nan")
    return {"requests": len(inside), "p50_ms": at(0.5), "p99_ms": at(0.99), "p99_9_ms": at(0.999),
            "max_ms": inside[-1] if inside else float("nan")}


def longest_silence(times, begin, end):
    """Milliseconds between two answers that followed each other, one of them in the window."""
    answers = sorted(begun + took for begun, took in times)
    return max((later - earlier) * 1000 for earlier, later in itertools.pairwise(answers)
               if later >= begin and earlier <= end)


class Sampler(threading.Thread):
    """Keeps the highest of what `measure` gives, every so often, until it is stopped."""

    def __init__(self, measure, interval_s):
        super().__init__(daemon=True)
        self.measure, self.interval_s, self.highest = measure, interval_s, 0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(self.interval_s):
            self.highest = max(self.highest, self.measure())

    def finish(self):
        self.is_over.set()
        self.join()
        return self.highest


def synced_write_mb_s(directory, size):
    """What the disk takes of one writer that syncs as often as a table file is finished."""
    block = os.urandom(1 << 20)
    path = directory / "sequential"
    begun = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for written in range(0, size, len(block)):
            file.write(block)
            if written % TABLE_FILE_BYTES == 0:
                os.fdatasync(file)
        os.fdatasync(file)
    took = time.monotonic() - begun
    path.unlink()
    return size / took / MB


def sizes_of(directory):
    """Bytes on the disk by what they hold, a file with several names counted once, by the first."""
    seen = set()
    sizes = dict.fromkeys(("write-ahead log", "tables", "only in snapshots", "other"), 0)
    for part in ("rocksdb", "snapshots", "incoming", ""):
        for path in (directory / part).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # files come and go
                facts = path.lstat()
                if facts.st_ino in seen:
                    continue
                seen.add(facts.st_ino)
                kind = ("only in snapshots" if part == "snapshots" else
                        {".log": "write-ahead log", ".sst": "tables"}.get(path.suffix, "other"))
                sizes[kind] += facts.st_blocks * 512
    return sizes


def size_of(directory):
    return sum(sizes_of(directory).values())


def event_times(node, message):
    """When the node's log says `message` of the data group, as seconds since the epoch."""
    times = []
    for line in node.log_path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError, KeyError):
            event = json.loads(line)
            if event["message"] == message and event["fields"]["group"] == 1:
                times.append(datetime.datetime.fromisoformat(
                    event["time"].replace("Z", "+00:00")).timestamp())
    return times


def total_metric(node, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in node.admin("/metrics")[1].splitlines()
               if line.startswith(name + "{"))


def pass_time(seconds):
    threading.Event().wait(seconds)


def print_table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{x:,.2f}" if isinstance(x, float) else str(x) for x in row)
              + " |", flush=True)


def print_latencies(figures):
    print_table(["requests", "when", "number", "p50 ms", "p99 ms", "p99.9 ms", "max ms"],
                [[kind, when, at["requests"], at["p50_ms"], at["p99_ms"], at["p99_9_ms"],
                  at["max_ms"]] for (kind, when), at in figures.items()])


def measure_install(arguments, directory):
    """A follower that lacks everything: how fast it gets it, and what the leader's clients notice."""
    keys = arguments.bytes // (arguments.value_bytes + len(key_name(0)))
    with Cluster(directory) as cluster:
        leader = cluster.leader()
        away, other = cluster.others(leader)
        away.kill()
        write_keys(leader.client_port, range(keys), arguments.value_bytes, seed=1)
        snapshot_and_cut([leader, other])
        disk = synced_write_mb_s(directory, arguments.bytes)

        probe = Probe("write", [leader.client_port], keys, arguments.value_bytes)
        rss_before = resident_mib(leader.process.pid)
        begun = time.monotonic()
        pass_time(arguments.seconds)
        peak = Sampler(lambda: resident_mib(leader.process.pid), 0.05)
        to_wall = time.time() - time.monotonic()
        started = time.monotonic()
        away.start()
        wait_until(lambda: event_times(away, "installed a snapshot"), 3600, "the installation")
        cluster.wait_ready([away], deadline_s=600)
        ready = time.monotonic()
        rss_peak = peak.finish()
        times = probe.finish()
        if cluster.leader() is not leader:
            print("note: leadership moved during the run")
        fetching = event_times(away, "fetching a snapshot")[0]
        installed = event_times(away, "installed a snapshot")[0]
        sent = total_metric(leader, "raft_snapshot_sent_bytes_total")
        disk_after = synced_write_mb_s(directory, arguments.bytes)
    took = installed - fetching
    before = latency(times, [(begun, started)])
    during = latency(times, [(fetching - to_wall, installed - to_wall)])
    speed = arguments.bytes / took / MB
    print_table(["figure", "value"], [
        ["data, MB", arguments.bytes / MB], ["keys", keys], ["sent, MB", sent / MB],
        ["installation, s", took], ["from exec to ready, s", ready - started],
        ["installation, MB/s", speed],
        ["disk, synced sequential writes, MB/s, before", disk], ["likewise, after", disk_after],
        ["ratio to the mean of the two", speed / ((disk + disk_after) / 2)],
        ["leader resident, MiB, before", rss_before], ["at most during", rss_peak]])
    print()
    print_latencies({("write", "before"): before, ("write", "during"): during})
    return {"data_bytes": arguments.bytes, "keys": keys, "value_bytes": arguments.value_bytes,
            "sent_bytes": sent, "install_s": took, "exec_to_ready_s": ready - started,
            "install_mb_s": speed, "disk_mb_s": [disk, disk_after], "leader_resident_mib": rss_before,
            "leader_resident_peak_mib": rss_peak, "writes_before": before, "writes_during": during}


def measure_create(arguments, directory):
    """Snapshots of a leader that has many keys, and what a writing and a reading client notice."""
    with Cluster(directory) as cluster:
        leader = cluster.leader()
        write_keys(leader.client_port, range(arguments.keys), arguments.value_bytes, seed=1)
        take(leader)
        probes = {kind: Probe(kind, [leader.client_port], arguments.keys, arguments.value_bytes)
                  for kind in ("write", "read")}
        windows = {"before": [], "during": []}
        seconds = []
        for turn in range(arguments.rounds):
            # What a snapshot has to flush; the others wait until it is written.
            some = random.Random(turn).sample(range(arguments.keys),
                                              min(arguments.keys, arguments.changed))
            write_keys(leader.client_port, some, arguments.value_bytes, seed=2 + turn)
            begun = time.monotonic()
            pass_time(arguments.seconds / arguments.rounds)
            windows["before"].append((begun, time.monotonic()))
            begun = time.monotonic()
            name = take(leader)
            windows["during"].append((begun, time.monotonic()))
            seconds.append(leader.client().info("persistence")["rdb_last_bgsave_time_sec"])
            print(f"{name}: {windows['during'][-1][1] - begun:.3f} s with the command", flush=True)
        times = {kind: probe.finish() for kind, probe in probes.items()}
        size = total_metric(leader, "storage_snapshot_size_bytes")
    took = [end - begin for begin, end in windows["during"]]
    figures = {(kind, when): latency(times[kind], spans)
               for kind in times for when, spans in windows.items()}
    print()
    print_table(["figure", "value"], [
        ["keys", arguments.keys], ["snapshot, MB", size / MB], ["snapshots", len(took)],
        ["seconds each, at least", min(took)], ["at most", max(took)]])
    print()
    print_latencies(figures)
    return {"keys": arguments.keys, "value_bytes": arguments.value_bytes, "snapshot_bytes": size,
            "took_s": took,
            "latencies": [{"kind": k, "when": w, **at} for (k, w), at in figures.items()]}


def seconds_to_first_read(nodes, key, value):
    """Starts `nodes`; how long after the last exec one of them answers a read rightly."""
    for node in nodes:
        node.start()
    begun = time.monotonic()

    def read():
        for node in nodes:
            with contextlib.suppress(OSError, RuntimeError):
                connection = Connection(node.client_port)
                try:
                    if connection.get(key) == value:
                        return time.monotonic() - begun
                finally:
                    connection.close()
        return None
    return wait_until(read, 600, "a first read")


def measure_restart(arguments, directory):
    """From exec to the first read, of one node and of all, after kill -9 and after a stop."""
    keys = arguments.bytes // (arguments.value_bytes + len(key_name(0)))
    last = key_name(keys)
    figures = {}
    with Cluster(directory) as cluster:
        write_keys(cluster.leader().client_port, range(keys), arguments.value_bytes, seed=1)
        for turn in range(arguments.rounds):
            for which, how in ((w, h) for w in ("one", "all") for h in ("killed", "stopped")):
                cluster.wait_ready(deadline_s=600)
                leader = cluster.leader()
                value = b"%s %s %d" % (which.encode(), how.encode(), turn)
                leader.client().set(last, value)
                nodes = cluster.others(leader)[:1] if which == "one" else cluster.nodes
                for node in nodes:
                    node.kill() if how == "killed" else node.stop()
                figures.setdefault((which, how), []).append(
                    seconds_to_first_read(nodes, last, value))
        cluster.wait_ready(deadline_s=600)
        logs = [data_group(node)["log_size_bytes"] for node in cluster.nodes]
        sizes = [size_of(node.directory) for node in cluster.nodes]
    print_table(["figure", "value"], [
        ["data, MB", arguments.bytes / MB], ["keys", keys],
        ["log of each node, MB", ", ".join(f"{x / MB:.0f}" for x in logs)],
        ["data directory of each node, MB", ", ".join(f"{x / MB:.0f}" for x in sizes)]])
    print()
    print_table(["nodes", "after being", "first read, s, at least", "at most"],
                [[which, how, min(took), max(took)] for (which, how), took in figures.items()])
    return {"data_bytes": arguments.bytes, "keys": keys, "log_bytes": logs,
            "directory_bytes": sizes,
            "first_read_s": [{"nodes": w, "after": h, "took_s": took}
                             for (w, h), took in figures.items()]}


def measure_rolling(arguments, directory):
    """Each node stopped and started in turn: how long writing clients, one at each node, wait."""
    stops = []
    with Cluster(directory) as cluster:
        ports = [node.client_port for node in cluster.nodes]
        write_keys(ports[0], range(arguments.keys), arguments.value_bytes, seed=1)
        probes = [Probe("write", ports[i:] + ports[:i], arguments.keys, arguments.value_bytes)
                  for i in range(len(ports))]
        for node in cluster.nodes * arguments.rounds:
            pass_time(arguments.seconds)
            role = "leader" if node is cluster.leader() else "follower"
            begun = time.monotonic()
            node.stop()
            node.start()
            cluster.wait_ready()
            stops.append((role, begun, time.monotonic()))
        pass_time(arguments.seconds)
        times = [probe.finish() for probe in probes]
    figures = [{"role": role, "restart_s": end - begin,
                "silence_ms": [longest_silence(of_one, begin, end) for of_one in times]}
               for role, begin, end in stops]
    print_table(["stopped", "from the stop until all were ready, s",
                 *(f"longest silence of client {i + 1}, ms" for i in range(len(times)))],
                [[at["role"], at["restart_s"], *at["silence_ms"]] for at in figures])
    return {"keys": arguments.keys, "writes": sum(map(len, times)), "restarts": figures}


def measure_space(arguments, directory):
    """Many writes over few keys: what the data directories come to, at most and in the end."""
    live = arguments.keys * (arguments.value_bytes + len(key_name(0)))
    with Cluster(directory) as cluster:
        peaks = [Sampler(lambda node=node: size_of(node.directory), 1) for node in cluster.nodes]
        begun = time.monotonic()
        chance = random.Random(3)
        written = 0
        while written < arguments.writes:
            some = min(100_000, arguments.writes - written)
            write_keys(cluster.leader().client_port,
                       [chance.randrange(arguments.keys) for _ in range(some)],
                       arguments.value_bytes, seed=written)
            written += some
        took = time.monotonic() - begun
        highest = [peak.finish() for peak in peaks]
        end = [sizes_of(node.directory) for node in cluster.nodes]
        logs = [data_group(node)["log_size_bytes"] for node in cluster.nodes]
        for node in cluster.nodes:
            take(node)
        pass_time(arguments.seconds)
        rest = [sizes_of(node.directory) for node in cluster.nodes]
    print(f"{arguments.writes:,} writes in {took:.0f} s, {arguments.writes / took:,.0f} a second; "
          f"live: {arguments.keys:,} keys, {live / MB:.1f} MB\n")
    rows = [[i + 1, highest[i] / MB, sum(end[i].values()) / MB,
             *(size / MB for size in end[i].values()), logs[i] / MB,
             sum(rest[i].values()) / MB] for i in range(len(end))]
    print_table(["node", "at most, MB", "at the end, MB", *(f"of it {kind}" for kind in end[0]),
                 "the log's entries", "after a snapshot and a rest, MB"], rows)
    print(f"\nat most twice what is live and 1 GiB: {(2 * live + (1 << 30)) / MB:,.1f} MB")
    return {"writes": arguments.writes, "keys": arguments.keys, "live_bytes": live, "took_s": took,
            "peak_bytes": highest, "end_bytes": end, "log_bytes": logs, "rest_bytes": rest}


# What each subcommand changes of a node's configuration.
SETTINGS = {
    # Snapshots by command alone, no tail, and no bound on what is sent.
    "install": {"SESHAT_SNAPSHOTS_ENTRIES": "1000000000", "SESHAT_SNAPSHOTS_LOG_TAIL_BYTES": "0",
                "SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX": "0"},
    # By command alone: none may fall into the time before.
    "create": {"SESHAT_SNAPSHOTS_ENTRIES": "1000000000",
               "SESHAT_SNAPSHOTS_LOG_BYTES": str(1 << 40)},
    "restart": {},
    "rolling": {},
    "space": {},
}


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / "build",
                        help="where the data goes while it runs")
    parser.add_argument("--json", type=pathlib.Path,
                        help="where the figures go; default build/bench-snapshots-NAME.json")
    kinds = parser.add_subparsers(dest="kind", required=True)

    def add(name, measure, **options):
        kind = kinds.add_parser(name, help=measure.__doc__)
        kind.set_defaults(measure=measure)
        for option, (default, meaning) in options.items():
            kind.add_argument(f"--{option.replace('_', '-')}", type=type(default), default=default,
                              help=f"{meaning}; default {default}")
    value = (1000, "of one value")
    add("install", measure_install, bytes=(1_000_000_000, "of data, keys and values"),
        value_bytes=value, seconds=(20.0, "of writes before it"))
    add("create", measure_create, keys=(1_000_000, "in the database"), value_bytes=(100, value[1]),
        rounds=(5, "snapshots"), changed=(100_000, "keys written between two snapshots"),
        seconds=(30.0, "before the snapshots, all rounds together"))
    add("restart", measure_restart, bytes=(1_000_000_000, "of data, keys and values"),
        value_bytes=value, rounds=(3, "restarts of each sort"))
    add("rolling", measure_rolling, keys=(100_000, "in the database"), value_bytes=(100, value[1]),
        rounds=(3, "restarts of each node"), seconds=(2.0, "of writes before each"))
    add("space", measure_space, writes=(10_000_000, "in all"), keys=(100_000, "they go to"),
        value_bytes=(100, value[1]), seconds=(10.0, "of rest at the end"))
    return parser.parse_args(arguments)


def main():
    arguments = parse(None)
    os.environ.setdefault("SESHAT_BINARY", str(ROOT / "build/release/bin/seshat"))
    os.environ.update(SETTINGS[arguments.kind])
    target = arguments.json or ROOT / f"build/bench-snapshots-{arguments.kind}.json"
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=arguments.directory))
    try:
        print(f"{machine()}\n")
        figures = arguments.measure(arguments, directory)
        target.write_text(json.dumps({"machine": machine(), "kind": arguments.kind, **figures},
                                     indent=1) + "\n")
        print(f"\nfigures: {target}")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
