/* graflow.h: tasks of graflow-wasm in C11 and C++17. This header is all there is.
 *
 *     #include "graflow.h"
 *
 *     GF_TASK(greet, "greets someone by name") {
 *         const char *name = gf_cstring(gf_member(input, "name"), "world");
 *         gf_log(GF_INFO, name);
 *         return gf_return(gf_of_string(gf_format("Hello, %s!", name)));
 *     }
 *
 * clang builds it, with a C library for WASI (Debian: clang-19 lld-19 wasi-libc
 * libclang-rt-19-dev-wasm32):
 *
 *     clang-19 --target=wasm32-wasi --sysroot=/usr -O2 -s -mexec-model=reactor \
 *         -Wl,--stack-first -Wl,-z,stack-size=1048576 -I sdk/c -o guest.wasm guest.c
 *
 * A JSON value is its text: a gf_json points to it, so reading copies nothing, and
 * numbers of any size pass unchanged. A sandbox runs one task and is thrown away,
 * so nothing here is ever freed. Without memory a task traps.
 *
 * Functions that ask the host answer 0 or a negative GF_… code. A module imports
 * only the host functions that it uses, so its list of imports says what it can do.
 * docs/abi.md has the documents that gf_spawn, gf_pause and gf_tools take.
 */
#ifndef GRAFLOW_H
#define GRAFLOW_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __wasm__
#error "graflow.h is for WebAssembly: build with --target=wasm32-wasi"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The functions of graflow_v1, as they are ---- */

#define GF_IMPORT(name) __attribute__((import_module("graflow_v1"), import_name(#name))) extern

GF_IMPORT(input_len) int32_t gf_abi_input_len(void);
GF_IMPORT(input_read) int32_t gf_abi_input_read(char *, size_t);
GF_IMPORT(output_write) int32_t gf_abi_output_write(const char *, size_t);
GF_IMPORT(fail) void gf_abi_fail(const char *, size_t, const char *, size_t, int64_t);
GF_IMPORT(reply_read) int32_t gf_abi_reply_read(char *, size_t);
GF_IMPORT(log) void gf_abi_log(int32_t, const char *, size_t);
GF_IMPORT(progress) void gf_abi_progress(double, double, const char *, size_t);
GF_IMPORT(meta) int64_t gf_abi_meta(void);
GF_IMPORT(result_get) int64_t gf_abi_result_get(const char *, size_t);
GF_IMPORT(channel_get) int64_t gf_abi_channel_get(const char *, size_t);
GF_IMPORT(channel_set) int32_t gf_abi_channel_set(const char *, size_t, const char *, size_t);
GF_IMPORT(channel_delete) int32_t gf_abi_channel_delete(const char *, size_t);
GF_IMPORT(channel_append) int32_t gf_abi_channel_append(const char *, size_t, const char *, size_t);
GF_IMPORT(channel_prepend) int32_t gf_abi_channel_prepend(const char *, size_t, const char *, size_t);
GF_IMPORT(channel_add) int32_t gf_abi_channel_add(const char *, size_t, const char *, size_t);
GF_IMPORT(channel_keys) int64_t gf_abi_channel_keys(const char *, size_t);
GF_IMPORT(next_task) int32_t gf_abi_next_task(const char *, size_t);
GF_IMPORT(next_iteration) int32_t gf_abi_next_iteration(const char *, size_t);
GF_IMPORT(terminate) int32_t gf_abi_terminate(const char *, size_t);
GF_IMPORT(cancel) int32_t gf_abi_cancel(const char *, size_t);
GF_IMPORT(checkpoint) int32_t gf_abi_checkpoint(const char *, size_t);
GF_IMPORT(checkpoint_as) int32_t gf_abi_checkpoint_as(const char *, size_t, const char *, size_t);
GF_IMPORT(pause) int64_t gf_abi_pause(const char *, size_t);
GF_IMPORT(secret_get) int64_t gf_abi_secret_get(const char *, size_t);
GF_IMPORT(http_request) int64_t gf_abi_http_request(const char *, size_t);
GF_IMPORT(tool_call) int64_t gf_abi_tool_call(const char *, size_t, const char *, size_t);
GF_IMPORT(tool_calls) int64_t gf_abi_tool_calls(const char *, size_t);

#ifdef __cplusplus
}
#endif

