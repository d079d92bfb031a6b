// host.h declares the functions of the host, module graflow_v1 (docs/abi.md).
#ifndef GRAFLOW_HOST_H
#define GRAFLOW_HOST_H

#include <stddef.h>
#include <stdint.h>

#define HOST(name) __attribute__((import_module("graflow_v1"), import_name(#name))) host_##name

typedef const char *text;

int32_t HOST(input_len)(void);
int32_t HOST(input_read)(void *, size_t);
int32_t HOST(output_write)(text, size_t);
void HOST(fail)(text, size_t, text, size_t, int64_t);
int32_t HOST(reply_read)(void *, size_t);
void HOST(log)(int32_t, text, size_t);
void HOST(progress)(double, double, text, size_t);
int64_t HOST(meta)(void);
int64_t HOST(result_get)(text, size_t);
int64_t HOST(channel_get)(text, size_t);
int32_t HOST(channel_set)(text, size_t, text, size_t);
int32_t HOST(channel_delete)(text, size_t);
int32_t HOST(channel_append)(text, size_t, text, size_t);
int32_t HOST(channel_prepend)(text, size_t, text, size_t);
int32_t HOST(channel_add)(text, size_t, text, size_t);
int64_t HOST(channel_keys)(text, size_t);
int32_t HOST(next_task)(text, size_t);
int32_t HOST(next_iteration)(text, size_t);
int32_t HOST(terminate)(text, size_t);
int32_t HOST(cancel)(text, size_t);
int32_t HOST(checkpoint)(text, size_t);
int32_t HOST(checkpoint_as)(text, size_t, text, size_t);
int64_t HOST(pause)(text, size_t);
int64_t HOST(secret_get)(text, size_t);
int64_t HOST(http_request)(text, size_t);
int64_t HOST(tool_call)(text, size_t, text, size_t);
int64_t HOST(tool_calls)(text, size_t);

#endif
