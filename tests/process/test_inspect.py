"""`seshat inspect` and `seshat snapshot`: real nodes' directories, sound and damaged."""

import json
import pathlib
import re
import shutil

import pytest

from cluster import Node, free_ports, seshat, wait_until

# Under 64 bytes a block: the value must be found in the files as it is.
VALUE = "the value of a key that is found again"


def inspect(directory, *arguments):
    """(exit status, document) of `seshat inspect --json`."""
    result = seshat("inspect", "--data-dir", directory, "--json", *arguments)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


def verify(directory, *arguments):
    result = seshat("snapshot", "verify", "--data-dir", directory, "--json", *arguments)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


def take_snapshot(node):
    result = seshat("snapshot", "create", "--admin", f"127.0.0.1:{node.admin_port}")
    assert result.returncode == 0, result.stderr


def picture(directory):
    """Every name below, with content and time of last change."""
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
            for path in pathlib.Path(directory).rglob("*")}


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def replace_in_body(path, old, new):
    """In one of our own files, whose checksum is made right again."""
    content = path.read_bytes()
    head, checksum, body = content[:16], content[16:24], content[24:]
    assert checksum == crc32c(body).to_bytes(8, "big")
    assert body.count(old) == 1
    body = body.replace(old, new)
    path.write_bytes(head + crc32c(body).to_bytes(8, "big") + body)


def group_of(document, name="data"):
    return next(group for group in document["groups"] if group["name"] == name)


def kept_snapshots(directory):
    """Oldest first: two of one second differ in the index alone."""
    return sorted((directory / "snapshots").glob("snapshot-*[0-9]"),
                  key=lambda path: int(path.name.rsplit("-", 1)[1]))


def write_keys(node):
    client = node.client()
    for i in range(60):
        client.set(f"key{i}", VALUE)
    client.set("due", "soon", px=1_000_000)
    client.delete("key0")


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """What a node leaves that took snapshots: `stopped` in order, and `killed` with kill -9."""
    root = tmp_path_factory.mktemp("inspect")
    node = Node(1, root / "stopped", free_ports(3), None)
    node.start()
    try:
        wait_until(node.is_ready, 30, f"ready; {node.log_tail()}")
        node.client().set("before", "FLUSHALL")
        take_snapshot(node)
        node.client().flushall()
        write_keys(node)
        take_snapshot(node)
        node.kill()
        shutil.copytree(node.directory, root / "killed")
        node.start()
        wait_until(node.is_ready, 30, f"ready again; {node.log_tail()}")
    finally:
        assert node.stop() == 0
    return root


@pytest.fixture(params=["stopped", "killed"])
def sound(request, directories, tmp_path):
    return pathlib.Path(shutil.copytree(directories / request.param, tmp_path / "data"))


@pytest.fixture
def stopped(directories, tmp_path):
    return pathlib.Path(shutil.copytree(directories / "stopped", tmp_path / "data"))


def test_a_sound_directory_is_shown_and_not_a_byte_changes(sound):
    before = picture(sound)

    status, document = inspect(sound)
    assert (status, document["damage"], document["is_sound"]) == (0, [], True), document
    assert seshat("inspect", "--data-dir", sound).returncode == 0
    assert seshat("snapshot", "list", "--data-dir", sound).returncode == 0
    assert seshat("snapshot", "verify", "--data-dir", sound).returncode == 0

    assert picture(sound) == before
    assert document["identity"]["node_id"] == 1
    assert re.fullmatch("[0-9a-f]{32}", document["identity"]["cluster_id"])
    assert [group["name"] for group in document["groups"]] == ["system", "data"]
    data = group_of(document)
    assert data["applied"]["key_count"] == 60
    assert data["generations"]["kv"] >= 1
    assert data["applied"]["index"] <= data["log"]["last"]
    assert data["log"]["records"] == data["log"]["last"] - data["log"]["first"] + 1
    assert data["hard_state"]["vote"] == 1
    assert data["compacted"]["configuration"]["voters"] == [1]
    assert [snapshot["name"] for snapshot in document["snapshots"]] == \
        [path.name for path in reversed(kept_snapshots(sound))]


def test_each_snapshot_has_the_keys_of_its_time(sound):
    _, document = inspect(sound)
    applied = group_of(document)["applied"]
    newer, older = [group_of(snapshot) for snapshot in document["snapshots"]]
    # No key was written after the newer one.
    assert (newer["key_count"], newer["digest"]) == (applied["key_count"], applied["digest"])
    assert older["key_count"] == 1
    assert older["index"] < newer["index"] <= applied["index"]


def test_entries_are_decoded_on_request_and_values_only_if_asked_for(sound):
    last = group_of(inspect(sound)[1])["log"]["last"]

    status, document = inspect(sound, "--group", "data", "--entries", f"{last - 20}:")
    assert status == 0
    assert [group["name"] for group in document["groups"]] == ["data"]
    entries = group_of(document)["entries"]
    assert [entry["index"] for entry in entries] == list(range(last - 20, last + 1))
    commands = [command for entry in entries for command in entry.get("commands", [])]
    assert {"name": "DEL", "keys": ["key0"]} in commands
    assert VALUE not in json.dumps(document)
    assert all(entry["stamp_ms"] > 0 for entry in entries if entry["type"] == "normal")

    _, document = inspect(sound, "--group", "data", "--entries", ":", "--values")
    assert VALUE in json.dumps(document)
    table = seshat("inspect", "--data-dir", sound, "--group", "data", "--entries", f"{last - 20}:")
    assert "DEL key0" in table.stdout


