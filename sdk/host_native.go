//go:build !wasip1

package sdk

import (
	"os"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// host is what native builds run on: a [Local], or a host that is reached over a
// socket. Its methods mean what the functions of [abi.Module] do.
type host interface {
	input() ([]byte, error)
	output(data []byte) error
	fail(kind, message string, flags int64)
	log(level int32, line string)
	progress(done, total float64, note string)
	meta() ([]byte, error)
	result(id string) ([]byte, error)
	channelGet(key string) ([]byte, error)
	channelSet(key string, value []byte) error
	channelDelete(key string) error
	channelAppend(key string, value []byte) error
	channelPrepend(key string, value []byte) error
	channelAdd(key string, value []byte) error
	channelKeys(prefix string) ([]byte, error)
	nextTask(next []byte) error
	nextIteration(data []byte) error
	terminate(message string) error
	cancel(message string) error
	pause(p []byte) ([]byte, error)
	checkpoint(meta []byte) error
	checkpointAs(name string, meta []byte) error
	secret(name string) ([]byte, error)
	http(req []byte) ([]byte, error)
	tool(name string, args []byte) ([]byte, error)
	tools(calls []byte) ([]byte, error)
}

// thisHost is the host of this program: that of its container, if there is one.
func thisHost() host {
	if path := os.Getenv(abi.EnvSocket); path != "" {
		return dial(path)
	}
	return NewLocal(LocalConfig{})
}

// leave ends what thisHost began.
func leave(h host) {
	if c, ok := h.(*connection); ok {
		c.close()
	}
}
