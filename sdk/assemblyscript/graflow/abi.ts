// The functions of graflow_v1, as they are: offsets and lengths in bytes.

// @ts-ignore: decorator
@external("graflow_v1", "input_len")
export declare function input_len(): i32;
// @ts-ignore: decorator
@external("graflow_v1", "input_read")
export declare function input_read(to: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "output_write")
export declare function output_write(data: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "fail")
export declare function fail(kind: usize, kindLen: i32, message: usize, messageLen: i32, flags: i64): void;
// @ts-ignore: decorator
@external("graflow_v1", "reply_read")
export declare function reply_read(to: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "log")
export declare function log(level: i32, line: usize, len: i32): void;
// @ts-ignore: decorator
@external("graflow_v1", "progress")
export declare function progress(done: f64, total: f64, note: usize, len: i32): void;
// @ts-ignore: decorator
@external("graflow_v1", "meta")
export declare function meta(): i64;
// @ts-ignore: decorator
@external("graflow_v1", "result_get")
export declare function result_get(id: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "channel_get")
export declare function channel_get(key: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "channel_set")
export declare function channel_set(key: usize, len: i32, value: usize, valueLen: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "channel_delete")
export declare function channel_delete(key: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "channel_append")
export declare function channel_append(key: usize, len: i32, value: usize, valueLen: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "channel_prepend")
export declare function channel_prepend(key: usize, len: i32, value: usize, valueLen: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "channel_add")
export declare function channel_add(key: usize, len: i32, value: usize, valueLen: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "channel_keys")
export declare function channel_keys(prefix: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "next_task")
export declare function next_task(next: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "next_iteration")
export declare function next_iteration(data: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "terminate")
export declare function terminate(message: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "cancel")
export declare function cancel(message: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "checkpoint")
export declare function checkpoint(meta: usize, len: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "checkpoint_as")
export declare function checkpoint_as(name: usize, len: i32, meta: usize, metaLen: i32): i32;
// @ts-ignore: decorator
@external("graflow_v1", "pause")
export declare function pause(question: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "secret_get")
export declare function secret_get(name: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "http_request")
export declare function http_request(request: usize, len: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "tool_call")
export declare function tool_call(name: usize, len: i32, args: usize, argsLen: i32): i64;
// @ts-ignore: decorator
@external("graflow_v1", "tool_calls")
export declare function tool_calls(calls: usize, len: i32): i64;
