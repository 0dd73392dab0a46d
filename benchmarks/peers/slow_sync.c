/* LD_PRELOAD: every fsync and fdatasync of a process takes 2 ms longer, as on a disk that is not a virtual one. Nothing
 * else that the peers call makes data durable: sync_file_range only begins to write, and none of them uses msync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int later(const char *name, int fd)
{
    const struct timespec two_ms = {0, 2000000};
    nanosleep(&two_ms, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return later("fsync", fd); }
int fdatasync(int fd) { return later("fdatasync", fd); }
