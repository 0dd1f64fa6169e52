#include <stdio.h>
#include <time.h>

struct times {
  double wall, processor;
};

static double milliseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static struct times now(void) {
  return (struct times){milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void print_since(struct times begin) {
  struct times end = now();
  printf("%f %f\n", end.wall - begin.wall, end.processor - begin.processor);
  fflush(stdout);
}
