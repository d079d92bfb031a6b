// Directories: making, listing, renaming, removing; and paths that lead out.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void touch(const char *name) {
  int fd = open(name, O_WRONLY | O_CREAT, 0644);
  CHECK(fd >= 0);
  close(fd);
}

static int count(const char *dir, int *dots) {
  DIR *d = opendir(dir);
  CHECK(d != NULL);
  if (d == NULL) return -1;
  int n = 0;
  *dots = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
      (*dots)++;
      CHECK(e->d_type == DT_DIR);
    } else {
      n++;
    }
  }
  rewinddir(d);
  int again = 0;
  while (readdir(d) != NULL) again++;
  CHECK(again == n + *dots);
  CHECK(closedir(d) == 0);
  return n;
}

static void listing(void) {
  int dots;
  CHECK(mkdir("many", 0755) == 0);
  CHECK_ERRNO(mkdir("many", 0755), EEXIST);
  char name[300];
  for (int i = 0; i < 500; i++) {
    // Names of all lengths, so that buffers end anywhere in an entry.
    snprintf(name, sizeof name, "many/%03d-%.*s", i, i % 200,
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    touch(name);
  }
  CHECK(count("many", &dots) == 500 && dots == 2);
  CHECK(mkdir("empty", 0755) == 0 && count("empty", &dots) == 0 && dots == 2);
  CHECK(mkdir("empty/sub/", 0755) == 0 && count("empty", &dots) == 1);
  CHECK(count(".", &dots) == 2 && dots == 2);
  DIR *d = opendir("many");
  for (int i = 0; i < 10; i++) readdir(d);
  long at = telldir(d);
  char tenth[256];
  strcpy(tenth, readdir(d)->d_name);
  while (readdir(d) != NULL) {
  }
  seekdir(d, at);
  CHECK(strcmp(tenth, readdir(d)->d_name) == 0);
  closedir(d);
  CHECK(opendir("nothing") == NULL && errno == ENOENT);
  touch("plain");
  CHECK(opendir("plain") == NULL && errno == ENOTDIR);
}

static void renaming(void) {
  touch("from");
  CHECK(rename("from", "to") == 0);
  CHECK_ERRNO(access("from", F_OK), ENOENT);
  CHECK(access("to", F_OK) == 0);
  touch("other");
  CHECK(rename("to", "other") == 0);
  CHECK_ERRNO(rename("to", "other"), ENOENT);
  CHECK(mkdir("d1", 0755) == 0 && mkdir("d1/d2", 0755) == 0);
  CHECK_ERRNO(rename("d1", "d1/d2/d3"), EINVAL);
  CHECK_ERRNO(rename("d1", "other"), ENOTDIR);
  CHECK_ERRNO(rename("other", "d1"), EISDIR);
  CHECK_ERRNO(rename("other", "d1/"), ENOTDIR);
  CHECK(rename("d1", "d9") == 0 && access("d9/d2", F_OK) == 0);
  CHECK_ERRNO(rename("other", "/second/other"), EXDEV);
}

static void removing(void) {
  CHECK_ERRNO(rmdir("d9"), ENOTEMPTY);
  CHECK_ERRNO(unlink("d9"), EISDIR);
  CHECK_ERRNO(rmdir("other"), ENOTDIR);
  CHECK_ERRNO(unlink("other/"), ENOTDIR);
  CHECK(rmdir("d9/d2") == 0 && rmdir("d9/") == 0);
  CHECK(unlink("other") == 0);
  CHECK_ERRNO(unlink("other"), ENOENT);
  // A file that is open outlives its name.
  int fd = open("gone", O_RDWR | O_CREAT, 0644);
  CHECK(unlink("gone") == 0 && write(fd, "x", 1) == 1);
  char c = 0;
  CHECK(pread(fd, &c, 1, 0) == 1 && c == 'x');
  close(fd);
}

static void relative(void) {
  CHECK(mkdir("rel", 0755) == 0 && mkdir("rel/in", 0755) == 0);
  touch("rel/in/file");
  int dir = open("rel", O_RDONLY | O_DIRECTORY);
  CHECK(dir >= 0);
  CHECK(faccessat(dir, "in/file", F_OK, 0) == 0);
  CHECK(faccessat(dir, "in/../in/./file", F_OK, 0) == 0);
  int in = openat(dir, "in", O_RDONLY | O_DIRECTORY);
  CHECK(faccessat(in, "file", F_OK, 0) == 0);
  CHECK(mkdirat(in, "deep", 0755) == 0 && access("rel/in/deep", F_OK) == 0);
  CHECK(renameat(in, "file", dir, "moved") == 0 && access("rel/moved", F_OK) == 0);
  CHECK(unlinkat(in, "deep", AT_REMOVEDIR) == 0);
  struct stat st;
  CHECK(fstat(in, &st) == 0 && S_ISDIR(st.st_mode));
  CHECK_ERRNO(openat(dir, "moved", O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK_ERRNO(open("rel", O_RDWR), EISDIR);
  CHECK_ERRNO(open("rel/moved/", O_RDONLY), ENOTDIR);
  char c;
  CHECK_ERRNO(read(in, &c, 1), EISDIR);
  close(in);
  close(dir);
}

static void escaping(void) {
  CHECK_ERRNO(open("../../../../etc/passwd", O_RDONLY), EPERM);
  CHECK_ERRNO(open("rel/../../etc/passwd", O_RDONLY), EPERM);
  CHECK_ERRNO(mkdir("../x", 0755), EPERM);
  CHECK_ERRNO(rename("rel", "../rel"), EPERM);
  CHECK_ERRNO(unlink(".."), EPERM);
  CHECK_ERRNO(symlink("/etc/passwd", "link"), EPERM);
  CHECK_ERRNO(link("rel/moved", "link"), EPERM);
  int dir = open("rel", O_RDONLY | O_DIRECTORY);
  CHECK_ERRNO(openat(dir, "../../etc/passwd", O_RDONLY), EPERM);
  struct stat st;
  CHECK_ERRNO(fstatat(dir, "../..", &st, 0), EPERM);
  close(dir);
  CHECK_ERRNO(open("bad\xffname", O_RDWR | O_CREAT, 0644), EILSEQ);
  char long_name[5000];
  memset(long_name, 'a', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = 0;
  CHECK_ERRNO(open(long_name, O_RDONLY), ENAMETOOLONG);
}

static void exhausting(void) {
  int n = 0, fds[64];
  while (n < 64 && (fds[n] = open("plain", O_RDONLY)) >= 0) n++;
  CHECK(n == 16 && errno == EMFILE);
  CHECK_ERRNO(open("not-made", O_WRONLY | O_CREAT, 0644), EMFILE);
  CHECK_ERRNO(access("not-made", F_OK), ENOENT);
  int lowest = fds[3];
  close(fds[3]);
  CHECK(open("plain", O_RDONLY) == lowest);
  while (n > 0) close(fds[--n]);
}

int main(void) {
  listing();
  renaming();
  removing();
  relative();
  escaping();
  exhausting();
  return failed;
}