/* What the host answers instead of doing what it was asked for. */
enum gf_code {
  GF_NOT_FOUND = -1,   /* no such key, result, secret or tool */
  GF_DENIED = -2,      /* the grant is missing */
  GF_INVALID = -3,     /* not JSON, not UTF-8, or a value of the wrong type */
  GF_TOO_LARGE = -4,   /* a limit of the attempt is reached */
  GF_UNAVAILABLE = -5, /* the host does not offer this call */
  GF_UNREACHABLE = -6, /* the server asked for did not answer properly */
};

/* ---- Memory and strings ---- */

/* Bytes, as a rule UTF-8, with a 0 behind them only where that is said. */
typedef struct gf_str {
  const char *at;
  size_t len;
} gf_str;

/* Memory of a size, not cleared. */
static inline void *gf_alloc(size_t size) {
  void *p = malloc(size ? size : 1);
  if (!p) __builtin_trap();
  return p;
}

static inline gf_str gf_str_of(const char *s) {
  gf_str all = {s, strlen(s)};
  return all;
}

static inline bool gf_same(gf_str s, const char *other) {
  return s.len == strlen(other) && memcmp(s.at, other, s.len) == 0;
}

/* Text as printf makes it. */
__attribute__((format(printf, 1, 2))) static inline const char *gf_format(const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *text = (char *)gf_alloc(len < 0 ? 1 : (size_t)len + 1);
  text[0] = 0;
  if (len > 0) vsnprintf(text, (size_t)len + 1, format, again);
  va_end(again);
  return text;
}

/* ---- Reading JSON ---- */

/* The text of one value. An empty one stands for a value that is not there; every
 * function takes it, and finds nothing in it. */
typedef struct gf_json {
  const char *at;
  size_t len;
} gf_json;

typedef enum gf_kind { GF_NONE, GF_NULL, GF_BOOL, GF_NUMBER, GF_STRING, GF_ARRAY, GF_OBJECT } gf_kind;

static inline gf_kind gf_kind_of(gf_json v) {
  if (v.len == 0) return GF_NONE;
  switch (v.at[0]) {
    case 'n': return GF_NULL;
    case 't':
    case 'f': return GF_BOOL;
    case '"': return GF_STRING;
    case '[': return GF_ARRAY;
    case '{': return GF_OBJECT;
    default: return GF_NUMBER;
  }
}

/* The rest of this section walks over text. Each step answers with where it came
 * to, NULL if the text is not JSON there. */

static inline const char *gf_skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) at++;
  return at;
}

static inline const char *gf_skip_digits(const char *at, const char *end) {
  const char *start = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at == start ? NULL : at;
}

static inline const char *gf_skip_number(const char *at, const char *end) {
  if (at < end && *at == '-') at++;
  if (at < end && *at == '0') {
    at++;
  } else if (!(at = gf_skip_digits(at, end))) {
    return NULL;
  }
  if (at < end && *at == '.' && !(at = gf_skip_digits(at + 1, end))) return NULL;
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = gf_skip_digits(at, end);
  }
  return at;
}

static inline int gf_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static inline const char *gf_skip_escape(const char *at, const char *end) {
  if (at == end || !memchr("\"\\/bfnrtu", *at, 9)) return NULL;
  if (*at++ != 'u') return at;
  if (end - at < 4) return NULL;
  for (int i = 0; i < 4; i++) {
    if (gf_hex(*at++) < 0) return NULL;
  }
  return at;
}

static inline const char *gf_skip_string(const char *at, const char *end) {
  for (at++; at && at < end;) {
    unsigned char c = (unsigned char)*at++;
    if (c == '"') return at;
    if (c < 0x20) return NULL;
    if (c == '\\') at = gf_skip_escape(at, end);
  }
  return NULL;
}

