// Clocks and waiting.
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static long long now(clockid_t id) {
  struct timespec t;
  CHECK(clock_gettime(id, &t) == 0);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// LASTS checks that a call takes at least ms on both clocks.
#define LASTS(ms, call)                                                  \
  do {                                                                   \
    long long m = now(CLOCK_MONOTONIC), r = now(CLOCK_REALTIME);         \
    CHECK((call) == 0);                                                  \
    CHECK(now(CLOCK_MONOTONIC) - m >= (ms)*1000000LL);                   \
    CHECK(now(CLOCK_REALTIME) - r >= (ms)*1000000LL);                    \
  } while (0)

static int until(clockid_t id, long long ms) {
  long long at = now(id) + ms * 1000000;
  struct timespec t = {at / 1000000000, at % 1000000000};
  int r = clock_nanosleep(id, TIMER_ABSTIME, &t, NULL);
  return r != 0 ? r : now(id) < at;
}

static void sleeping(void) {
  struct timespec t = {0, 3000000};
  LASTS(3, nanosleep(&t, NULL));
  LASTS(2, usleep(2000));
  LASTS(3, clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL));
  LASTS(3, clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
  LASTS(3, until(CLOCK_REALTIME, 3));
  LASTS(3, until(CLOCK_MONOTONIC, 3));
  struct timespec past = {1, 0};
  CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL) == 0);
  LASTS(4, poll(NULL, 0, 4));
  struct timeval tv = {0, 4000};
  LASTS(4, select(0, NULL, NULL, NULL, &tv));
}

static void polling(void) {
  struct pollfd fds[4] = {
      {.fd = 0, .events = POLLIN},
      {.fd = 1, .events = POLLOUT},
      {.fd = 55, .events = POLLIN},
      {.fd = 2, .events = POLLOUT},
  };
  long long start = now(CLOCK_MONOTONIC);
  CHECK(poll(fds, 2, 60000) == 2 && fds[0].revents == POLLIN && fds[1].revents == POLLOUT);
  CHECK(poll(fds, 4, -1) == 4 && (fds[2].revents & POLLNVAL) != 0);
  fd_set in;
  FD_ZERO(&in);
  FD_SET(0, &in);
  struct timeval tv = {60, 0};
  CHECK(select(1, &in, NULL, NULL, &tv) == 1 && FD_ISSET(0, &in));
  CHECK(now(CLOCK_MONOTONIC) - start < 30000000000LL);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "forever") == 0) {
    for (;;) poll(NULL, 0, 1000);
  }
  if (strcmp(what, "forever-until") == 0) {
    // As CPython's time.sleep does.
    struct timespec far = {now(CLOCK_MONOTONIC) / 1000000000 + 100000, 0};
    for (;;) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &far, NULL);
  }
  if (strcmp(what, "spin") == 0) {
    // As an event loop polls: absolute times, again and again.
    long long at = now(CLOCK_MONOTONIC) + 5000000;
    int n = 0;
    while (now(CLOCK_MONOTONIC) < at) {
      poll(NULL, 0, 0);
      until(CLOCK_MONOTONIC, 1);
      n++;
    }
    CHECK(n > 0 && n <= 6);
    return failed;
  }
  struct timespec r;
  CHECK(clock_getres(CLOCK_MONOTONIC, &r) == 0);
  printf("resolution %ld\n", (long)r.tv_nsec);
  if (strcmp(what, "epoch") == 0) printf("epoch %lld\n", (long long)time(NULL));
  sleeping();
  polling();
  if (strcmp(what, "epoch") == 0) printf("later %lld\n", now(CLOCK_REALTIME));
  return failed;
}
