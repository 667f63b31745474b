"""Seshat (three nodes) against one redis-server that syncs each write: throughput, latency, ratio.

The rounds of a case alternate between the servers, so that drift of the machine hits all alike.
"""

import argparse
import csv
import io
import itertools
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/process"))

from cluster import Cluster, free_ports, wait_until  # noqa: E402

PEERS = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                     "seshat/peers/usr/bin")
KEYS = 100_000
VALUE_BYTES = 64
CASES = [(command, clients, pipeline)
         for command, clients, pipeline in itertools.product(["set", "get"], [1, 50], [1, 16])]


def benchmark(port, command, clients, pipeline, requests):
    """One redis-benchmark run: requests per second, p50 and p99 in milliseconds."""
    run = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-t", command, "-c", str(clients), "-P",
         str(pipeline), "-n", str(requests), "-d", str(VALUE_BYTES), "-r", str(KEYS), "--csv"],
        capture_output=True, text=True, check=False, timeout=300)
    if run.returncode != 0:
        sys.exit(f"redis-benchmark of {command} on port {port} failed: {run.stdout}{run.stderr}")
    row = list(csv.DictReader(io.StringIO(run.stdout)))[0]
    return {"rps": float(row["rps"]), "p50_ms": float(row["p50_latency_ms"]),
            "p99_ms": float(row["p99_latency_ms"])}


def start_redis(directory):
    directory.mkdir()
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [PEERS / "redis-server", "--port", str(port), "--dir", str(directory), "--appendonly",
         "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no"],
        stdout=subprocess.DEVNULL)
    wait_until(lambda: subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True,
                                      text=True).stdout.strip() == "PONG", 10, "redis-server up")
    return process, port


def measure(servers, rounds, seconds, progress):
    """{case: {server: {figure: median}}}; a run is sized to take about `seconds`."""
    results = {}
    for case in CASES:
        command, clients, pipeline = case
        sizes, runs = {}, {server: [] for server in servers}
        for server, port in servers.items():
            trial = benchmark(port, *case, requests=clients * pipeline * 40)
            # Whole pipelines: redis-benchmark may take the rest of one for lost clients, and abort.
            pipelines = max(clients * 40, int(trial["rps"] * seconds) // pipeline)
            sizes[server] = pipelines * pipeline
        for _ in range(rounds):
            for server, port in servers.items():
                runs[server].append(benchmark(port, *case, requests=sizes[server]))
        results[case] = {
            server: {figure: statistics.median(run[figure] for run in each)
                     for figure in ("rps", "p50_ms", "p99_ms")}
            for server, each in runs.items()
        }
        for server, each in runs.items():
            ratios = [run["rps"] / redis["rps"] for run, redis in zip(each, runs["redis"])]
            results[case][server]["ratio"] = statistics.median(ratios)
        progress(case, results[case])
    return results


def sync_repeatedly(path, seconds, times_ms):
    """Writes and syncs small records to a file of its final length, as a log is written."""
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(file, 0, 64 << 20)
    os.fsync(file)
    end, count, start = time.monotonic() + seconds, 0, time.monotonic()
    while time.monotonic() < end:
        os.write(file, b"x" * 400)
        os.fdatasync(file)
        count += 1
    times_ms.append(1000 * (time.monotonic() - start) / count)
    os.close(file)


def sync_ms(directory, writers):
    """What one sync takes when `writers` sync at the same time. os.fdatasync lets go of the GIL."""
    times_ms = []
    threads = [threading.Thread(target=sync_repeatedly,
                                args=(directory / f"sync-{i}", 1.0, times_ms))
               for i in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(writers):
        (directory / f"sync-{i}").unlink()
    return statistics.mean(times_ms)


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def print_case(case, servers):
    command, clients, pipeline = case
    for server, figures in servers.items():
        print(f"| {command.upper()} | {clients} | {pipeline} | {server} | {figures['rps']:,.0f} | "
              f"{figures['p50_ms']:.2f} | {figures['p99_ms']:.2f} | {figures['ratio']:.2f} |",
              flush=True)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run, about")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench.json")
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / "build",
                        help="where the data goes while it runs")
    arguments = parser.parse_args()
    os.environ.setdefault("SESHAT_BINARY", str(ROOT / "build/release/bin/seshat"))

    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=arguments.directory))
    try:
        disk = {writers: sync_ms(directory, writers) for writers in (1, 3)}
        with Cluster(directory) as cluster:
            redis, redis_port = start_redis(directory / "redis")
            try:
                idle = [resident_mib(node.process.pid) for node in cluster.nodes]
                print(f"{machine()}\na sync of the disk, ms: {disk[1]:.2f} alone, {disk[3]:.2f} with "
                      f"two others at a time\nidle resident, MiB: {', '.join(f'{x:.0f}' for x in idle)}\n")
                print("| command | clients | pipeline | server | requests/s | p50 ms | p99 ms | "
                      "ratio |\n|---|---|---|---|---|---|---|---|")
                leader = cluster.leader()
                servers = {"redis": redis_port, "seshat leader": leader.client_port,
                           "seshat follower": cluster.others(leader)[0].client_port}
                started = time.time()
                results = measure(servers, arguments.rounds, arguments.seconds, print_case)
                if cluster.leader() is not leader:
                    print("note: leadership moved during the run")
                busy = [resident_mib(node.process.pid) for node in cluster.nodes]
            finally:
                redis.terminate()
                redis.wait()
        print(f"\nresident after the run, MiB: {', '.join(f'{x:.0f}' for x in busy)}; "
              f"took {time.time() - started:.0f} s")
        arguments.json.write_text(json.dumps({
            "machine": machine(), "rounds": arguments.rounds, "seconds": arguments.seconds,
            "sync_alone_ms": disk[1], "sync_of_three_ms": disk[3],
            "idle_resident_mib": idle, "resident_after_mib": busy,
            "cases": [{"command": c, "clients": n, "pipeline": p, "servers": servers_of}
                      for (c, n, p), servers_of in results.items()]}, indent=1) + "\n")
        print(f"figures: {arguments.json}")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
