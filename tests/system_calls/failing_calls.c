/*
 * A library for LD_PRELOAD in which the n-th call of a kind fails with a chosen errno.
 *
 * The program under test controls it through getenv, the one function of libc that Python, LuaJIT and Lua can
 * all call without descriptors:
 *
 *    getenv("fail open 3 24 1")     from now on the third `open` fails once with errno 24 (a count of -1: all
 *                                   calls from the third on)
 *    getenv("fail nothing")         no call fails; returns "open=5 write=2 ... failed=1", the calls since the
 *                                   last command, and how many of them were made to fail
 *
 * Only the process that has given the command is affected; its children are not, with the exception of `exec`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
   OPEN, READ, WRITE, SHORT, SEEK, CLOSE, RENAME, MKDIR, UNLINK, LINK, SYNC, TRUNCATE, STAT, STATVFS, READLINK,
   OPENDIR, DUP, PIPE, FORK, EXEC, THREAD, KINDS
};
static const char *const names[KINDS] = {
   "open", "read", "write", "short", "seek", "close", "rename", "mkdir", "unlink", "link", "sync", "truncate",
   "stat", "statvfs", "readlink", "opendir", "dup", "pipe", "fork", "exec", "thread"
};

static pid_t owner;
static int armed = KINDS, before, times, code, failed;
static long calls[KINDS];

/* Counts a call, and returns whether it is one that fails; errno is then set. */
static int fails(enum kind kind)
{
   if (owner == 0 || (owner != getpid() && kind != EXEC)) return 0;
   calls[kind]++;
   if ((int) kind != armed || times == 0) return 0;
   if (--before > 0) return 0;
   if (times > 0) times--;
   failed++;
   errno = code;
   return 1;
}

