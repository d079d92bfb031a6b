package peer

import (
	"context"
	"fmt"
	"time"
)

// Timeout is what every task gets where a host can stop it: long enough never
// to fire.
const Timeout = 30 * time.Second

// Worker runs one task and returns its output. One goroutine uses it.
type Worker func(ctx context.Context, input []byte) (output []byte, err error)

// task is what the imports of a guest on the graflow ABI work on.
type task struct {
	input  []byte
	output []byte
	failed string
}

func (t *task) result(status int32) ([]byte, error) {
	if status != 0 || t.failed != "" {
		return nil, failure{status, t.failed}
	}
	return t.output, nil
}

// failure is a task that said it failed.
type failure struct {
	status  int32
	message string
}

func (f failure) Error() string { return fmt.Sprintf("the task answered %d: %s", f.status, f.message) }
