"""Disks that become slow while their nodes run: a library put before libc delays syncs on command."""

import os
import pathlib
import shutil
import subprocess

# Delays every sync while the file named by SLOW_DISK_FILE exists, by the milliseconds in it. It
# looks again and again, so that a file that goes away lets go of who waits. Nothing else is
# touched: what is synced reaches the disk as before.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long wanted_ms(void) {
  const char* const path = getenv("SLOW_DISK_FILE");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  char text[16] = {0};
  const ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 ? atol(text) : 0;
}

static void delay(void) {
  for (long slept_ms = 0; slept_ms < wanted_ms(); slept_ms += 10) {
    const struct timespec step = {0, 10 * 1000 * 1000};
    nanosleep(&step, NULL);
  }
}

int fsync(int file) {
  delay();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
  delay();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
"""


class SlowDisks:
    """The disks of a cluster's nodes; make it before the cluster starts."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.library = self.directory / "slow_disk.so"
        source = self.directory / "slow_disk.c"
        source.write_text(SOURCE)
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler, "no C compiler"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", self.library, source,
                        "-ldl"], check=True)

    def environment(self, node):
        return {"LD_PRELOAD": str(self.library), "SLOW_DISK_FILE": str(self._file(node))}

    def slow(self, node, milliseconds):
        """From now on each sync of `node` takes that much longer."""
        # Whole at once: a node may read it at any moment.
        fresh = self._file(node).with_suffix(".new")
        fresh.write_text(str(milliseconds))
        os.replace(fresh, self._file(node))

    def heal(self, node):
        self._file(node).unlink(missing_ok=True)

    def _file(self, node):
        return self.directory / f"slow-disk-{node.id}"
