// Checks that name what did not hold and go on; main returns failed.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int failed;

#define CHECK(e)                                                                    \
  do {                                                                              \
    if (!(e)) {                                                                     \
      fprintf(stderr, "%s:%d: %s (errno %d %s)\n", __FILE__, __LINE__, #e, errno, \
              strerror(errno));                                                     \
      failed = 1;                                                                   \
    }                                                                               \
  } while (0)

// CHECK_ERRNO wants a call to answer -1 and errno.
#define CHECK_ERRNO(e, want)                                                        \
  do {                                                                              \
    errno = 0;                                                                      \
    if ((long)(e) != -1 || errno != (want)) {                                       \
      fprintf(stderr, "%s:%d: %s: got errno %d %s, want %s\n", __FILE__, __LINE__, \
              #e, errno, strerror(errno), #want);                                   \
      failed = 1;                                                                   \
    }                                                                               \
  } while (0)
