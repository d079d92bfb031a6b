// Arguments, environment, streams, randomness, exit codes.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static int sum(void) {
  // All of stdin, through buffers of odd sizes.
  char b[7919];
  unsigned long long total = 0;
  size_t n, bytes = 0;
  while ((n = fread(b, 1, sizeof b, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) total += (unsigned char)b[i];
    bytes += n;
  }
  printf("%zu %llu\n", bytes, total);
  return failed;
}

static int show(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
  const char *home = getenv("HOME");
  printf("HOME=%s EMPTY=%s NONE=%s\n", home, getenv("EMPTY"), getenv("NONE") ? "set" : "unset");
  return 0;
}

static int streams(void) {
  // A terminal is line-buffered: the line is out before the program ends.
  CHECK(isatty(1) && isatty(2) && !isatty(0));
  struct stat st;
  CHECK(fstat(1, &st) == 0 && S_ISCHR(st.st_mode));
  CHECK_ERRNO(lseek(0, 0, SEEK_SET), ESPIPE);
  CHECK_ERRNO(lseek(1, 0, SEEK_CUR), ESPIPE);
  char c;
  CHECK(read(0, &c, 1) == 0);
  CHECK_ERRNO(read(1, &c, 1), EBADF);
  CHECK_ERRNO(write(0, "x", 1), EBADF);
  CHECK_ERRNO(write(77, "x", 1), EBADF);
  CHECK_ERRNO(write(-1, "x", 1), EBADF);
  fprintf(stdout, "a line\n");
  fprintf(stderr, "failed %d\n", failed);
  fprintf(stdout, "no line");
  __builtin_trap();
}

static int randomness(void) {
  unsigned char a[32], b[32];
  CHECK(getentropy(a, sizeof a) == 0 && getentropy(b, sizeof b) == 0);
  CHECK(memcmp(a, b, sizeof a) != 0);
  for (int i = 0; i < 4; i++) printf("%02x", a[i]);
  printf("\n");
  return failed;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "sum") == 0) return sum();
  if (strcmp(what, "show") == 0) return show(argc, argv);
  if (strcmp(what, "streams") == 0) return streams();
  if (strcmp(what, "random") == 0) return randomness();
  if (strcmp(what, "exit") == 0) exit(atoi(argv[2]));
  if (strcmp(what, "abort") == 0) abort();
  return 99;
}
