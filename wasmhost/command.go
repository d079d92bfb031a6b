package wasmhost

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// stdin is the input as a command reads it: a string without its quotes, any
// other value as JSON.
func stdin(input []byte) []byte {
	var text string
	if json.Unmarshal(input, &text) == nil && !bytes.Equal(bytes.TrimSpace(input), []byte("null")) {
		return []byte(text)
	}
	return input
}

// exited judges a proc_exit: code 0 ends a command or plug-in well.
func (a *attempt) exited(code uint32) error {
	line, stack := diagnosis(a.lines.Last())
	message := fmt.Sprintf("exit code %d", code)
	if line != "" {
		message += ": " + line
	}
	kind := KindExit
	if a.module.abi != ABIGraflow {
		if code == 0 {
			return nil
		}
		kind = KindError
	}
	e := a.trapError(kind, message, nil)
	if code != 0 && a.exhausted() {
		e.Kind, e.Message, e.cause = KindMemory, a.memoryMessage(message), ErrMemory
	}
	e.Stack = stack
	return e
}

// unready finds out why what comes before the task did not return. An exit is a
// failure then, whatever its code: the task never ran.
func (a *attempt) unready(err error) error {
	if failed := a.trap(err); failed != nil {
		return failed
	}
	return a.trapError(KindExit, fmt.Sprintf("exit code %d before its task began", *a.exit), nil)
}

func (a *attempt) memoryMessage(detail string) string {
	return fmt.Sprintf("memory limit of %d bytes reached: %s", a.opt.Limits.Memory, detail)
}
