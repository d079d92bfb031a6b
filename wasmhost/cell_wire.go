package wasmhost

import (
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Frames between a host and its cells. A host sends hello once, a module before the
// first call of it, then call after call; the cell answers a module with ready, and a
// call with a result. In between the cell asks and the host answers, one request at a
// time. Files and images come before the frame that they belong to.
const (
	frameHello    byte = iota + 1 // host: cellHello
	frameModule                   // host: cellModule, the metered module, its code as a file
	frameReady                    // cell: cellReady
	frameFile                     // both: cellFile, its content
	frameImage                    // both: an image's bytes
	frameCall                     // host: cellCall, the input, directories
	frameCancel                   // host: cellCancel
	frameRequest                  // cell: cellRequest, a payload
	frameAnswer                   // host: cellAnswer, a payload
	frameLog                      // cell: cellLog, the line
	frameProgress                 // cell: cellProgress
	frameResult                   // cell: cellResult, the output
)

// cellHello is what the host of a cell is configured with.
type cellHello struct {
	MaxModuleBytes int64 `json:"max_module_bytes"`
	MemoryBytes    int64 `json:"memory_bytes"`
	IdleBytes      int64 `json:"idle_bytes"`
	Portable       bool  `json:"portable,omitempty"`
}

// cellModule is what the host has found of a module, and names the code that comes with
// it: a cell reads and meters nothing itself.
type cellModule struct {
	Digest    string    `json:"digest"`
	Code      string    `json:"code"`
	Admission admission `json:"admission"`
}

// cellReady answers a module: what is wrong with it, or "".
type cellReady struct {
	Error string `json:"error,omitempty"`
}

// cellFile is a file of a mount in memory, or one that is collected.
type cellFile struct {
	Mount int    `json:"mount,omitempty"`
	Name  string `json:"name"`
}

// cellCall is a call; without an export it only prewarms a sandbox. Mounts of the machine are named by the order of the
// directories that come with it.
type cellCall struct {
	ID           uint64        `json:"id"`
	Digest       string        `json:"digest"`
	Export       string        `json:"export"`
	Name         string        `json:"name"`
	Limits       Limits        `json:"limits"`
	Timeout      time.Duration `json:"timeout,omitempty"`
	Left         time.Duration `json:"left,omitempty"` // until the caller's deadline
	Grants       Grants        `json:"grants"`
	Collect      []string      `json:"collect,omitempty"`
	Keep         bool          `json:"keep,omitempty"`
	KeepBytes    int64         `json:"keep_bytes,omitempty"`
	Reproducible bool          `json:"reproducible,omitempty"`
	Meta         *abi.Meta     `json:"meta,omitempty"`
	Offers       cellOffers    `json:"offers"`
	Waited       time.Duration `json:"waited,omitempty"`
}

// cellOffers tells which services there are.
type cellOffers struct {
	Results  bool `json:"results,omitempty"`
	Channel  bool `json:"channel,omitempty"`
	Control  bool `json:"control,omitempty"`
	Secrets  bool `json:"secrets,omitempty"`
	Tools    bool `json:"tools,omitempty"`
	Log      bool `json:"log,omitempty"`
	Progress bool `json:"progress,omitempty"`
	Stdout   bool `json:"stdout,omitempty"`
	Stderr   bool `json:"stderr,omitempty"`
	Waited   bool `json:"waited,omitempty"`
}

// cellCancel ends a call, if that still runs.
type cellCancel struct {
	Call  uint64 `json:"call"`
	Cause string `json:"cause"`
}

// cellRequest asks for a service: the payload is what the method takes beside Name.
type cellRequest struct {
	Op   string `json:"op"` // a name of package abi, or opStdout, opStderr
	Name string `json:"name,omitempty"`
}

// Requests that are no functions of package abi.
const (
	opStdout = "stdout"
	opStderr = "stderr"
)

// cellAnswer answers a request: with its payload, if nothing else is set.
type cellAnswer struct {
	Code   abi.Code       `json:"code,omitempty"`   // for the guest
	Tool   *abi.ToolError `json:"tool,omitempty"`   // a tool's own failure
	Denied *cellDenied    `json:"denied,omitempty"` // by the rules of egress
	Failed string         `json:"failed,omitempty"` // a request of the network
	Stop   *cellStop      `json:"stop,omitempty"`   // the attempt ends
	Ended  bool           `json:"ended,omitempty"`  // with the time of the call
	Waited time.Duration  `json:"waited,omitempty"`
}

type cellDenied struct {
	Target string `json:"target"`
	Why    string `json:"why"`
}

// cellStop is the failure of a service. The host keeps the error itself.
type cellStop struct {
	Message string `json:"message"`
	Paused  bool   `json:"paused,omitempty"`
	// What errors.Is finds of the context's errors.
	Canceled bool `json:"canceled,omitempty"`
	Late     bool `json:"late,omitempty"`
}

type cellLog struct {
	Level int `json:"level"`
}

type cellProgress struct {
	Done  float64 `json:"done"`
	Total float64 `json:"total"`
	Note  string  `json:"note,omitempty"`
}

// cellResult is how a call has ended.
type cellResult struct {
	Ledger  Ledger        `json:"ledger"`
	NoImage string        `json:"no_image,omitempty"`
	Output  bool          `json:"output,omitempty"` // the payload is it
	Source  Source        `json:"source"`
	Started time.Duration `json:"started"`
	Failure *cellFailure  `json:"failure,omitempty"`
	Why     string        `json:"why,omitempty"` // the module can't be snapshotted
}

// cellFailure is an error of a call. Cause names what errors.Is would find.
type cellFailure struct {
	Trap       bool          `json:"trap"`
	Kind       string        `json:"kind,omitempty"`
	Message    string        `json:"message"`
	Stack      []string      `json:"stack,omitempty"`
	Permanent  bool          `json:"permanent,omitempty"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Cause      string        `json:"cause,omitempty"`
	Denied     string        `json:"denied,omitempty"` // a capability
}
