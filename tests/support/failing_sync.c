// Makes every sync of a file fail while the file exists that SYNC_FAILS_WHILE names: what a disk
// does that no longer takes what the system had promised to write. Preloaded by a test.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int failing(void) {
  const char *path = getenv("SYNC_FAILS_WHILE");
  return path != NULL && access(path, F_OK) == 0;
}

static int sync_by(const char *name, int descriptor) {
  if (failing()) {
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(descriptor);
}

int fsync(int descriptor) { return sync_by("fsync", descriptor); }

int fdatasync(int descriptor) { return sync_by("fdatasync", descriptor); }