#define REAL(name) \
   static __typeof__(&name) real; \
   if (real == NULL) real = (__typeof__(&name)) dlsym(RTLD_NEXT, #name)

/* WRAP(kind, what is returned, what means failure, name, parameters, arguments) */
#define WRAP(kind, type, failure, name, parameters, arguments) \
   type name parameters \
   { \
      REAL(name); \
      return fails(kind) ? (failure) : real arguments; \
   }

static char report[1024];

static const char *answer(void)
{
   int at = 0;
   for (int kind = 0; kind < KINDS; kind++)
      if (calls[kind] > 0) at += snprintf(report + at, sizeof report - at, "%s=%ld ", names[kind], calls[kind]);
   snprintf(report + at, sizeof report - at, "failed=%d", failed);
   return report;
}

static char *command(const char *words)
{
   char kind[32] = "";
   int nth = 0, number = 0, count = 0;
   owner = 0;
   answer();
   sscanf(words, "%31s %d %d %d", kind, &nth, &number, &count);
   for (armed = 0; armed < KINDS && strcmp(kind, names[armed]) != 0; armed++) {}
   before = nth, code = number, times = count, failed = 0;
   memset(calls, 0, sizeof calls);
   owner = getpid();
   return report;
}

char *getenv(const char *name)
{
   REAL(getenv);
   return strncmp(name, "fail ", 5) == 0 ? command(name + 5) : real(name);
}

static mode_t mode_of(int flags, va_list more)
{
   return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define WRAP_OPEN(name) \
   int name(const char *path, int flags, ...) \
   { \
      REAL(name); \
      va_list more; \
      va_start(more, flags); \
      mode_t mode = mode_of(flags, more); \
      va_end(more); \
      return fails(OPEN) ? -1 : real(path, flags, mode); \
   }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name) \
   int name(int folder, const char *path, int flags, ...) \
   { \
      REAL(name); \
      va_list more; \
      va_start(more, flags); \
      mode_t mode = mode_of(flags, more); \
      va_end(more); \
      return fails(OPEN) ? -1 : real(folder, path, flags, mode); \
   }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

WRAP(OPEN, int, -1, creat, (const char *path, mode_t mode), (path, mode))
WRAP(OPEN, FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
WRAP(OPEN, FILE *, NULL, fopen64, (const char *path, const char *mode), (path, mode))
WRAP(OPEN, FILE *, NULL, tmpfile, (void), ())
WRAP(OPEN, FILE *, NULL, tmpfile64, (void), ())
WRAP(OPEN, int, -1, mkstemp, (char *template), (template))
WRAP(OPEN, int, -1, mkstemp64, (char *template), (template))

WRAP(READ, ssize_t, -1, read, (int file, void *data, size_t size), (file, data, size))
WRAP(READ, ssize_t, -1, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at))
/* The flag that ferror() tells of, in glibc's FILE. */
#define WITH_ERROR(file, value) ((file)->_flags |= 0x20, value)
WRAP(READ, size_t, WITH_ERROR(file, 0), fread, (void *data, size_t size, size_t count, FILE *file),
   (data, size, count, file))
WRAP(READ, char *, WITH_ERROR(file, NULL), fgets, (char *data, int size, FILE *file), (data, size, file))

ssize_t write(int file, const void *data, size_t size)
{
   REAL(write);
   if (fails(WRITE)) return -1;
   return real(file, data, size > 1 && fails(SHORT) ? size / 2 : size);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
   REAL(fwrite);
   if (fails(WRITE)) return 0;
   if (size * count < 2 || !fails(SHORT)) return real(data, size, count, file);
   size_t written = real(data, 1, size * count / 2, file) / size;
   errno = code;
   return written;
}

WRAP(WRITE, ssize_t, -1, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
WRAP(WRITE, ssize_t, -1, writev, (int file, const struct iovec *parts, int count), (file, parts, count))

WRAP(SEEK, off64_t, -1, lseek64, (int file, off64_t at, int from), (file, at, from))
WRAP(SEEK, int, -1, fseek, (FILE *file, long at, int from), (file, at, from))
WRAP(SEEK, int, -1, fseeko64, (FILE *file, off64_t at, int from), (file, at, from))

/* The kernel closes a descriptor also where it reports an error, of a write that it had put off. */
#define WRAP_CLOSE(type, name, parameter, argument) \
   int name parameter \
   { \
      REAL(name); \
      int is_failing = fails(CLOSE), result = real argument; \
      if (!is_failing) return result; \
      errno = code; \
      return -1; \
   }
WRAP_CLOSE(int, close, (int file), (file))
WRAP_CLOSE(int, fclose, (FILE *file), (file))
WRAP_CLOSE(int, pclose, (FILE *file), (file))

WRAP(RENAME, int, -1, rename, (const char *from, const char *to), (from, to))
WRAP(RENAME, int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(MKDIR, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(MKDIR, int, -1, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
WRAP(UNLINK, int, -1, unlink, (const char *path), (path))
WRAP(UNLINK, int, -1, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
WRAP(UNLINK, int, -1, rmdir, (const char *path), (path))
WRAP(UNLINK, int, -1, remove, (const char *path), (path))
WRAP(LINK, int, -1, link, (const char *from, const char *to), (from, to))
WRAP(LINK, int, -1, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
/* The other way to a name that must not exist yet. */
WRAP(LINK, int, -1, renameat2, (int a, const char *from, int b, const char *to, unsigned int flags), (a, from, b, to, flags))
WRAP(SYNC, int, -1, fsync, (int file), (file))
WRAP(SYNC, int, -1, fdatasync, (int file), (file))
WRAP(TRUNCATE, int, -1, ftruncate64, (int file, off64_t size), (file, size))
WRAP(STAT, int, -1, stat64, (const char *path, struct stat64 *into), (path, into))
WRAP(STAT, int, -1, lstat64, (const char *path, struct stat64 *into), (path, into))
WRAP(STAT, int, -1, fstat64, (int file, struct stat64 *into), (file, into))
WRAP(STAT, int, -1, fstatat64, (int folder, const char *path, struct stat64 *into, int flags), (folder, path, into, flags))
WRAP(STAT, int, -1, statx, (int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict into),
   (folder, path, flags, mask, into))
WRAP(STATVFS, int, -1, statvfs64, (const char *path, struct statvfs64 *into), (path, into))
WRAP(STATVFS, int, -1, fstatvfs64, (int file, struct statvfs64 *into), (file, into))
WRAP(READLINK, ssize_t, -1, readlink, (const char *path, char *into, size_t size), (path, into, size))
WRAP(READLINK, ssize_t, -1, readlinkat, (int folder, const char *path, char *into, size_t size), (folder, path, into, size))
WRAP(OPENDIR, DIR *, NULL, opendir, (const char *path), (path))
WRAP(OPENDIR, DIR *, NULL, fdopendir, (int file), (file))
WRAP(DUP, int, -1, dup, (int file), (file))
WRAP(DUP, int, -1, dup2, (int file, int to), (file, to))
WRAP(PIPE, int, -1, pipe, (int ends[2]), (ends))
WRAP(PIPE, int, -1, pipe2, (int ends[2], int flags), (ends, flags))

/* F_DUPFD_CLOEXEC is what makes a descriptor; the other commands take an int or a pointer as well. */
int fcntl64(int file, int command, ...)
{
   REAL(fcntl64);
   va_list more;
   va_start(more, command);
   void *argument = va_arg(more, void *);
   va_end(more);
   return fails(DUP) ? -1 : real(file, command, argument);
}

WRAP(FORK, pid_t, -1, fork, (void), ())
WRAP(FORK, FILE *, NULL, popen, (const char *text, const char *mode), (text, mode))
WRAP(FORK, int, -1, system, (const char *text), (text))

/* A function that calls vfork must not return before the child has gone; fork does as well. */
pid_t vfork(void)
{
   static pid_t (*real)(void);
   if (real == NULL) real = (pid_t (*)(void)) dlsym(RTLD_NEXT, "fork");
   return fails(FORK) ? -1 : real();
}

WRAP(FORK, int, code, posix_spawn, (pid_t *restrict pid, const char *restrict path,
   const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict attributes,
   char *const arguments[restrict], char *const environment[restrict]),
   (pid, path, actions, attributes, arguments, environment))
WRAP(EXEC, int, -1, execve, (const char *path, char *const arguments[], char *const environment[]),
   (path, arguments, environment))
WRAP(EXEC, int, -1, execv, (const char *path, char *const arguments[]), (path, arguments))
WRAP(THREAD, int, code, pthread_create, (pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
   void *(*start)(void *), void *restrict argument), (thread, attributes, start, argument))
