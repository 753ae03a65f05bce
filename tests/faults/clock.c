/* Clocks that can be set while programs run: loaded before libc, they go ahead or behind by what a file says.

   CLOCK_OFFSETS names a file with two numbers, in seconds: what is added to CLOCK_REALTIME, and to CLOCK_MONOTONIC. A
   monotonic clock that jumps ahead is what a process sees that was stopped meanwhile. Deadlines that a program has made
   of these times are given to the kernel in its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* No real time is as small, and no machine has been up for as long. */
#define SMALLEST_REAL_TIME 1000000000

static void offsets(double found[2]) {
   const char *path = getenv("CLOCK_OFFSETS");
   char text[128] = "";
   int error = errno, file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
   found[0] = found[1] = 0;
   if (file >= 0) {
      ssize_t count = read(file, text, sizeof text - 1);
      close(file);
      if (count > 0)
         sscanf(text, "%lf %lf", &found[0], &found[1]);
   }
   errno = error;
}

static double offset_of(clockid_t clock) {
   double found[2];
   offsets(found);
   if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
      return found[0];
   return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ? found[1] : 0;
}

static struct timespec moved(const struct timespec *from, double seconds) {
   long whole = (long)seconds;
   struct timespec to = {from->tv_sec + whole, from->tv_nsec + (long)((seconds - whole) * 1e9)};
   if (to.tv_nsec >= 1000000000)
      to.tv_sec++, to.tv_nsec -= 1000000000;
   if (to.tv_nsec < 0)
      to.tv_sec--, to.tv_nsec += 1000000000;
   return to;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t clock, struct timespec *now) {
   static __typeof__(&clock_gettime) real;
   if (!real)
      real = REAL(clock_gettime);
   int result = real(clock, now);
   if (result == 0)
      *now = moved(now, offset_of(clock));
   return result;
}

time_t time(time_t *to) {
   struct timespec now;
   clock_gettime(CLOCK_REALTIME, &now);
   if (to)
      *to = now.tv_sec;
   return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
   struct timespec found;
   (void)zone;
   clock_gettime(CLOCK_REALTIME, &found);
   now->tv_sec = found.tv_sec, now->tv_usec = found.tv_nsec / 1000;
   return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
   struct timespec real = flags & TIMER_ABSTIME ? moved(until, -offset_of(clock)) : *until;
   return REAL(clock_nanosleep)(clock, flags, &real, left);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
   struct timespec real = moved(until, -offset_of(clock));
   return REAL(sem_clockwait)(semaphore, clock, &real);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
   struct timespec real = moved(until, -offset_of(CLOCK_REALTIME));
   return REAL(sem_timedwait)(semaphore, &real);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
   static __typeof__(&pthread_cond_timedwait) wait;
   clockid_t clock = until->tv_sec < SMALLEST_REAL_TIME ? CLOCK_MONOTONIC : CLOCK_REALTIME;
   struct timespec real = moved(until, -offset_of(clock));
   /* Without a version this would be the one of 1999, with another layout of the condition. */
   if (!wait)
      wait = (__typeof__(wait))dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
   if (!wait)
      wait = REAL(pthread_cond_timedwait);
   return wait(condition, mutex, &real);
}
