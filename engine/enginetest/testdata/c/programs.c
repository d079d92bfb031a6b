/* The programs of enginetest.HandlerSuite in C, which is C++, too: what each does
 * is written in handler_programs.go, and in handlers/wasm/languages_test.go. */
#include "graflow.h"

GF_TASK(echo, "returns its input") { return gf_return(input); }

static void rebuild_value(gf_writer *w, gf_json v) {
  switch (gf_kind_of(v)) {
    case GF_OBJECT:
      gf_begin(w, '{');
      for (gf_iter i = gf_iterate(v); gf_step(&i);) {
        gf_put_str(w, gf_string(i.key));
        gf_put_text(w, ":", 1);
        rebuild_value(w, i.value);
      }
      gf_end(w, '}');
      return;
    case GF_ARRAY:
      gf_begin(w, '[');
      for (gf_iter i = gf_iterate(v); gf_step(&i);) rebuild_value(w, i.value);
      gf_end(w, ']');
      return;
    case GF_STRING: gf_put_str(w, gf_string(v)); return;
    case GF_NUMBER:
      if (gf_int(v, 7) == gf_int(v, 8)) {
        gf_put_int(w, gf_int(v, 0));
      } else {
        gf_put_double(w, gf_double(v, 0));
      }
      return;
    case GF_BOOL: gf_put_bool(w, gf_bool(v, false)); return;
    default: gf_put(w, gf_of_null());
  }
}

GF_TASK(rebuild, "returns its input, taken apart and put together") {
  gf_writer w = gf_write();
  gf_json v = gf_parse((gf_str){input.at, input.len});
  if (gf_kind_of(v) == GF_NONE) return gf_fail_permanently("invalid_input", "the input is not JSON");
  rebuild_value(&w, v);
  return gf_return(gf_written(&w));
}

GF_TASK(fail, "fails as it is told") {
  int code = gf_channel_set("lost", gf_of_bool(true));
  if (code < 0) return gf_fail_code("set lost", code);
  const char *cancel = gf_cstring(gf_member(input, "cancel"), "");
  if (*cancel && (code = gf_cancel(cancel)) < 0) return gf_fail_code("cancel", code);
  gf_failure f = {
      gf_cstring(gf_member(input, "kind"), ""),
      gf_cstring(gf_member(input, "message"), ""),
      gf_bool(gf_member(input, "permanent"), false),
      gf_millis(gf_member(input, "retry_after"), 0),
  };
  return gf_fail_with(f);
}

GF_TASK(result, "returns the result of a task") {
  gf_json value = {NULL, 0};
  int code = gf_result(gf_cstring(input, ""), &value);
  if (code < 0 && code != GF_NOT_FOUND) return gf_fail_code("result", code);
  return gf_return(value);
}

GF_TASK(meta, "returns what it is part of") {
  gf_json value = {NULL, 0};
  int code = gf_meta(&value);
  return code < 0 ? gf_fail_code("meta", code) : gf_return(value);
}

GF_TASK(spin, "never ends") {
  gf_log(GF_INFO, "spinning");
  for (volatile unsigned n = 0;; n += 2) {
    if (n == 1) return 0;
  }
}

GF_TASK(crash, "crashes") {
  gf_channel_set("lost", gf_of_bool(true));
  __builtin_trap();
}

/* Does one of the channel's operations and puts what it answers. */
static bool operate(gf_writer *w, gf_json o) {
  gf_str op = gf_string(gf_member(o, "op"));
  const char *key = gf_cstring(gf_member(o, "key"), "");
  gf_json value = gf_member(o, "value");
  if (gf_kind_of(value) == GF_NONE) value = gf_of_null();
  int code;
  if (gf_same(op, "get") || gf_same(op, "keys")) {
    gf_json found = {NULL, 0};
    code = op.len == 3 ? gf_channel_get(key, &found) : gf_channel_keys(key, &found);
    gf_put(w, found);
    return code >= 0 || code == GF_NOT_FOUND;
  }
  if (gf_same(op, "set")) {
    code = gf_channel_set(key, value);
  } else if (gf_same(op, "append")) {
    code = gf_channel_append(key, value);
  } else if (gf_same(op, "prepend")) {
    code = gf_channel_prepend(key, value);
  } else if (gf_same(op, "delete")) {
    code = gf_channel_delete(key);
  } else if (gf_same(op, "add")) {
    code = gf_kind_of(value) == GF_NUMBER ? gf_channel_add(key, gf_of_double(gf_double(value, 0))) : GF_INVALID;
  } else {
    return false;
  }
  gf_put_bool(w, code >= 0);
  return true;
}

GF_TASK_AS(channel, "reads and writes the channel", "{\"type\":\"array\"}", "{\"type\":\"array\"}") {
  gf_writer w = gf_write();
  gf_begin(&w, '[');
  for (gf_iter i = gf_iterate(input); gf_step(&i);) {
    if (!operate(&w, i.value)) return gf_fail("", "an operation of the channel failed");
  }
  gf_end(&w, ']');
  return gf_return(gf_written(&w));
}

