// The work of the Go guests in plain C, on the graflow ABI: adds the numbers of
// {"numbers":[1,2,3]} and answers {"sum":6}. Whole numbers, no C library.
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("graflow_v1"), import_name(#name)))

IMPORT(input_read) int32_t input_read(char *to, int32_t len);
IMPORT(output_write) int32_t output_write(const char *from, int32_t len);

static char in[4096], out[64];

__attribute__((export_name("sum"))) int32_t sum(void) {
  int32_t len = input_read(in, sizeof in), i = 0;
  uint64_t total = 0, number = 0;
  while (i < len && in[i] != '[') i++;
  for (; i < len; i++) {
    if (in[i] >= '0' && in[i] <= '9')
      number = number * 10 + (uint64_t)(in[i] - '0');
    else
      total += number, number = 0;
  }
  char digits[20], *end = out;
  for (const char *p = "{\"sum\":"; *p;) *end++ = *p++;
  int n = 0;
  do digits[n++] = (char)('0' + total % 10); while (total /= 10);
  while (n) *end++ = digits[--n];
  *end++ = '}';
  return output_write(out, (int32_t)(end - out)) < 0;
}