static inline const char *gf_skip_word(const char *at, const char *end, const char *word) {
  size_t len = strlen(word);
  return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* How deep values nest at most. */
#define GF_DEPTH 1000

static inline const char *gf_skip_value(const char *at, const char *end, int depth);

static inline const char *gf_skip_members(const char *at, const char *end, int depth) {
  char close = *at == '{' ? '}' : ']';
  if (depth == 0) return NULL;
  at = gf_skip_space(at + 1, end);
  if (at < end && *at == close) return at + 1;
  while (at < end) {
    if (close == '}') {
      if (*at != '"' || !(at = gf_skip_string(at, end))) return NULL;
      at = gf_skip_space(at, end);
      if (at == end || *at++ != ':') return NULL;
    }
    if (!(at = gf_skip_value(at, end, depth - 1)) || at == end) return NULL;
    if (*at == close) return at + 1;
    if (*at++ != ',') return NULL;
    at = gf_skip_space(at, end);
  }
  return NULL;
}

/* Skips a value and the space around it. */
static inline const char *gf_skip_value(const char *at, const char *end, int depth) {
  at = gf_skip_space(at, end);
  if (at == end) return NULL;
  switch (*at) {
    case '{':
    case '[': at = gf_skip_members(at, end, depth); break;
    case '"': at = gf_skip_string(at, end); break;
    case 't': at = gf_skip_word(at, end, "true"); break;
    case 'f': at = gf_skip_word(at, end, "false"); break;
    case 'n': at = gf_skip_word(at, end, "null"); break;
    default: at = gf_skip_number(at, end);
  }
  return at ? gf_skip_space(at, end) : NULL;
}

/* The value from one place to another, without the space around it. */
static inline gf_json gf_between(const char *at, const char *end) {
  at = gf_skip_space(at, end);
  while (end > at && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
  gf_json v = {at, (size_t)(end - at)};
  return v;
}

/* The value that a text is, or none if the text is not JSON. */
static inline gf_json gf_parse(gf_str text) {
  const char *end = text.at + text.len;
  gf_json none = {NULL, 0};
  return gf_skip_value(text.at, end, GF_DEPTH) == end ? gf_between(text.at, end) : none;
}

/* A walk over the elements of an array or the members of an object:
 *
 *     for (gf_iter i = gf_iterate(v); gf_step(&i);) use(i.key, i.value);
 */
typedef struct gf_iter {
  const char *at, *end;
  bool object;
  gf_json key;   /* a string; none in an array */
  gf_json value;
} gf_iter;

static inline gf_iter gf_iterate(gf_json v) {
  gf_iter i;
  memset(&i, 0, sizeof i);
  gf_kind kind = gf_kind_of(v);
  i.object = kind == GF_OBJECT;
  i.at = i.end = v.at;
  if (i.object || kind == GF_ARRAY) {
    i.end = v.at + v.len - 1; /* before the closing bracket */
    i.at = gf_skip_space(v.at + 1, i.end);
  }
  return i;
}

static inline bool gf_step(gf_iter *i) {
  if (!i->at || i->at >= i->end) return false;
  const char *at = i->at;
  if (i->object) {
    const char *after = *at == '"' ? gf_skip_string(at, i->end) : NULL;
    if (!after) return false;
    i->key = gf_between(at, after);
    at = gf_skip_space(after, i->end);
    if (at == i->end || *at++ != ':') return false;
  }
  const char *after = gf_skip_value(at, i->end, GF_DEPTH);
  if (!after) return false;
  i->value = gf_between(at, after);
  i->at = after < i->end ? gf_skip_space(after + 1, i->end) : after; /* over a comma */
  return true;
}

/* How many elements or members there are. */
static inline size_t gf_count(gf_json v) {
  size_t n = 0;
  for (gf_iter i = gf_iterate(v); gf_step(&i);) n++;
  return n;
}

/* The element at a place; none if there is none. */
static inline gf_json gf_element(gf_json array, size_t place) {
  gf_json none = {NULL, 0};
  for (gf_iter i = gf_iterate(array); gf_step(&i); place--) {
    if (place == 0) return i.value;
  }
  return none;
}

static inline char *gf_put_rune(char *to, uint32_t c) {
  if (c < 0x80) {
    *to++ = (char)c;
  } else if (c < 0x800) {
    *to++ = (char)(0xc0 | c >> 6);
    *to++ = (char)(0x80 | (c & 63));
  } else if (c < 0x10000) {
    *to++ = (char)(0xe0 | c >> 12);
    *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  } else {
    *to++ = (char)(0xf0 | c >> 18);
    *to++ = (char)(0x80 | (c >> 12 & 63));
    *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  }
  return to;
}

static inline uint32_t gf_unit(const char *at) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) unit = unit << 4 | (uint32_t)gf_hex(at[i]);
  return unit;
}

/* The character of an escape behind its backslash. Half a large one alone is the
 * replacement character. */
static inline uint32_t gf_unescape(const char **at, const char *end) {
  char c = *(*at)++;
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'u': break;
    default: return (uint32_t)c;
  }
  uint32_t first = gf_unit(*at);
  *at += 4;
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
    uint32_t second = gf_unit(*at + 2);
    if (second >= 0xdc00 && second <= 0xdfff) {
      *at += 6;
      return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
  }
  return 0xfffd;
}

