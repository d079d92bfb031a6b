// A task that grows its memory to 64 MB and writes to all of it.
#include <stdint.h>

__attribute__((export_name("grow"))) int grow(void) {
  const uint32_t page = 65536, pages = (64 << 20) / page;
  uint32_t have = __builtin_wasm_memory_size(0);
  if (__builtin_wasm_memory_grow(0, pages - have) < 0) return 1;
  uint8_t *from = (uint8_t *)(uintptr_t)(have * page);
  for (uint32_t i = 0; i < (pages - have) * page; i += 4096)
    if (from[i] != 0) return 2;  // what another task left here
  __builtin_memset(from, 7, (pages - have) * page);
  return 0;
}