def test_a_running_node_is_refused_and_not_disturbed(tmp_path):
    node = Node(1, tmp_path / "node-1", free_ports(3), None).start()
    try:
        wait_until(node.is_ready, 30, "ready")
        for command in (["inspect"], ["snapshot", "list"], ["snapshot", "verify"]):
            result = seshat(*command, "--data-dir", node.directory)
            assert result.returncode == 2
            assert "in use by another process" in result.stderr
        assert node.client().set("k", "v")
    finally:
        assert node.stop() == 0


def test_bad_usage_and_what_is_no_data_directory(stopped, tmp_path):
    for arguments in (["--data-dir", tmp_path], ["--data-dir", tmp_path / "none"],
                      ["--data-dir", stopped, "--group", "7"],
                      ["--data-dir", stopped, "--group", "nonsense"],
                      ["--data-dir", stopped, "--entries", "5"],
                      ["--data-dir", stopped, "--entries", "7:5"], []):
        result = seshat("inspect", *arguments)
        assert result.returncode == 2, arguments
        assert result.stdout == "" and result.stderr != ""
    assert seshat("snapshot", "verify", "--data-dir", stopped, "snapshot-none").returncode == 2
    assert not (tmp_path / "none").exists()


def test_each_damaged_table_file_is_named(stopped):
    tables = sorted((stopped / "rocksdb").glob("*.sst"))
    assert tables
    for table in tables:
        content = table.read_bytes()
        flip(table, 10)
        status, document = inspect(stopped)
        assert status == 1
        assert any(table.name in finding for finding in document["damage"]), (table, document)
        table.write_bytes(content)
    assert inspect(stopped)[0] == 0


def test_damage_to_what_was_synced_in_the_log_is_named(stopped):
    log = max((stopped / "rocksdb").glob("*.log"))
    assert log.stat().st_size > 0
    flip(log, 20)

    status, document = inspect(stopped)

    assert status == 1
    assert any(str(log) in finding for finding in document["damage"]), document


def test_a_damaged_identity_is_named_and_the_rest_shown(stopped):
    flip(stopped / "IDENTITY", 40)

    status, document = inspect(stopped)

    assert status == 1
    assert document["identity"] is None
    assert document["damage"][0].startswith(str(stopped / "IDENTITY"))
    assert group_of(document)["applied"]["key_count"] == 60


def test_a_damaged_snapshot_is_named_and_the_others_are_sound(stopped):
    older, newer = kept_snapshots(stopped)
    flip(newer / "METADATA", 40)

    for status, document in (inspect(stopped), verify(stopped), verify(stopped, newer.name)):
        assert status == 1
        assert any(str(newer / "METADATA") in finding for finding in document["damage"])
    status, document = verify(stopped, older.name)
    assert (status, document["damage"]) == (0, [])
    assert [snapshot["name"] for snapshot in document["snapshots"]] == [older.name]
    assert seshat("snapshot", "list", "--data-dir", stopped).returncode == 1


@pytest.mark.parametrize("damaged", [0, 1], ids=["older", "newer"])
def test_verify_and_inspect_read_the_table_files_that_list_does_not(stopped, damaged):
    kept = kept_snapshots(stopped)
    table = max(kept[damaged].glob("*.sst"), key=lambda path: path.stat().st_size)
    flip(table, 10)

    for status, document in (verify(stopped), inspect(stopped)):
        assert status == 1
        assert any(str(table) in finding for finding in document["damage"]), document
    assert verify(stopped, kept[1 - damaged].name)[0] == 0
    assert seshat("snapshot", "list", "--data-dir", stopped).returncode == 0


def test_verify_compares_the_keys_with_what_metadata_promises(stopped):
    newer = kept_snapshots(stopped)[-1]
    digest = group_of(verify(stopped, newer.name)[1]["snapshots"][0])["digest"]
    replace_in_body(newer / "METADATA", int(digest, 16).to_bytes(8, "little"), bytes(8))

    status, document = verify(stopped, newer.name)

    assert status == 1
    assert document["damage"] == [
        f"{newer.name}: group 1: METADATA says digest {0:016x}, its files come to {digest}"]


def test_every_group_is_checked_whichever_is_shown(stopped):
    """IDENTITY of another cluster than the one that the system group knows."""
    own = inspect(stopped)[1]["identity"]["cluster_id"]
    other = "5a" * 16
    replace_in_body(stopped / "IDENTITY", bytes.fromhex(own), bytes.fromhex(other))

    status, document = inspect(stopped, "--group", "data")

    assert status == 1
    assert [group["name"] for group in document["groups"]] == ["data"]
    assert document["damage"] == [
        f"{stopped / 'IDENTITY'}: its cluster is {other}, the system group's is {own}"]


def test_a_torn_tail_that_was_never_synced_is_no_damage(directories, tmp_path):
    """As a power failure leaves it: the last bytes of the log are not what was written."""
    data = pathlib.Path(shutil.copytree(directories / "killed", tmp_path / "data"))
    log = max((data / "rocksdb").glob("*.log"))
    with open(log, "ab") as file:
        file.write(b"half a record")
    before = picture(data)

    status, document = inspect(data)

    assert (status, document["damage"]) == (0, [])
    assert [note for note in document["notes"] if str(log) in note], document["notes"]
    assert group_of(document)["applied"]["key_count"] == 60
    assert picture(data) == before
