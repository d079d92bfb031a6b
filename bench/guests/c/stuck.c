// Tasks that do not end by themselves, each in its own way.
#include <stdint.h>

#define TASK(name) __attribute__((export_name(#name))) int name(void)

__attribute__((import_module("wasi_snapshot_preview1"), import_name("poll_oneoff")))
int poll_oneoff(const void *in, void *out, int count, int *events);

static volatile uint32_t sink;

TASK(loop) { for (;;) __asm__ volatile(""); }

// Clang would make loops of these.
#define RECURSIVE __attribute__((noinline, disable_tail_calls)) static

// Few frames deep, no loop anywhere, and not done within a lifetime.
RECURSIVE uint64_t tree(uint32_t n) { return n < 2 ? n : tree(n - 1) + tree(n - 2); }

TASK(recursion) { return (int)tree(90); }

// Ever deeper: a limit of the stack ends it, if no deadline does.
RECURSIVE uint32_t deeper(uint32_t n) { return sink + deeper(n + 1) * 3; }

TASK(deep) { return (int)deeper(1); }

// Few instructions that take long each: 16 MB a time.
TASK(fill) {
  __builtin_wasm_memory_grow(0, 512);
  for (uint8_t byte = 0;; byte++) __builtin_memset((void *)(1 << 20), byte, 16 << 20);
}

TASK(table) {
  for (uint32_t state = 1;; state = state * 1664525u + 1013904223u)
    switch (state >> 29) {
      case 0: sink += 1; break;
      case 1: sink ^= 7; break;
      case 2: sink -= 3; break;
      case 3: sink *= 5; break;
      case 4: sink |= 1; break;
      case 5: sink = ~sink; break;
      case 6: sink >>= 1; break;
      default: sink <<= 2;
    }
}

struct subscription {
  uint64_t user;
  uint64_t tag;    // 0: clock
  uint64_t clock;  // 1: monotonic
  uint64_t timeout, precision;
  uint16_t flags;
};

TASK(sleep) {
  static struct subscription s = {.clock = 1, .timeout = 3600ull * 1000000000};
  static uint8_t event[32];
  int events;
  return poll_oneoff(&s, event, 1, &events);
}
