/*
 * A disk that can fail: preloaded into a process (LD_PRELOAD), it counts what is changed below one folder and,
 * once armed, ends the process before its n-th change or lets the n-th change fail. What was changed is noted in
 * a record file, so that `disk.py` can tell what a power cut would have left.
 *
 * Nothing is intercepted below other folders, and nothing at all before `manometer_disk_arm` is called.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC, RENAME, UNLINK, CREATE, MKDIR, RMDIR };

struct head { uint32_t kind, path, other, reserved; uint64_t offset, length; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int record = -1, error_number, is_sticky, is_armed;
static long count, cut_at, fail_at;

void manometer_disk_arm(const char *folder, int record_file, long cut, long fail, int number, int sticky) {
    pthread_mutex_lock(&lock);
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    record = record_file;
    cut_at = cut;
    fail_at = fail;
    error_number = number;
    is_sticky = sticky;
    count = 0;
    is_armed = root_length > 0;
    pthread_mutex_unlock(&lock);
}

long manometer_disk_count(void) { return count; }

static int is_ours(const char *path) {
    size_t length = strlen(path);
    if (!is_armed || strncmp(path, root, root_length) != 0 || path[root_length] != '/') return 0;
    return length < 4 || strcmp(path + length - 4, "-shm") != 0; /* shared memory, made anew by SQLite */
}

static int path_of(int file, char *path) {
    char link[64];
    if (!is_armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static int absolute(const char *path, char *whole) {
    if (!is_armed) return 0;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else {
        char here[PATH_MAX];
        if (syscall(SYS_getcwd, here, sizeof here) <= 0) return 0;
        snprintf(whole, PATH_MAX, "%.2000s/%.2000s", here, path);
    }
    return is_ours(whole);
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        long written = syscall(SYS_write, record, at, length);
        if (written <= 0) _exit(138);
        at += written;
        length -= (size_t)written;
    }
}

/* With the lock held. Whether the change may be made: 0, or -1 with errno. */
static int may_change(int takes_room) {
    count += 1;
    if (cut_at > 0 && count >= cut_at) syscall(SYS_exit_group, 137);
    if (fail_at > 0 && (count == fail_at || (is_sticky && count > fail_at)) && (takes_room || !is_sticky)) {
        errno = error_number;
        return -1;
    }
    return 0;
}

static void note(uint32_t kind, const char *path, const char *other, uint64_t offset, uint64_t length,
                 const void *bytes) {
    if (record < 0) return;
    struct head head = {kind, (uint32_t)strlen(path), other ? (uint32_t)strlen(other) : 0, 0, offset, length};
    put(&head, sizeof head);
    put(path, head.path);
    if (other) put(other, head.other);
    if (bytes) put(bytes, length);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static uint64_t place_of(int file) {
    off_t at = (fcntl(file, F_GETFL) & O_APPEND) ? lseek(file, 0, SEEK_END) : lseek(file, 0, SEEK_CUR);
    return at < 0 ? 0 : (uint64_t)at;
}

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    if (!path_of(file, path)) return real(file, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    if (may_change(1) == 0) {
        uint64_t offset = place_of(file);
        done = real(file, bytes, length);
        if (done > 0) note(WRITE, path, NULL, offset, (uint64_t)done, bytes);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *bytes, size_t length, offset_type offset) { \
        REAL(ssize_t, name, int, const void *, size_t, offset_type); \
        char path[PATH_MAX]; \
        if (!path_of(file, path)) return real(file, bytes, length, offset); \
        pthread_mutex_lock(&lock); \
        ssize_t done = -1; \
        if (may_change(1) == 0) { \
            done = real(file, bytes, length, offset); \
            if (done > 0) note(WRITE, path, NULL, (uint64_t)offset, (uint64_t)done, bytes); \
        } \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATING(name, offset_type) \
    int name(int file, offset_type length) { \
        REAL(int, name, int, offset_type); \
        char path[PATH_MAX]; \
        if (!path_of(file, path)) return real(file, length); \
        pthread_mutex_lock(&lock); \
        int done = -1; \
        if (may_change(0) == 0) { \
            done = real(file, length); \
            if (done == 0) note(TRUNCATE, path, NULL, (uint64_t)length, 0, NULL); \
        } \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
TRUNCATING(ftruncate, off_t)
TRUNCATING(ftruncate64, off64_t)

#define SYNCING(name) \
    int name(int file) { \
        REAL(int, name, int); \
        char path[PATH_MAX]; \
        if (!path_of(file, path)) return real(file); \
        pthread_mutex_lock(&lock); \
        int done = -1; \
        if (may_change(0) == 0) { \
            done = 0; /* the record says what is safe; to wait for the real disk would prove nothing */ \
            note(SYNC, path, NULL, 0, 0, NULL); \
        } \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
SYNCING(fsync)
SYNCING(fdatasync)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    char source[PATH_MAX], target[PATH_MAX];
    int ours = absolute(from, source), theirs = absolute(to, target);
    if (!ours && !theirs) return real(from, to);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (may_change(0) == 0) {
        done = real(from, to);
        if (done == 0) note(RENAME, source, target, 0, 0, NULL);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

#define REMOVING(name, kind) \
    int name(const char *place) { \
        REAL(int, name, const char *); \
        char path[PATH_MAX]; \
        if (!absolute(place, path)) return real(place); \
        pthread_mutex_lock(&lock); \
        int done = -1; \
        if (may_change(0) == 0) { \
            done = real(place); \
            if (done == 0) note(kind, path, NULL, 0, 0, NULL); \
        } \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
REMOVING(unlink, UNLINK)
REMOVING(rmdir, RMDIR)

int mkdir(const char *place, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    char path[PATH_MAX];
    if (!absolute(place, path)) return real(place, mode);
    pthread_mutex_lock(&lock);
    int done = real(place, mode);
    if (done == 0) note(MKDIR, path, NULL, 0, mode, NULL);
    pthread_mutex_unlock(&lock);
    return done;
}

#define OPENING(name) \
    int name(const char *place, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        char path[PATH_MAX]; \
        if (!(flags & (O_CREAT | O_TRUNC)) || !absolute(place, path)) return real(place, flags, mode); \
        pthread_mutex_lock(&lock); \
        int file = real(place, flags, mode); \
        if (file >= 0) note(CREATE, path, NULL, (flags & O_TRUNC) ? 1 : 0, 0, NULL); \
        pthread_mutex_unlock(&lock); \
        return file; \
    }
OPENING(open)
OPENING(open64)