/* The text of a string, which lies in the JSON if it can; empty if it is none. */
static inline gf_str gf_string(gf_json v) {
  gf_str s = {"", 0};
  if (gf_kind_of(v) != GF_STRING || gf_skip_string(v.at, v.at + v.len) != v.at + v.len) return s;
  const char *at = v.at + 1, *end = v.at + v.len - 1;
  s.at = at;
  s.len = (size_t)(end - at);
  if (!memchr(at, '\\', s.len)) return s;
  char *to = (char *)gf_alloc(s.len); /* escapes are longer than what they say */
  s.at = to;
  while (at < end) {
    if (*at != '\\') {
      *to++ = *at++;
    } else {
      at++;
      to = gf_put_rune(to, gf_unescape(&at, end));
    }
  }
  s.len = (size_t)(to - s.at);
  return s;
}

/* The text of a string with a 0 behind it, or another if it is none. */
static inline const char *gf_cstring(gf_json v, const char *otherwise) {
  if (gf_kind_of(v) != GF_STRING) return otherwise;
  gf_str s = gf_string(v);
  char *copy = (char *)gf_alloc(s.len + 1);
  memcpy(copy, s.at, s.len);
  copy[s.len] = 0;
  return copy;
}

/* The member of a name; none if there is none. Of several the last one counts. */
static inline gf_json gf_member(gf_json object, const char *key) {
  gf_json found = {NULL, 0};
  if (gf_kind_of(object) != GF_OBJECT) return found;
  for (gf_iter i = gf_iterate(object); gf_step(&i);) {
    if (gf_same(gf_string(i.key), key)) found = i.value;
  }
  return found;
}

static inline bool gf_bool(gf_json v, bool otherwise) {
  return gf_kind_of(v) == GF_BOOL ? v.at[0] == 't' : otherwise;
}

/* The number, or another if it is none. */
static inline double gf_double(gf_json v, double otherwise) {
  if (gf_kind_of(v) != GF_NUMBER) return otherwise;
  char *copy = (char *)gf_alloc(v.len + 1); /* the text need not end with a 0 */
  memcpy(copy, v.at, v.len);
  copy[v.len] = 0;
  return strtod(copy, NULL);
}

/* The number, or another if it is not an integer of 64 bits, written as one. */
static inline int64_t gf_int(gf_json v, int64_t otherwise) {
  if (gf_kind_of(v) != GF_NUMBER) return otherwise;
  bool negative = v.at[0] == '-';
  int64_t n = 0;
  for (size_t i = negative; i < v.len; i++) {
    if (v.at[i] < '0' || v.at[i] > '9') return otherwise;
    if (__builtin_mul_overflow(n, (int64_t)10, &n)) return otherwise;
    int64_t digit = v.at[i] - '0';
    if (__builtin_sub_overflow(n, digit, &n)) return otherwise; /* counted downwards, where one more fits */
  }
  if (negative) return n;
  return n == INT64_MIN ? otherwise : -n;
}

/* The milliseconds of a duration as the engine writes them, "1h30m" or "1.5s";
 * another if it is none. */
static inline int64_t gf_millis(gf_json v, int64_t otherwise) {
  gf_str s = gf_string(v);
  const char *at = s.at, *end = s.at + s.len;
  if (at == end) return otherwise;
  double millis = 0;
  while (at < end) {
    double number = 0, place = 1;
    bool digits = false;
    for (; at < end && *at >= '0' && *at <= '9'; at++, digits = true) number = number * 10 + (*at - '0');
    if (at < end && *at == '.') {
      for (at++; at < end && *at >= '0' && *at <= '9'; at++, digits = true) number += (*at - '0') * (place /= 10);
    }
    if (!digits) return otherwise;
    static const struct { const char *name; double millis; } units[] = {
      {"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3},
    };
    const char *after = NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && !after; i++) {
      if ((after = gf_skip_word(at, end, units[i].name))) millis += number * units[i].millis;
    }
    if (!after && number != 0) return otherwise;
    at = after ? after : at;
    if (!after) break; /* "0" needs no unit */
  }
  return at == end && millis < 9e15 ? (int64_t)millis : otherwise;
}

/* ---- Writing JSON ---- */

/* A value in the making. Commas come by themselves:
 *
 *     gf_writer w = gf_write();
 *     gf_begin(&w, '{');
 *     gf_key(&w, "n"), gf_put_int(&w, 3);
 *     gf_end(&w, '}');
 *     return gf_return(gf_written(&w));
 */
typedef struct gf_writer {
  char *at;
  size_t len, room;
} gf_writer;

