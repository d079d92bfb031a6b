package pooled

import (
	"encoding/json"
	"fmt"
)

// Protocol is the number that a server introduces itself with. A server of
// another one is not used.
const Protocol = 1

// SocketName is the socket's name in the directory given to Listen.
const SocketName = "pool"

// mostAnswer bounds a line of the server, which the host does not trust.
const mostAnswer = 64 << 10

// A Hello is the server's first line.
type Hello struct {
	Protocol int `json:"protocol"`
}

// A Request is a line of the host: a job to run, with its three streams as the
// files that are passed along, or the number of a job to stop.
type Request struct {
	ID   int64 `json:"id"`
	Work *Work `json:"work,omitempty"` // absent: stop the job
}

// Work is what a job runs.
type Work struct {
	// Command is the program and its arguments. A name without a slash is looked
	// for in the PATH of the job.
	Command []string `json:"command"`
	// Env is added to the container's environment, as NAME=VALUE.
	Env []string `json:"env,omitempty"`
	// Dir is the working directory. "": the container's.
	Dir string `json:"dir,omitempty"`
	// Grace is how long a job that is stopped has between SIGTERM and SIGKILL, in
	// milliseconds. 0: none.
	Grace int64 `json:"grace_ms,omitempty"`
}

// An Answer is the server's line for a job that has ended.
type Answer struct {
	ID int64 `json:"id"`
	Exit
}

// Exit is how a job ended.
type Exit struct {
	// Code is the command's, 128+n if signal n ended it, 127 if there is no such
	// command, 126 if it can't be executed, 125 if the job failed otherwise; its
	// stderr then says why.
	Code int `json:"code"`
	// OutOfMemory says that the kernel ended a process of the job for want of
	// memory.
	OutOfMemory bool `json:"out_of_memory,omitempty"`
	// Spent says why the container takes no further job, "" if it does.
	Spent string `json:"spent,omitempty"`
}

// line is v as a line.
func line(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode for the pool: %w", err)
	}
	return append(data, '\n'), nil
}
