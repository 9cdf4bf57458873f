/* Makes the disk fail on purpose, for the files of one database: see support/faults.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long long written, synced, unsynced;

/* Whether the descriptor is the database or its write-ahead log. */
static int ours(int fd) {
    char link[64], path[4096];
    const char *wanted = getenv("SHOPCTL_TEST_FAULT_FILE");
    if (!wanted) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t stem = strlen(wanted);
    return !strncmp(path, wanted, stem) && (!path[stem] || !strcmp(path + stem, "-wal"));
}

static long long limit(const char *name) {
    const char *text = getenv(name);
    return text ? atoll(text) : -1;
}

static int write_fails(int fd, size_t size) {
    if (!ours(fd)) return 0;
    written += size;
    unsynced++;
    long long full = limit("SHOPCTL_TEST_FULL_AFTER"), broken = limit("SHOPCTL_TEST_WRITE_FAILS_AFTER");
    if (full >= 0 && written > full) { errno = ENOSPC; return 1; }
    if (broken >= 0 && written > broken) { errno = EIO; return 1; }
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    return write_fails(fd, size) ? -1 : real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite");
    return write_fails(fd, size) ? -1 : real(fd, data, size, at);
}

static int sync_fails(int fd) {
    if (!ours(fd)) return 0;
    synced++;
    unsynced = 0;
    long long broken = limit("SHOPCTL_TEST_SYNC_FAILS_AFTER");
    if (broken >= 0 && synced > broken) { errno = EIO; return 1; }
    return 0;
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return sync_fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return sync_fails(fd) ? -1 : real(fd);
}

/* What a test asks through ctypes: writes that no sync has followed yet, and syncs so far. */
long long shopctl_unsynced(void) { return unsynced; }
long long shopctl_synced(void) { return synced; }
