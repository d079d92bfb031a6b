// Programs that only compute, without a C library: each task is an export that
// answers 0, or 1 for a wrong result.
#include <stdint.h>

#define TASK(name) __attribute__((export_name(#name))) int name(void)

static uint32_t seed;
static uint32_t next(void) { return seed = seed * 1664525u + 1013904223u; }

__attribute__((noinline)) static uint32_t fibonacci(uint32_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

TASK(fib) { return fibonacci(33) != 3524578; }

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROT(x, n) ((x) >> (n) | (x) << (32 - (n)))

static void compress(uint32_t h[8], const uint8_t *p) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + (ROT(w[i - 15], 7) ^ ROT(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
           (ROT(w[i - 2], 17) ^ ROT(w[i - 2], 19) ^ w[i - 2] >> 10);
  for (int i = 0; i < 8; i++) v[i] = h[i];
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = v[7] + (ROT(v[4], 6) ^ ROT(v[4], 11) ^ ROT(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
    uint32_t t2 = (ROT(v[0], 2) ^ ROT(v[0], 13) ^ ROT(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    for (int j = 7; j > 0; j--) v[j] = v[j - 1];
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

static uint8_t block[64];

TASK(sha256) {
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  seed = 1;
  for (int i = 0; i < 64; i++) block[i] = next() >> 24;
  for (int i = 0; i < 100000; i++) compress(h, block);
  return h[0] == 0 && h[7] == 0;
}

#define COUNT 400000
static uint32_t data[COUNT];

static void sift(uint32_t root, uint32_t end) {
  for (;;) {
    uint32_t child = 2 * root + 1;
    if (child >= end) return;
    if (child + 1 < end && data[child] < data[child + 1]) child++;
    if (data[root] >= data[child]) return;
    uint32_t t = data[root];
    data[root] = data[child];
    data[child] = t;
    root = child;
  }
}

TASK(sort) {  // heapsort: needs neither recursion nor a library
  seed = 1;
  for (int i = 0; i < COUNT; i++) data[i] = next();
  for (uint32_t i = COUNT / 2; i-- > 0;) sift(i, COUNT);
  for (uint32_t end = COUNT; end-- > 1;) {
    uint32_t t = data[0];
    data[0] = data[end];
    data[end] = t;
    sift(0, end);
  }
  for (int i = 1; i < COUNT; i++)
    if (data[i - 1] > data[i]) return 1;
  return 0;
}

#define N 300
static double a[N * N], b[N * N], c[N * N];

TASK(matmul) {
  for (int i = 0; i < N * N; i++) a[i] = i % 7, b[i] = i % 5;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++) sum += a[i * N + k] * b[k * N + j];
      c[i * N + j] = sum;
    }
  return c[N * N - 1] <= 0;
}

// A JSON text is written and read back, number by number, level by level.
#define TEXT (1 << 20)
static char text[TEXT];
static int at;

static void put(char ch) { text[at++] = ch; }

static void write_number(uint32_t n) {
  char digits[10];
  int len = 0;
  do digits[len++] = '0' + n % 10; while (n /= 10);
  while (len) put(digits[--len]);
}

static uint32_t read_value(int depth) {
  uint32_t sum = 0;
  switch (text[at]) {
    case '[':
    case '{':
      for (at++; text[at] != ']' && text[at] != '}';) {
        sum += read_value(depth + 1);
        if (text[at] == ',' || text[at] == ':') at++;
      }
      at++;
      return sum + depth;
    case '"':
      for (at++; text[at] != '"'; at++) sum += text[at] == '\\' ? 0 : 1;
      at++;
      return sum;
    default:
      while (text[at] >= '0' && text[at] <= '9') sum = sum * 10 + (text[at++] - '0');
      return sum;
  }
}

TASK(json) {
  uint32_t first = 0;
  for (int round = 0; round < 30; round++) {
    seed = 1, at = 0;
    put('[');
    for (int i = 0; i < 8000; i++) {
      if (i) put(',');
      const char *head = "{\"name\":\"a record\",\"values\":[";
      for (const char *p = head; *p; p++) put(*p);
      for (int j = 0; j < 4; j++) {
        if (j) put(',');
        write_number(next() >> 8);
      }
      put(']'), put('}');
    }
    put(']');
    at = 0;
    uint32_t sum = read_value(0);
    if (round == 0) first = sum;
    if (sum != first) return 1;
  }
  return 0;
}
