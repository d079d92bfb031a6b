package abi

import (
	"encoding/json"
	"time"
)

// Environment of a program that runs as a task outside of WebAssembly, such as
// one in a container. Paths are absolute.
const (
	EnvSocket  = "GRAFLOW_SOCKET"  // Unix stream socket that speaks lines, see [Request]
	EnvInput   = "GRAFLOW_INPUT"   // file with the input, JSON; it is on stdin, too
	EnvResult  = "GRAFLOW_RESULT"  // FIFO: what is written there is the task's result, JSON or else text
	EnvEffects = "GRAFLOW_EFFECTS" // FIFO: requests, a line each, whose answers nobody needs
	EnvSecrets = "GRAFLOW_SECRETS" // directory with a file for each granted secret; absent without any
	EnvOut     = "GRAFLOW_OUT"     // directory whose files become artifacts; absent if the task asks for none
	EnvExport  = "GRAFLOW_EXPORT"  // which of a program's tasks to run

	EnvRun        = "GRAFLOW_RUN" // what the program is an attempt of, as in [Meta]
	EnvTask       = "GRAFLOW_TASK"
	EnvActivation = "GRAFLOW_ACTIVATION"
	EnvAttempt    = "GRAFLOW_ATTEMPT"
)

// Ops of lines that are no functions of [Module]. The other ops are the Func…
// constants from FuncFail on, but for FuncReplyRead, FuncCheckpointAs and
// FuncHTTPRequest.
const (
	OpInput   = "input"    // the input
	OpOutput  = "output"   // value: the task's result; of several the last one counts
	OpFilePut = "file_put" // name, size, and after the line size bytes: an artifact, answered with a [File]
)

// LineBytes is the longest line of a [Request], its newline included. Those of
// output, channel_set, next_task and next_iteration may be as long as an output.
const LineBytes = 1<<20 + 4<<10

// ExitPaused is the status by which a program exits whose request was answered
// with WordPaused. The host knows of it already.
const ExitPaused = 75

// Request is one line from a task to its host: a JSON object with the op and
// that op's fields. Fields of other ops, unknown ones and repeated ones make it
// invalid. The host answers every line of a socket, in order, with an [Answer].
type Request struct {
	Op string `json:"op"`
	// A request that names a run, task or activation which is not the
	// sender's own is denied.
	Run  string `json:"run,omitempty"`
	Task string `json:"task,omitempty"`
	// Activation is the id that [Meta] tells.
	Activation string `json:"activation,omitempty"`

	ID     string          `json:"id,omitempty"`     // result_get, next_task
	Key    *string         `json:"key,omitempty"`    // channel_get, set, delete, append, prepend, add
	Prefix string          `json:"prefix,omitempty"` // channel_keys
	Value  json.RawMessage `json:"value,omitempty"`  // output, channel_set, append, prepend, add
	Data   json.RawMessage `json:"data,omitempty"`   // next_iteration

	Handler string          `json:"handler,omitempty"` // next_task, as of NextTask
	Spec    json.RawMessage `json:"spec,omitempty"`
	Input   json.RawMessage `json:"input,omitempty"`
	Goto    bool            `json:"goto,omitempty"`

	Name    string          `json:"name,omitempty"`    // pause, checkpoint, secret_get, tool_call, file_put
	Message string          `json:"message,omitempty"` // fail, log, terminate, cancel, pause
	Meta    json.RawMessage `json:"meta,omitempty"`    // checkpoint
	Args    json.RawMessage `json:"args,omitempty"`    // tool_call
	Size    *int64          `json:"size,omitempty"`    // file_put: the bytes that follow the line

	Kind       string   `json:"kind,omitempty"` // fail
	Permanent  bool     `json:"permanent,omitempty"`
	RetryAfter Duration `json:"retry_after,omitempty"`
	Stack      string   `json:"stack,omitempty"` // the functions that were at work, a line each, innermost first

	Level string `json:"level,omitempty"` // log: debug, info, warn, error, as log/slog writes levels; absent is info

	Done  float64 `json:"done,omitempty"` // progress
	Total float64 `json:"total,omitempty"`
	Note  string  `json:"note,omitempty"`

	Schema  json.RawMessage `json:"schema,omitempty"` // pause, as of Pause
	Timeout Duration        `json:"timeout,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
	Until   time.Time       `json:"until,omitzero"`
	After   Duration        `json:"after,omitempty"`
}

// Answer is one line from the host to a task. Value is absent where the op has
// nothing to answer.
type Answer struct {
	OK      bool            `json:"ok"`
	Value   json.RawMessage `json:"value,omitempty"`
	Error   string          `json:"error,omitempty"`   // a Word…
	Message string          `json:"message,omitempty"` // what is wrong, for people
}

// Words of an Answer's error.
const (
	WordNotFound    = "not_found"
	WordDenied      = "denied"
	WordInvalid     = "invalid"
	WordTooLarge    = "too_large"
	WordUnavailable = "unavailable"
	WordUnreachable = "unreachable"
	WordPaused      = "paused" // of pause alone: there is no answer yet, and the host ends the program
)

// words are the codes' words in an Answer.
var words = [...]struct {
	code Code
	word string
}{
	{NotFound, WordNotFound},
	{Denied, WordDenied},
	{Invalid, WordInvalid},
	{TooLarge, WordTooLarge},
	{Unavailable, WordUnavailable},
	{Unreachable, WordUnreachable},
}

// Word is the code as an [Answer] says it.
func (c Code) Word() string {
	for _, w := range words {
		if w.code == c {
			return w.word
		}
	}
	return WordUnavailable
}

// CodeOf is the code that an [Answer] says by word; an unknown word is
// [Unavailable].
func CodeOf(word string) Code {
	for _, w := range words {
		if w.word == word {
			return w.code
		}
	}
	return Unavailable
}

// File is an artifact, as file_put answers with it.
type File struct {
	Digest string `json:"$file"` // "sha256:" and hex digits
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
}

// Binary is a secret that is not UTF-8, as secret_get answers with it.
type Binary struct {
	Base64 []byte `json:"base64"`
}
