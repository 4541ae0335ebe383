/*
 * Records what a program does to the files below one directory, in one order, with the data: the recording of which
 * power_cut/disk.rs makes disks that lost their power. Loaded with LD_PRELOAD.
 *
 *   POWER_CUT_DIRECTORY  the directory, absolute and without symbolic links
 *   POWER_CUT_LOG        a file that was made as large as the recording may become
 *
 * One lock is held over each call and its event, so that the order of events is the order of effects. A sync is two
 * events, its begin and its end, without the lock in between: what was written before the begin is on disk at the end.
 * Whatever the recording cannot express (a writable shared mapping, a sync of the whole system...) is an event as well,
 * and makes the replay fail: a gap in the recording must not look like a disk that kept everything.
 *
 * The log: a page of counters (events, octets used, overflow), then the events as `struct event`, each followed by its
 * payload, padded to 8 octets. Native byte order. Whoever reads the counters meanwhile sees whole events only.
 *
 * Left out: the WAL index of SQLite (`-shm`), which is memory shared between processes and made anew after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    KIND_CREATE = 1,      /* file; payload: path */
    KIND_WRITE = 2,       /* file, offset; payload: the data */
    KIND_SIZE = 3,        /* file, offset: the new size */
    KIND_SYNC_BEGIN = 4,  /* file */
    KIND_SYNC_END = 5,    /* file, offset: the number of the begin */
    KIND_DIR_BEGIN = 6,   /* payload: path */
    KIND_DIR_END = 7,     /* offset: the number of the begin; payload: path */
    KIND_RENAME = 8,      /* payload: old path, zero, new path */
    KIND_UNLINK = 9,      /* payload: path */
    KIND_UNKNOWN = 10,    /* payload: what was called */
};

struct event {
    uint32_t kind;
    uint32_t payload;
    uint64_t file;
    uint64_t offset;
};

struct counters {
    _Atomic uint64_t events;
    _Atomic uint64_t octets;
    _Atomic uint64_t overflow;
};

#define LOG_START 4096
#define FILES_MAX 256

static struct {
    dev_t device;
    ino_t inode;
    uint64_t number;
} files[FILES_MAX];
static unsigned files_used;
static uint64_t files_made;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char directory[PATH_MAX];
static size_t directory_length;
static unsigned char *log_start;
static uint64_t log_size;

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int real_open(const char *path, int flags) {
    REAL(open);
    return real(path, flags);
}

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("POWER_CUT_DIRECTORY"), *log = getenv("POWER_CUT_LOG");
    struct stat status;
    if (!wanted || !log || strlen(wanted) >= sizeof directory) return;
    int fd = real_open(log, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) abort();
    void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) abort();
    close(fd);
    strcpy(directory, wanted);
    directory_length = strlen(directory);
    log_size = (uint64_t)status.st_size;
    log_start = mapped;
    struct counters *counters = mapped;
    atomic_store(&counters->octets, LOG_START);
}

/* Appends an event whose payload is in pieces, and gives its number, from 1. The lock is held. */
static uint64_t append(enum kind kind, uint64_t file, uint64_t offset, const struct iovec *pieces, int count,
                       size_t length) {
    struct counters *counters = (struct counters *)log_start;
    struct event event = {kind, (uint32_t)length, file, offset};
    uint64_t at = atomic_load(&counters->octets), end = at + sizeof event + ((length + 7) & ~(size_t)7);
    if (end > log_size || length > UINT32_MAX) {
        atomic_store(&counters->overflow, 1);
        return 0;
    }
    memcpy(log_start + at, &event, sizeof event);
    at += sizeof event;
    for (int i = 0; i < count && length > 0; i++) {
        size_t part = pieces[i].iov_len < length ? pieces[i].iov_len : length;
        memcpy(log_start + at, pieces[i].iov_base, part);
        at += part;
        length -= part;
    }
    atomic_store(&counters->octets, end);
    return atomic_fetch_add(&counters->events, 1) + 1;
}

static uint64_t append_path(enum kind kind, uint64_t file, uint64_t offset, const char *path) {
    struct iovec piece = {(void *)path, strlen(path)};
    return append(kind, file, offset, &piece, 1, piece.iov_len);
}

static void append_unknown(const char *call) {
    append_path(KIND_UNKNOWN, 0, 0, call);
}

static int is_inside(const char *path) {
    if (!path || strncmp(path, directory, directory_length) != 0) return 0;
    if (path[directory_length] != '\0' && path[directory_length] != '/') return 0;
    size_t length = strlen(path);
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

/* The number of an open file that is recorded; 0: it is not. The lock is held. */
static uint64_t file_of(int fd) {
    struct stat status;
    if (files_used == 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    for (unsigned i = 0; i < files_used; i++)
        if (files[i].inode == status.st_ino && files[i].device == status.st_dev) return files[i].number;
    return 0;
}

static void forget(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0) return;
    for (unsigned i = 0; i < files_used; i++)
        if (files[i].inode == status.st_ino && files[i].device == status.st_dev) {
            files[i] = files[--files_used];
            return;
        }
}

/* Path of an open file, as the kernel knows it. */
static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return 1;
}