static inline gf_writer gf_write(void) {
  gf_writer w = {NULL, 0, 0};
  return w;
}

static inline gf_json gf_written(const gf_writer *w) {
  gf_json v = {w->at, w->len};
  return v;
}

static inline char *gf_grow(gf_writer *w, size_t more) {
  if (w->room - w->len < more) {
    size_t room = w->room * 2 > w->len + more ? w->room * 2 : w->len + more + 64;
    char *at = (char *)realloc(w->at, room);
    if (!at) __builtin_trap();
    w->at = at;
    w->room = room;
  }
  char *to = w->at + w->len;
  w->len += more;
  return to;
}

static inline void gf_put_text(gf_writer *w, const char *at, size_t len) {
  if (len) memcpy(gf_grow(w, len), at, len);
}

/* A comma, unless what follows is the first. No value ends with these three: a
 * string ends with a quote. */
static inline void gf_separate(gf_writer *w) {
  if (w->len && !memchr("{[:", w->at[w->len - 1], 3)) gf_put_text(w, ",", 1);
}

/* Begins an object, '{', or an array, '['. */
static inline void gf_begin(gf_writer *w, char bracket) {
  gf_separate(w);
  gf_put_text(w, &bracket, 1);
}

/* Ends it: '}' or ']'. */
static inline void gf_end(gf_writer *w, char bracket) { gf_put_text(w, &bracket, 1); }

/* A value that is there already; none is null. */
static inline void gf_put(gf_writer *w, gf_json v) {
  gf_separate(w);
  if (v.len == 0) v.at = "null", v.len = 4;
  gf_put_text(w, v.at, v.len);
}

static inline void gf_put_str(gf_writer *w, gf_str s) {
  static const char hex[] = "0123456789abcdef";
  gf_separate(w);
  gf_put_text(w, "\"", 1);
  size_t plain = 0; /* from here on nothing is written yet */
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.at[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    gf_put_text(w, s.at + plain, i - plain);
    plain = i + 1;
    char escape[6] = {'\\', (char)c, '0', '0', hex[c >> 4], hex[c & 15]};
    if (c < 0x20) escape[1] = 'u', escape[2] = '0';
    gf_put_text(w, escape, c < 0x20 ? 6 : 2);
  }
  gf_put_text(w, s.at + plain, s.len - plain);
  gf_put_text(w, "\"", 1);
}

static inline void gf_put_string(gf_writer *w, const char *s) { gf_put_str(w, gf_str_of(s)); }

static inline void gf_key(gf_writer *w, const char *key) {
  gf_put_string(w, key);
  gf_put_text(w, ":", 1);
}

static inline void gf_put_int(gf_writer *w, int64_t n) {
  char digits[20], *at = digits + sizeof digits;
  uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
  do *--at = (char)('0' + rest % 10); while (rest /= 10);
  if (n < 0) *--at = '-';
  gf_separate(w);
  gf_put_text(w, at, (size_t)(digits + sizeof digits - at));
}

/* A number, with as many digits as it needs. Infinities and NaN are null: JSON has
 * none. */
static inline void gf_put_double(gf_writer *w, double x) {
  char text[40];
  gf_json v = {text, 0};
  if (x - x == 0) {
    for (int digits = 15; digits <= 17; digits++) {
      v.len = (size_t)snprintf(text, sizeof text, "%.*g", digits, x);
      if (strtod(text, NULL) == x) break;
    }
  }
  gf_put(w, v);
}

static inline void gf_put_bool(gf_writer *w, bool b) {
  gf_json v = {b ? "true" : "false", b ? 4u : 5u};
  gf_put(w, v);
}

static inline gf_json gf_of_str(gf_str s) {
  gf_writer w = gf_write();
  gf_put_str(&w, s);
  return gf_written(&w);
}

static inline gf_json gf_of_string(const char *s) { return gf_of_str(gf_str_of(s)); }

static inline gf_json gf_of_int(int64_t n) {
  gf_writer w = gf_write();
  gf_put_int(&w, n);
  return gf_written(&w);
}

static inline gf_json gf_of_double(double x) {
  gf_writer w = gf_write();
  gf_put_double(&w, x);
  return gf_written(&w);
}

static inline gf_json gf_of_bool(bool b) {
  gf_json v = {b ? "true" : "false", b ? 4u : 5u};
  return v;
}

static inline gf_json gf_of_null(void) {
  gf_json v = {"null", 4};
  return v;
}

/* JSON that was written by hand, in the source. */
static inline gf_json gf_literal(const char *text) { return gf_parse(gf_str_of(text)); }

