package enginetest

// Program is a small program that a handler's author writes for [HandlerSuite].
// Its input is JSON, its value what it returns. What it writes, asks for and tells
// goes the way that the handler has for it.
type Program string

// The programs. A field of an input that is missing is the zero value.
const (
	// ProgramEcho returns its input.
	ProgramEcho Program = "echo"
	// ProgramFail sets the channel's key "lost" to true, asks to cancel the run if
	// its input has a message for that, and fails as its input says:
	// {"kind", "message", "permanent": false, "retry_after": "10s", "cancel"}.
	ProgramFail Program = "fail"
	// ProgramChannel does what its input lists, in order, each
	// {"op", "key", "value"}, and returns a list with one item for each: of "get"
	// the value, null if there is none; of "keys" the keys with the prefix "key"; of
	// "set", "delete", "add", "append" and "prepend" true, false if it was refused.
	ProgramChannel Program = "channel"
	// ProgramResult returns the result of the task that its input names, a string;
	// null if there is none.
	ProgramResult Program = "result"
	// ProgramMeta returns {"run", "task", "activation", "attempt", "max_attempts",
	// "cycle", "max_cycles", "can_iterate"} of its own attempt.
	ProgramMeta Program = "meta"
	// ProgramNext asks for the next tasks that its input lists, each
	// {"id", "handler", "spec", "input", "goto": false}, and returns "asked".
	ProgramNext Program = "next"
	// ProgramIterate returns its input, a number n, and if that is below 3 asks for
	// another iteration with n+1.
	ProgramIterate Program = "iterate"
	// ProgramTerminate terminates the run with its input, a string, as the message.
	// It returns null.
	ProgramTerminate Program = "terminate"
	// ProgramCancel cancels the run likewise.
	ProgramCancel Program = "cancel"
	// ProgramTell logs the lines of its input, tells its progress, and returns null:
	// {"log": [{"level": "INFO", "message"}], "progress": [{"done", "total", "note"}]}
	// with the levels DEBUG, INFO, WARN and ERROR.
	ProgramTell Program = "tell"
	// ProgramPause pauses as its input says, and returns the answer: {"name",
	// "message", "schema", "timeout": "10s", "default", "until", "after"}.
	ProgramPause Program = "pause"
	// ProgramAsk adds 1 to the channel's key "asked", pauses under the name "first",
	// then under "second", and returns a list of both answers.
	ProgramAsk Program = "ask"
	// ProgramCheckpoint asks for the checkpoints that its input lists, each
	// {"name", "meta"}, where the name "" is none. It returns null.
	ProgramCheckpoint Program = "checkpoint"
	// ProgramSpin logs the line "spinning" and computes until it is ended from
	// outside; where nothing can end it from outside, until its context ends.
	ProgramSpin Program = "spin"
	// ProgramCrash sets the channel's key "lost" to true and ends as no program
	// should: by a panic, a trap or a signal.
	ProgramCrash Program = "crash"
)

// Programs lists all of them.
func Programs() []Program {
	return []Program{
		ProgramEcho, ProgramFail, ProgramChannel, ProgramResult, ProgramMeta, ProgramNext, ProgramIterate,
		ProgramTerminate, ProgramCancel, ProgramTell, ProgramPause, ProgramAsk, ProgramCheckpoint, ProgramSpin, ProgramCrash,
	}
}