/* After an open: a file that is new here is recorded from now on. The lock is held. */
static void opened(int fd, int flags) {
    char path[PATH_MAX];
    struct stat status;
    if (!path_of(fd, path) || !is_inside(path) || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
    uint64_t file = file_of(fd);
    if (file == 0) {
        if (files_used == FILES_MAX) return append_unknown("too many files");
        if (status.st_size != 0) append_unknown("a file that was there before the recording");
        file = ++files_made;
        files[files_used].device = status.st_dev;
        files[files_used].inode = status.st_ino;
        files[files_used++].number = file;
        append_path(KIND_CREATE, file, 0, path);
    }
    if (flags & O_TRUNC) append(KIND_SIZE, file, 0, NULL, 0, 0);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        if (!log_start) return real(path, flags, mode); \
        pthread_mutex_lock(&lock); \
        int fd = real(path, flags, mode), error = errno; \
        if (fd >= 0) opened(fd, flags); \
        pthread_mutex_unlock(&lock); \
        errno = error; \
        return fd; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        if (!log_start) return real(at, path, flags, mode); \
        pthread_mutex_lock(&lock); \
        int fd = real(at, path, flags, mode), error = errno; \
        if (fd >= 0) opened(fd, flags); \
        pthread_mutex_unlock(&lock); \
        errno = error; \
        return fd; \
    }
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode) {
    return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) {
    return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Does CALL under the lock and appends EVENT if it succeeded and is about a recorded file. */
#define RECORDED(type, CALL, EVENT) \
    if (!log_start) return CALL; \
    pthread_mutex_lock(&lock); \
    uint64_t file = file_of(fd); \
    type result = CALL; \
    int error = errno; \
    if (file != 0 && result >= 0) { EVENT; } \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result

/* The offset at which the last `length` octets went to, by a call that moves the file's own offset. */
static uint64_t moved(int fd, ssize_t length) {
    return (uint64_t)(lseek(fd, 0, SEEK_CUR) - length);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    struct iovec piece = {(void *)data, length};
    RECORDED(ssize_t, real(fd, data, length),
             append(KIND_WRITE, file, moved(fd, result), &piece, 1, (size_t)result));
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    REAL(writev);
    RECORDED(ssize_t, real(fd, pieces, count),
             append(KIND_WRITE, file, moved(fd, result), pieces, count, (size_t)result));
}

#define PWRITE(name, offset_type) \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset) { \
        REAL(name); \
        struct iovec piece = {(void *)data, length}; \
        RECORDED(ssize_t, real(fd, data, length, offset), \
                 append(KIND_WRITE, file, (uint64_t)offset, &piece, 1, (size_t)result)); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PWRITEV(name, offset_type) \
    ssize_t name(int fd, const struct iovec *pieces, int count, offset_type offset) { \
        REAL(name); \
        RECORDED(ssize_t, real(fd, pieces, count, offset), \
                 append(KIND_WRITE, file, (uint64_t)offset, pieces, count, (size_t)result)); \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define FTRUNCATE(name, offset_type) \
    int name(int fd, offset_type size) { \
        REAL(name); \
        RECORDED(int, real(fd, size), append(KIND_SIZE, file, (uint64_t)size, NULL, 0, 0)); \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

/* An allocation may make the file longer; what lies behind the old end reads as zeros. */
static void allocated(int fd, uint64_t file) {
    struct stat status;
    if (fstat(fd, &status) == 0) append(KIND_SIZE, file, (uint64_t)status.st_size, NULL, 0, 0);
}

#define FALLOCATE(name, offset_type) \
    int name(int fd, int mode, offset_type offset, offset_type length) { \
        REAL(name); \
        RECORDED(int, real(fd, mode, offset, length), \
                 if (mode & ~FALLOC_FL_KEEP_SIZE) append_unknown(#name); else allocated(fd, file)); \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

#define POSIX_FALLOCATE(name, offset_type) \
    int name(int fd, offset_type offset, offset_type length) { \
        REAL(name); \
        RECORDED(int, real(fd, offset, length), allocated(fd, file)); \
    }
POSIX_FALLOCATE(posix_fallocate, off_t)
POSIX_FALLOCATE(posix_fallocate64, off64_t)

/* A sync of a recorded file or of a directory below ours. The lock is not held. */
static int sync_file(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    struct stat status;
    if (!log_start || fstat(fd, &status) != 0) return real(fd);
    int is_directory = S_ISDIR(status.st_mode) && path_of(fd, path) && is_inside(path);
    pthread_mutex_lock(&lock);
    uint64_t file = is_directory ? 0 : file_of(fd), number = 0;
    if (is_directory) number = append_path(KIND_DIR_BEGIN, 0, 0, path);
    else if (file != 0) number = append(KIND_SYNC_BEGIN, file, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    int result = real(fd), error = errno;
    if (number != 0 && result == 0) {
        pthread_mutex_lock(&lock);
        if (is_directory) append_path(KIND_DIR_END, 0, number, path);
        else append(KIND_SYNC_END, file, number, NULL, 0, 0);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return result;
}

int fsync(int fd) {
    REAL(fsync);
    return sync_file(fd, real);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return sync_file(fd, real);
}

/* Promises nothing about what is on disk after a power cut (sync_file_range(2)): as if it had not been called. */
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
    REAL(sync_file_range);
    return real(fd, offset, length, flags);
}

static int renamed(const char *old, const char *new, int result) {
    int error = errno;
    if (result == 0 && (is_inside(old) || is_inside(new))) {
        struct iovec pieces[] = {{(void *)old, strlen(old) + 1}, {(void *)new, strlen(new)}};
        append(KIND_RENAME, 0, 0, pieces, 2, pieces[0].iov_len + pieces[1].iov_len);
    }
    errno = error;
    return result;
}

int rename(const char *old, const char *new) {
    REAL(rename);
    if (!log_start) return real(old, new);
    pthread_mutex_lock(&lock);
    if (is_inside(new)) forget(new);
    int result = renamed(old, new, real(old, new));
    pthread_mutex_unlock(&lock);
    return result;
}

static void unlinked(const char *path, int result) {
    if (result == 0 && is_inside(path)) append_path(KIND_UNLINK, 0, 0, path);
}

#define UNLINK(name) \
    int name(const char *path) { \
        REAL(name); \
        if (!log_start || !is_inside(path)) return real(path); \
        pthread_mutex_lock(&lock); \
        forget(path); \
        int result = real(path), error = errno; \
        unlinked(path, result); \
        pthread_mutex_unlock(&lock); \
        errno = error; \
        return result; \
    }
UNLINK(unlink)
UNLINK(remove)

int truncate(const char *path, off_t size) {
    REAL(truncate);
    if (log_start && is_inside(path)) append_unknown("truncate");
    return real(path, size);
}

int truncate64(const char *path, off64_t size) {
    REAL(truncate64);
    if (log_start && is_inside(path)) append_unknown("truncate64");
    return real(path, size);
}

/* What follows is not called on recorded files. If that changes, the replay fails and this file learns it. */

static void forbid(int fd, const char *call) {
    if (!log_start || fd < 0) return;
    pthread_mutex_lock(&lock);
    if (file_of(fd) != 0) append_unknown(call);
    pthread_mutex_unlock(&lock);
}

#define MAP(name, offset_type) \
    void *name(void *address, size_t length, int protection, int flags, int fd, offset_type offset) { \
        REAL(name); \
        if ((flags & MAP_SHARED) && (protection & PROT_WRITE) && !(flags & MAP_ANONYMOUS)) forbid(fd, #name); \
        return real(address, length, protection, flags, fd, offset); \
    }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

#define COPY(name, result_type, arguments, names, target) \
    result_type name arguments { \
        REAL(name); \
        forbid(target, #name); \
        return real names; \
    }
COPY(copy_file_range, ssize_t, (int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags),
     (in, from, out, to, length, flags), out)
COPY(sendfile, ssize_t, (int out, int in, off_t *offset, size_t length), (out, in, offset, length), out)
COPY(sendfile64, ssize_t, (int out, int in, off64_t *offset, size_t length), (out, in, offset, length), out)
COPY(splice, ssize_t, (int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags),
     (in, from, out, to, length, flags), out)
COPY(pwritev2, ssize_t, (int fd, const struct iovec *pieces, int count, off_t offset, int flags),
     (fd, pieces, count, offset, flags), fd)

int renameat(int old_at, const char *old, int new_at, const char *new) {
    REAL(renameat);
    if (log_start && (is_inside(old) || is_inside(new))) append_unknown("renameat");
    return real(old_at, old, new_at, new);
}

int renameat2(int old_at, const char *old, int new_at, const char *new, unsigned flags) {
    REAL(renameat2);
    if (log_start && (is_inside(old) || is_inside(new))) append_unknown("renameat2");
    return real(old_at, old, new_at, new, flags);
}

int link(const char *old, const char *new) {
    REAL(link);
    if (log_start && is_inside(new)) append_unknown("link");
    return real(old, new);
}

int unlinkat(int at, const char *path, int flags) {
    REAL(unlinkat);
    if (log_start && is_inside(path)) append_unknown("unlinkat");
    return real(at, path, flags);
}

void sync(void) {
    REAL(sync);
    if (log_start) append_unknown("sync");
    real();
}

int syncfs(int fd) {
    REAL(syncfs);
    if (log_start) append_unknown("syncfs");
    return real(fd);
}
