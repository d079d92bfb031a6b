// Reading, writing and positions of files.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static void stdio(void) {
  FILE *f = fopen("a.txt", "w+");
  CHECK(f != NULL);
  CHECK(fprintf(f, "hello %d\n", 42) == 9);
  CHECK(fseek(f, 6, SEEK_SET) == 0);
  int n = 0;
  CHECK(fscanf(f, "%d", &n) == 1 && n == 42);
  CHECK(fclose(f) == 0);
}

static void vectors(void) {
  int fd = open("v", O_RDWR | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0);
  struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
  CHECK(writev(fd, out, 3) == 7);
  CHECK(pwritev(fd, out, 3, 10) == 7);
  CHECK(lseek(fd, 0, SEEK_CUR) == 7);
  char a[4] = {0}, b[20] = {0};
  struct iovec in[2] = {{a, 4}, {b, 20}};
  CHECK(preadv(fd, in, 2, 5) == 12);
  CHECK(memcmp(a, "fg\0\0", 4) == 0 && memcmp(b, "\0abcdefg", 8) == 0);
  CHECK(pread(fd, b, 3, 1) == 3 && memcmp(b, "bcd", 3) == 0);
  CHECK(pread(fd, b, 3, 100) == 0);
  CHECK(pwrite(fd, "X", 1, 0) == 1);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(read(fd, b, 2) == 2 && b[0] == 'X');
  CHECK(lseek(fd, -1, SEEK_END) == 16);
  CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
  CHECK(lseek(fd, 100, SEEK_SET) == 100 && read(fd, b, 1) == 0);
  CHECK(close(fd) == 0);
  CHECK_ERRNO(close(fd), EBADF);
}

static void append(void) {
  int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
  CHECK(write(fd, "one\n", 4) == 4);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(write(fd, "two\n", 4) == 4);
  CHECK(lseek(fd, 0, SEEK_CUR) == 8);
  CHECK((fcntl(fd, F_GETFL) & O_APPEND) != 0);
  CHECK(fcntl(fd, F_SETFL, 0) == 0);
  CHECK((fcntl(fd, F_GETFL) & O_APPEND) == 0);
  CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "ONE", 3) == 3);
  CHECK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) == 0);
  CHECK(write(fd, "three\n", 6) == 6);
  close(fd);
  char b[32] = {0};
  fd = open("log", O_RDONLY);
  CHECK(read(fd, b, sizeof b) == 14 && strcmp(b, "ONE\ntwo\nthree\n") == 0);
  CHECK_ERRNO(write(fd, "x", 1), EBADF);
  close(fd);
  fd = open("log", O_WRONLY);
  CHECK_ERRNO(read(fd, b, 1), EBADF);
  close(fd);
}

static void sizes(void) {
  int fd = open("size", O_RDWR | O_CREAT | O_EXCL, 0644);
  CHECK(fd >= 0);
  CHECK_ERRNO(open("size", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
  CHECK(ftruncate(fd, 1000) == 0);
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.st_size == 1000 && S_ISREG(st.st_mode));
  CHECK(posix_fallocate(fd, 500, 100) == 0 && fstat(fd, &st) == 0 && st.st_size == 1000);
  CHECK(posix_fallocate(fd, 900, 200) == 0 && fstat(fd, &st) == 0 && st.st_size == 1100);
  CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
  CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
  CHECK(ftruncate(fd, 3) == 0 && lseek(fd, 0, SEEK_END) == 3);
  close(fd);
  fd = open("size", O_WRONLY | O_TRUNC);
  CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
  close(fd);
  CHECK(stat("size", &st) == 0 && st.st_ino != 0);
  struct timespec times[2] = {{1000, 5}, {2000, 7}};
  CHECK(utimensat(AT_FDCWD, "size", times, 0) == 0);
  CHECK(stat("size", &st) == 0 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
  CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5);
}

static void large(void) {
  size_t n = 20 << 20; // more than one call moves
  char *b = malloc(n);
  memset(b, 'z', n);
  FILE *f = fopen("large", "w");
  CHECK(fwrite(b, 1, n, f) == n && fclose(f) == 0);
  memset(b, 0, n);
  f = fopen("large", "r");
  CHECK(fread(b, 1, n, f) == n && b[n - 1] == 'z' && fgetc(f) == EOF);
  fclose(f);
  free(b);
}

int main(void) {
  stdio();
  vectors();
  append();
  sizes();
  large();
  return failed;
}
