/* The guest of 15-polyglot in C: it smooths series. */
#include "graflow.h"

#define HALF 2 /* days on each side */

/* The mean of up to HALF days before and after, rounded to tenths. */
static void put_mean(gf_writer *w, const double *values, int count, int day) {
  double sum = 0;
  int days = 0;
  for (int i = day - HALF; i <= day + HALF; i++) {
    if (i >= 0 && i < count) {
      sum += values[i];
      days++;
    }
  }
  double mean = sum / days * 10;
  gf_put_double(w, (double)(int64_t)(mean < 0 ? mean - 0.5 : mean + 0.5) / 10);
}

GF_TASK(smooth, "smooths each series over five days") {
  gf_writer w = gf_write();
  gf_begin(&w, '{');
  for (gf_iter each = gf_iterate(input); gf_step(&each);) {
    int count = (int)gf_count(gf_member(each.value, "values")), i = 0;
    double *values = malloc((size_t)(count + 1) * sizeof *values);
    if (values == NULL) return gf_fail("memory", "too many values");
    for (gf_iter v = gf_iterate(gf_member(each.value, "values")); gf_step(&v);) values[i++] = gf_double(v.value, 0);
    gf_key(&w, gf_cstring(gf_member(each.value, "station"), "?"));
    gf_begin(&w, '[');
    for (int day = 0; day < count; day++) put_mean(&w, values, count, day);
    gf_end(&w, ']');
  }
  gf_end(&w, '}');
  return gf_return(gf_written(&w));
}
