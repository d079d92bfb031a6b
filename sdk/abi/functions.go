package abi

// Module is the import module of ABI version 1.
const Module = "graflow_v1"

// Host functions of [Module]. ptr and len are i32 offsets and byte lengths in
// the guest's linear memory. A function returning i32 answers 0 or more on
// success and a negative [Code] on failure. A function returning i64 answers
// with bytes: it returns their length (or a negative Code), and the guest
// fetches them with reply_read before its next call that answers with bytes.
const (
	FuncInputLen      = "input_len"      // () i32: the length of the input, JSON
	FuncInputRead     = "input_read"     // (ptr, len) i32: copy the first len bytes of the input, answer how many
	FuncOutputWrite   = "output_write"   // (ptr, len) i32: append to the output, which must be JSON at the end
	FuncFail          = "fail"           // (kind_ptr, kind_len, msg_ptr, msg_len i32, flags i64): set the task's error; the export then returns nonzero
	FuncLog           = "log"            // (level i32, ptr, len): one line; level -4 debug, 0 info, 4 warn, 8 error (log/slog)
	FuncProgress      = "progress"       // (done, total f64, ptr, len): a note for whoever watches
	FuncMeta          = "meta"           // () i64: a [Meta] as JSON
	FuncResultGet     = "result_get"     // (id_ptr, id_len) i64: the result of a task, or NotFound
	FuncChannelGet    = "channel_get"    // (key_ptr, key_len) i64: a channel value, JSON, or NotFound
	FuncChannelSet    = "channel_set"    // (key_ptr, key_len, val_ptr, val_len) i32
	FuncChannelDelete = "channel_delete" // (key_ptr, key_len) i32
	FuncChannelAppend = "channel_append" // (key_ptr, key_len, val_ptr, val_len) i32: to a list
	FuncChannelPrep   = "channel_prepend"
	FuncChannelAdd    = "channel_add"    // (key_ptr, key_len, val_ptr, val_len) i32: a JSON number to a number, missing counts as 0
	FuncChannelKeys   = "channel_keys"   // (prefix_ptr, prefix_len) i64: a JSON array of keys, sorted
	FuncNextTask      = "next_task"      // (ptr, len) i32: a [NextTask] as JSON
	FuncNextIteration = "next_iteration" // (ptr, len) i32: the next iteration's data, JSON; len 0 is none
	FuncTerminate     = "terminate"      // (ptr, len) i32: a message; the run succeeds
	FuncCancel        = "cancel"         // (ptr, len) i32: a message; the run is canceled
	FuncPause         = "pause"          // (ptr, len) i64: a [Pause] as JSON; answers with the input once given, until then it ends the attempt
	FuncCheckpoint    = "checkpoint"     // (ptr, len) i32: metadata, JSON; len 0 is none
	FuncCheckpointAs  = "checkpoint_as"  // (name_ptr, name_len, meta_ptr, meta_len) i32: the same, under a name
	FuncSecretGet     = "secret_get"     // (name_ptr, name_len) i64
	FuncHTTPRequest   = "http_request"   // (ptr, len) i64: an [HTTPRequest] as JSON; answers with an [HTTPResponse]
	FuncToolCall      = "tool_call"      // (name_ptr, name_len, args_ptr, args_len) i64
	FuncToolCalls     = "tool_calls"     // (ptr, len) i64: a JSON array of [ToolCall], made at once; answers with one of [ToolAnswer], in the same order
	FuncReplyRead     = "reply_read"     // (ptr, len) i32: copy the first len bytes of the last answer
)

// Exports of a reactor. Every other export of type () -> i32 is a task; it
// returns 0 on success.
const (
	ExportInitialize = "_initialize"      // () or absent: run once per instance, before anything else
	ExportWarmup     = "graflow_warmup"   // () or absent: run once before the snapshot
	ExportDescribe   = "graflow_describe" // () i32 or absent: writes a [Description] to the output
	ExportStart      = "_start"           // a WASI command
	ExportMemory     = "memory"
)

// Flags of fail: the lowest bit says that retrying is of no use, the rest is
// the time to wait before the next attempt, in milliseconds.
const (
	FailPermanent       = int64(1)
	FailRetryAfterShift = 1
)

// Code is a negative answer of a host function.
type Code int64

// Codes.
const (
	NotFound    Code = -1 // no such key, result, secret
	Denied      Code = -2 // the grant is missing
	Invalid     Code = -3 // a bad pointer, not UTF-8, not JSON, wrong type
	TooLarge    Code = -4 // a limit of the attempt is reached
	Unavailable Code = -5 // the host does not offer this call
	Unreachable Code = -6 // the server asked for did not answer properly
)

// Error makes a Code usable as an error in guests.
func (c Code) Error() string {
	switch c {
	case NotFound:
		return "not found"
	case Denied:
		return "denied: the grant is missing"
	case Invalid:
		return "invalid argument"
	case TooLarge:
		return "a limit of this attempt is reached"
	case Unavailable:
		return "the host does not offer this call"
	case Unreachable:
		return "the server did not answer properly"
	}
	return "unknown host error"
}