GF_TASK(next, "asks for next tasks") {
  for (gf_iter i = gf_iterate(input); gf_step(&i);) {
    int code = gf_spawn(i.value);
    if (code < 0) return gf_fail_code("next task", code);
  }
  return gf_return(gf_of_string("asked"));
}

GF_TASK_AS(iterate, "iterates up to 3", "{\"type\":\"integer\"}", "{\"type\":\"integer\"}") {
  int64_t n = gf_int(input, 0);
  int code = n < 3 ? gf_next_iteration(gf_of_int(n + 1)) : 0;
  return code < 0 ? gf_fail_code("iterate", code) : gf_return(gf_of_int(n));
}

GF_TASK(terminate, "terminates the run") {
  int code = gf_terminate(gf_cstring(input, ""));
  return code < 0 ? gf_fail_code("terminate", code) : 0;
}

GF_TASK(cancel, "cancels the run") {
  int code = gf_cancel(gf_cstring(input, ""));
  return code < 0 ? gf_fail_code("cancel", code) : 0;
}

static enum gf_level level_of(gf_str name) {
  if (gf_same(name, "DEBUG")) return GF_DEBUG;
  if (gf_same(name, "WARN")) return GF_WARN;
  return gf_same(name, "ERROR") ? GF_ERROR : GF_INFO;
}

GF_TASK(tell, "tells what it is told") {
  for (gf_iter i = gf_iterate(gf_member(input, "log")); gf_step(&i);) {
    gf_log(level_of(gf_string(gf_member(i.value, "level"))), gf_cstring(gf_member(i.value, "message"), ""));
  }
  for (gf_iter i = gf_iterate(gf_member(input, "progress")); gf_step(&i);) {
    gf_progress(gf_double(gf_member(i.value, "done"), 0), gf_double(gf_member(i.value, "total"), 0),
                gf_cstring(gf_member(i.value, "note"), ""));
  }
  return 0;
}

GF_TASK(pause, "pauses") {
  gf_json answer = {NULL, 0};
  int code = gf_pause(input, &answer);
  return code < 0 ? gf_fail_code("pause", code) : gf_return(answer);
}

GF_TASK(ask, "asks twice") {
  gf_json first = {NULL, 0}, second = {NULL, 0};
  int code = gf_channel_add("asked", gf_of_int(1));
  if (code >= 0) code = gf_ask("first", "", &first);
  if (code >= 0) code = gf_ask("second", "", &second);
  if (code < 0) return gf_fail_code("ask", code);
  gf_writer w = gf_write();
  gf_begin(&w, '[');
  gf_put(&w, first);
  gf_put(&w, second);
  gf_end(&w, ']');
  return gf_return(gf_written(&w));
}

GF_TASK(checkpoint, "asks for checkpoints") {
  for (gf_iter i = gf_iterate(input); gf_step(&i);) {
    int code = gf_checkpoint(gf_cstring(gf_member(i.value, "name"), ""), gf_member(i.value, "meta"));
    if (code < 0) return gf_fail_code("checkpoint", code);
  }
  return 0;
}

GF_TASK(secret, "returns a secret") {
  gf_str value = {"", 0};
  int code = gf_secret(gf_cstring(input, ""), &value);
  return code < 0 ? gf_fail_code("secret", code) : gf_return(gf_of_str(value));
}

GF_TASK(http, "sends a request") {
  gf_response r;
  int code = gf_http(gf_cstring(gf_member(input, "method"), ""), gf_cstring(gf_member(input, "url"), ""),
                     gf_member(input, "header"), gf_string(gf_member(input, "text")), &r);
  if (code < 0) return gf_fail_code("request", code);
  gf_writer w = gf_write();
  gf_begin(&w, '{');
  gf_key(&w, "status"), gf_put_int(&w, r.status);
  gf_key(&w, "kind"), gf_put(&w, gf_element(gf_member(r.header, "Content-Type"), 0));
  gf_key(&w, "text"), gf_put_str(&w, r.body);
  gf_end(&w, '}');
  return gf_return(gf_written(&w));
}

GF_TASK(tool, "calls one tool") {
  gf_json answer = {NULL, 0};
  int code = gf_tool(gf_cstring(gf_member(input, "name"), ""), gf_member(input, "args"), &answer);
  return code < 0 ? gf_fail_code("tool", code) : gf_return(answer);
}

GF_TASK(tools, "calls several tools at once") {
  gf_json answers = {NULL, 0};
  int code = gf_tools(input, &answers);
  if (code < 0) return gf_fail_code("tools", code);
  gf_writer w = gf_write();
  gf_begin(&w, '[');
  for (gf_iter i = gf_iterate(answers); gf_step(&i);) {
    gf_json error = gf_member(i.value, "error");
    gf_put(&w, gf_kind_of(error) == GF_OBJECT ? error : gf_member(i.value, "value"));
  }
  gf_end(&w, ']');
  return gf_return(gf_written(&w));
}
