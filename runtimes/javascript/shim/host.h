/* The host functions of graflow_v1, as docs/abi.md has them. */
#ifndef GRAFLOW_HOST_H
#define GRAFLOW_HOST_H

#include <stdint.h>

#define HOST(name) __attribute__((import_module("graflow_v1"), import_name(#name)))
#define TASK(name) __attribute__((export_name(#name)))

HOST(input_len) int32_t host_input_len(void);
HOST(input_read) int32_t host_input_read(void *p, uint32_t n);
HOST(output_write) int32_t host_output_write(const void *p, uint32_t n);
HOST(fail) void host_fail(const char *kind, uint32_t kn, const char *message, uint32_t mn, int64_t flags);
HOST(reply_read) int32_t host_reply_read(void *p, uint32_t n);
HOST(log) void host_log(int32_t level, const char *p, uint32_t n);
HOST(progress) void host_progress(double done, double total, const char *p, uint32_t n);
HOST(meta) int64_t host_meta(void);
HOST(result_get) int64_t host_result_get(const char *p, uint32_t n);
HOST(channel_get) int64_t host_channel_get(const char *p, uint32_t n);
HOST(channel_set) int32_t host_channel_set(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(channel_delete) int32_t host_channel_delete(const char *k, uint32_t kn);
HOST(channel_append) int32_t host_channel_append(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(channel_prepend) int32_t host_channel_prepend(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(channel_add) int32_t host_channel_add(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(channel_keys) int64_t host_channel_keys(const char *p, uint32_t n);
HOST(next_task) int32_t host_next_task(const char *p, uint32_t n);
HOST(next_iteration) int32_t host_next_iteration(const char *p, uint32_t n);
HOST(terminate) int32_t host_terminate(const char *p, uint32_t n);
HOST(cancel) int32_t host_cancel(const char *p, uint32_t n);
HOST(checkpoint) int32_t host_checkpoint(const char *p, uint32_t n);
HOST(checkpoint_as) int32_t host_checkpoint_as(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(pause) int64_t host_pause(const char *p, uint32_t n);
HOST(secret_get) int64_t host_secret_get(const char *p, uint32_t n);
HOST(http_request) int64_t host_http_request(const char *p, uint32_t n);
HOST(tool_call) int64_t host_tool_call(const char *k, uint32_t kn, const char *v, uint32_t vn);
HOST(tool_calls) int64_t host_tool_calls(const char *p, uint32_t n);

#endif
