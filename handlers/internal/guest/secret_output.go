package guest

import (
	"bytes"
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
)

// CheckOutput refuses a result that has a value in it, unless the task may give
// values away: in what the task returns, writes to the channel, hands to a next task
// or iteration, notes in a checkpoint, or asks for. Its errors are for
// [SecretFailure].
func (s *Secrets) CheckOutput(r engine.Result) error {
	if s.redactor == nil || s.output {
		return nil
	}
	if s.leaks(r.Value) {
		return leaked("its result")
	}
	for _, op := range r.Effects.Channel {
		if s.leaks([]byte(op.Key)) || s.leaks(op.Value) {
			return leaked("what it writes to the channel")
		}
	}
	for _, next := range r.Effects.Next {
		if s.leaks([]byte(next.Task.ID+"\n"+next.Task.Handler)) || s.leaks(next.Task.Spec) || s.leaks(next.Input) {
			return leaked("what it hands to a next task")
		}
	}
	if r.Effects.Iterate != nil && s.leaks(r.Effects.Iterate.Data) {
		return leaked("what it hands to its next iteration")
	}
	for _, c := range r.Effects.Checkpoints {
		if s.leaks([]byte(c.Name)) || s.leaks(c.Meta) {
			return leaked("what it notes in a checkpoint")
		}
	}
	if p := r.Effects.Pause; p != nil && (s.leaks([]byte(p.Name)) || s.leaks(p.Schema) || s.leaks(p.Default)) {
		return leaked("what it pauses for")
	}
	for _, c := range r.Effects.Calls {
		if s.leaks(c.Input) {
			return leaked("what it hands to a task that it calls")
		}
	}
	return nil
}

func leaked(where string) error {
	return deniedSecret("%s contains the value of a secret: leave it out, or allow it with grants.allow_secret_output", where)
}

// leaks tells whether a value is in JSON, or in a string that it writes with
// escapes.
func (s *Secrets) leaks(data []byte) bool {
	if s.redactor.Contains(data) {
		return true
	}
	if bytes.IndexByte(data, '\\') < 0 {
		return false
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if err != nil {
			return false // the end
		}
		if text, ok := token.(string); ok && s.redactor.Contains([]byte(text)) {
			return true
		}
	}
}

// CheckFile refuses a file that has a value in its name or its content, as
// [Secrets.CheckOutput] refuses a result.
func (s *Secrets) CheckFile(name string, content []byte) error {
	if s.redactor == nil || s.output || !s.redactor.Contains([]byte(name)) && !s.redactor.Contains(content) {
		return nil
	}
	return leaked("a file that it leaves")
}