/* ---- Tasks ---- */

typedef struct gf_task_info {
  const char *name, *doc, *input, *output;
} gf_task_info;

/* A task: its name, which becomes the export's, and a line on what it does. The
 * body has the input as `input`, null if there is none, and returns what gf_return
 * or gf_fail do. */
#define GF_TASK(name, doc) GF_TASK_AS(name, doc, "", "")

/* The same with JSON Schemas of input and output, "" for any. */
#define GF_TASK_AS(name, doc, input_schema, output_schema)                                          \
  __attribute__((section("gf_tasks"), used)) static const gf_task_info gf_info_##name = {           \
      #name, doc, input_schema, output_schema};                                                     \
  static int32_t gf_task_##name(gf_json input);                                                     \
  __attribute__((export_name(#name))) int32_t gf_export_##name(void);                               \
  int32_t gf_export_##name(void) {                                                                  \
    return gf_task_##name(gf_input());                                                              \
  }                                                                                                 \
  static int32_t gf_task_##name(__attribute__((unused)) gf_json input)

/* Code to run once before the host takes the snapshot of which every task gets its
 * own copy: GF_WARMUP { … }. It must not ask the host for anything but the log, and
 * tasks must work without it. */
#define GF_WARMUP                                                                                   \
  static void gf_warmup(void);                                                                      \
  __attribute__((export_name("graflow_warmup"))) void gf_export_warmup(void);                       \
  void gf_export_warmup(void) { gf_warmup(); }                                                      \
  static void gf_warmup(void)

/* The input of the task. */
static inline gf_json gf_input(void) {
  int32_t len = gf_abi_input_len();
  if (len <= 0) return gf_of_null();
  char *text = (char *)gf_alloc((size_t)len);
  len = gf_abi_input_read(text, (size_t)len);
  return len > 0 ? gf_between(text, text + len) : gf_of_null();
}

/* Why and how a task fails. */
typedef struct gf_failure {
  const char *kind;       /* for retry.on and except of flows; "" is error */
  const char *message;    /* for people */
  bool permanent;         /* retrying is of no use */
  int64_t retry_after_ms; /* how long to wait at least before the next attempt */
} gf_failure;

/* Tells the host of a failure, and answers what the task returns then. */
static inline int32_t gf_fail_with(gf_failure f) {
  const char *kind = f.kind && *f.kind ? f.kind : "error";
  const char *message = f.message ? f.message : "";
  gf_abi_fail(kind, strlen(kind), message, strlen(message), f.retry_after_ms << 1 | f.permanent);
  return 1;
}

static inline int32_t gf_fail(const char *kind, const char *message) {
  gf_failure f = {kind, message, false, 0};
  return gf_fail_with(f);
}

static inline int32_t gf_fail_permanently(const char *kind, const char *message) {
  gf_failure f = {kind, message, true, 0};
  return gf_fail_with(f);
}

static inline const char *gf_code_text(int code) {
  switch (code) {
    case GF_NOT_FOUND: return "not found";
    case GF_DENIED: return "denied: the grant is missing";
    case GF_INVALID: return "invalid argument";
    case GF_TOO_LARGE: return "a limit of this attempt is reached";
    case GF_UNREACHABLE: return "the server did not answer properly";
    default: return "the host does not offer this call";
  }
}

/* Fails because the host answered with a code. */
static inline int32_t gf_fail_code(const char *doing, int code) {
  size_t first = strlen(doing), second = strlen(gf_code_text(code));
  char *message = (char *)gf_alloc(first + second + 3);
  memcpy(message, doing, first);
  memcpy(message + first, ": ", 2);
  memcpy(message + first + 2, gf_code_text(code), second + 1);
  return code == GF_DENIED ? gf_fail_permanently("denied", message) : gf_fail("", message);
}

/* Gives the task's result, and answers what the task returns then. None is null. */
static inline int32_t gf_return(gf_json v) {
  int code = v.len ? gf_abi_output_write(v.at, v.len) : 0;
  return code < 0 ? gf_fail_code("write the output", code) : 0;
}

extern const gf_task_info gf_tasks_begin[] __asm__("__start_gf_tasks") __attribute__((weak));
extern const gf_task_info gf_tasks_end[] __asm__("__stop_gf_tasks") __attribute__((weak));

__attribute__((export_name("graflow_describe"), weak)) int32_t gf_describe(void);
__attribute__((export_name("graflow_describe"), weak)) int32_t gf_describe(void) {
  gf_writer w = gf_write();
  gf_begin(&w, '{');
  gf_key(&w, "tasks"), gf_begin(&w, '[');
  for (const gf_task_info *t = gf_tasks_begin; t != gf_tasks_end; t++) {
    gf_begin(&w, '{');
    gf_key(&w, "name"), gf_put_string(&w, t->name);
    gf_key(&w, "doc"), gf_put_string(&w, t->doc);
    if (*t->input) gf_key(&w, "input"), gf_put(&w, gf_literal(t->input));
    if (*t->output) gf_key(&w, "output"), gf_put(&w, gf_literal(t->output));
    gf_end(&w, '}');
  }
  gf_end(&w, ']'), gf_end(&w, '}');
  return gf_return(gf_written(&w));
}

/* ---- What a task tells and finds ---- */

enum gf_level { GF_DEBUG = -4, GF_INFO = 0, GF_WARN = 4, GF_ERROR = 8 };

static inline void gf_log(enum gf_level level, const char *line) { gf_abi_log(level, line, strlen(line)); }

/* Tells whoever watches that so much is done of a total; total 0 is unknown. */
static inline void gf_progress(double done, double total, const char *note) {
  gf_abi_progress(done, total, note, strlen(note));
}

/* Fetches the bytes with which the last call answered. */
static inline int gf_reply(int64_t len, gf_json *to) {
  if (len < 0) return (int)len;
  char *text = (char *)gf_alloc((size_t)len);
  int32_t got = gf_abi_reply_read(text, (size_t)len);
  if (got < 0) return got;
  to->at = text;
  to->len = (size_t)got;
  return 0;
}

/* What the attempt is part of: {"run", "task", "attempt", …}. */
static inline int gf_meta(gf_json *meta) { return gf_reply(gf_abi_meta(), meta); }

/* The result of another task. */
static inline int gf_result(const char *id, gf_json *value) {
  return gf_reply(gf_abi_result_get(id, strlen(id)), value);
}

/* The channel: the run's shared state, JSON values under keys. */
static inline int gf_channel_get(const char *key, gf_json *value) {
  return gf_reply(gf_abi_channel_get(key, strlen(key)), value);
}

static inline int gf_channel_set(const char *key, gf_json value) {
  return gf_abi_channel_set(key, strlen(key), value.at, value.len);
}

static inline int gf_channel_delete(const char *key) { return gf_abi_channel_delete(key, strlen(key)); }

/* Adds an element to a list; a missing key is an empty one. */
static inline int gf_channel_append(const char *key, gf_json value) {
  return gf_abi_channel_append(key, strlen(key), value.at, value.len);
}

static inline int gf_channel_prepend(const char *key, gf_json value) {
  return gf_abi_channel_prepend(key, strlen(key), value.at, value.len);
}

/* Adds to a number; a missing key is 0. */
static inline int gf_channel_add(const char *key, gf_json number) {
  return gf_abi_channel_add(key, strlen(key), number.at, number.len);
}

/* The keys with a prefix: a sorted array of strings. */
static inline int gf_channel_keys(const char *prefix, gf_json *keys) {
  return gf_reply(gf_abi_channel_keys(prefix, strlen(prefix)), keys);
}

/* ---- What runs next ---- */

/* A task to run next, by its document: {"id", "handler", "spec", "input", "goto"}. */
static inline int gf_spawn(gf_json next) { return gf_abi_next_task(next.at, next.len); }

static inline int gf_next_by_id(const char *id, bool jump) {
  gf_writer w = gf_write();
  gf_begin(&w, '{');
  gf_key(&w, "id"), gf_put_string(&w, id);
  gf_key(&w, "goto"), gf_put_bool(&w, jump);
  gf_end(&w, '}');
  return gf_spawn(gf_written(&w));
}

/* The existing or just spawned task of an id, besides the ordinary successors. */
static inline int gf_next_task(const char *id) { return gf_next_by_id(id, false); }

/* The existing task of an id, in place of the ordinary successors. */
static inline int gf_goto(const char *id) { return gf_next_by_id(id, true); }

/* This task once more, with this input; none leaves it to the engine. */
static inline int gf_next_iteration(gf_json input) { return gf_abi_next_iteration(input.at, input.len); }

/* Ends the run with success once this task has. */
static inline int gf_terminate(const char *message) { return gf_abi_terminate(message, strlen(message)); }

/* Ends the run as canceled. */
static inline int gf_cancel(const char *message) { return gf_abi_cancel(message, strlen(message)); }

/* Asks for a checkpoint after this task, under a name, or "" for its number, with
 * metadata, or none. */
static inline int gf_checkpoint(const char *name, gf_json meta) {
  if (!*name) return gf_abi_checkpoint(meta.at, meta.len);
  return gf_abi_checkpoint_as(name, strlen(name), meta.at, meta.len);
}

/* Asks a person, by a document: {"name", "message", "schema", "timeout", …}. As
 * long as there is no answer the host ends the attempt here. Then the task runs
 * again from its start: what comes before must bear repeating. */
static inline int gf_pause(gf_json question, gf_json *answer) {
  return gf_reply(gf_abi_pause(question.at, question.len), answer);
}

/* The same with only a name and a message. */
static inline int gf_ask(const char *name, const char *message, gf_json *answer) {
  gf_writer w = gf_write();
  gf_begin(&w, '{');
  gf_key(&w, "name"), gf_put_string(&w, name);
  gf_key(&w, "message"), gf_put_string(&w, message);
  gf_end(&w, '}');
  return gf_pause(gf_written(&w), answer);
}

/* ---- What needs a grant ---- */

static inline int gf_secret(const char *name, gf_str *value) {
  gf_json bytes = {"", 0};
  int code = gf_reply(gf_abi_secret_get(name, strlen(name)), &bytes);
  value->at = bytes.at;
  value->len = bytes.len;
  return code;
}

/* Calls a tool of the embedding program. */
static inline int gf_tool(const char *name, gf_json args, gf_json *answer) {
  return gf_reply(gf_abi_tool_call(name, strlen(name), args.at, args.len), answer);
}

/* Calls several tools, all at once: an array of {"name", "args"} is answered with
 * one of {"value"} or {"error": {"kind", "message"}}, in the same order. */
static inline int gf_tools(gf_json calls, gf_json *answers) {
  return gf_reply(gf_abi_tool_calls(calls.at, calls.len), answers);
}

static inline void gf_put_base64(gf_writer *w, gf_str bytes) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *to = (char *)gf_alloc((bytes.len + 2) / 3 * 4);
  gf_str text = {to, 0};
  for (size_t i = 0; i < bytes.len; i += 3) {
    size_t left = bytes.len - i;
    uint32_t bits = (uint32_t)(unsigned char)bytes.at[i] << 16;
    if (left > 1) bits |= (uint32_t)(unsigned char)bytes.at[i + 1] << 8;
    if (left > 2) bits |= (unsigned char)bytes.at[i + 2];
    for (size_t j = 0; j < 4; j++) *to++ = j <= left ? letters[bits >> (18 - 6 * j) & 63] : '=';
  }
  text.len = (size_t)(to - text.at);
  gf_put_str(w, text);
}

static inline gf_str gf_from_base64(gf_str text) {
  char *to = (char *)gf_alloc(text.len / 4 * 3 + 3);
  gf_str bytes = {to, 0};
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < text.len && text.at[i] != '='; i++) {
    char c = text.at[i];
    int six = c >= 'a' ? c - 'a' + 26 : c >= 'A' ? c - 'A' : c >= '0' ? c - '0' + 52 : c == '+' ? 62 : 63;
    bits = bits << 6 | (uint32_t)six;
    if ((count += 6) >= 8) *to++ = (char)(bits >> (count -= 8));
  }
  bytes.len = (size_t)(to - bytes.at);
  return bytes;
}

/* What answers a request. */
typedef struct gf_response {
  int64_t status; /* 400 or more is no error */
  gf_json header; /* {"Content-Type": ["text/plain"]} */
  gf_str body;
} gf_response;

/* Sends a request under the attempt's egress rules, and waits for the whole
 * response. The header is an object of strings, or none. */
static inline int gf_http(const char *method, const char *url, gf_json header, gf_str body, gf_response *response) {
  gf_writer w = gf_write();
  gf_json answer = {"", 0};
  gf_begin(&w, '{');
  gf_key(&w, "method"), gf_put_string(&w, method);
  gf_key(&w, "url"), gf_put_string(&w, url);
  gf_key(&w, "header"), gf_put(&w, header);
  gf_key(&w, "body"), gf_put_base64(&w, body);
  gf_end(&w, '}');
  int code = gf_reply(gf_abi_http_request(w.at, w.len), &answer);
  if (code < 0) return code;
  response->status = gf_int(gf_member(answer, "status"), 0);
  response->header = gf_member(answer, "header");
  response->body = gf_from_base64(gf_string(gf_member(answer, "body")));
  return 0;
}

#endif
