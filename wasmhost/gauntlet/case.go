package gauntlet

import "time"

// The ABIs that the modules speak.
const (
	ABICore    = "core"         // no imports; exports of type () -> i32
	ABIReactor = "wasi-reactor" // imports wasi_snapshot_preview1; exports of type () -> i32
	ABICommand = "wasi-command" // imports wasi_snapshot_preview1; exports _start
	ABIGraflow = "graflow-v1"   // imports graflow_v1, see docs/abi.md; exports of type () -> i32
)

// Case is one attack.
type Case struct {
	Name   string `json:"name"`   // "group/case", unique
	Group  string `json:"group"`  // the first part of Name
	Attack string `json:"attack"` // what a naive host suffers, in one sentence
	ABI    string `json:"abi"`
	// Module makes the module's bytes, the same every time.
	Module func() []byte `json:"-"`
	// Exports are called one after the other, each in a pristine sandbox, and
	// each must end as the verdict says. Whatever the type of an export, a
	// result (of a command: an exit code) other than 0 means that the attack
	// succeeded.
	Exports []string `json:"exports"`
	// Repeat is how often Exports is gone through. 0 is once.
	Repeat int `json:"repeat,omitempty"`
	// Parallel is how many go through it at the same time. 0 is one.
	Parallel int `json:"parallel,omitempty"`
	// Input is the call's input: JSON, found by input_read or on stdin. In it
	// "{server}" and "{inner}" stand for the addresses of Setup.Server.
	Input   string  `json:"input,omitempty"`
	Limits  Limits  `json:"limits"`
	Setup   Setup   `json:"setup"`
	Verdict Verdict `json:"verdict"`
}

// Limits are what every call is held to. Those that a host can't set it leaves;
// a case that needs them is then lost. 0 is the host's own default.
type Limits struct {
	Compile       time.Duration `json:"compile_ns"` // processor time
	Timeout       time.Duration `json:"timeout_ns"`
	Fuel          int64         `json:"fuel,omitempty"` // instructions; bulk operations by length
	Memory        int64         `json:"memory"`         // bytes of linear memory
	Stack         int64         `json:"stack,omitempty"`
	TableElements int64         `json:"table_elements"`
	OutputBytes   int64         `json:"output_bytes"` // stdout, or output_write
	LogBytes      int64         `json:"log_bytes"`    // stderr, or log
	OpenFiles     int64         `json:"open_files"`
	DiskBytes     int64         `json:"disk_bytes"` // that may be added to the mount
	HostCalls     int64         `json:"host_calls,omitempty"`
	HTTPRequests  int64         `json:"http_requests,omitempty"`
	HTTPBytes     int64         `json:"http_bytes,omitempty"`
	ChannelOps    int64         `json:"channel_ops,omitempty"`
}

// Mounts of a Setup.
const (
	MountReadOnly = "read-only" // a directory of the machine
	MountWritable = "writable"  // the same, writable
	MountMemory   = "memory"    // an empty tree in memory, one for each call
)

// Setup is what the host grants to the guest: nothing but this, and with
// ABIGraflow the channel and control.
type Setup struct {
	// Mount is shown as /data (file descriptor 3), or nothing is. A directory of
	// the machine has in it "file", with the text "inside"; "sub/file"; and
	// links that lead out: "link" to ../outside, "absolute" to the absolute path
	// of the same, "secret" to ../outside/secret, "self" to /proc/self. Beside
	// the directory is outside/secret with the text "secret". After the case
	// the tree outside must be what it was; a read-only mount too; a writable
	// one must not hold more than Limits.DiskBytes, by the sizes of its files,
	// nor more than EntriesMost entries.
	Mount string `json:"mount,omitempty"`
	// Env is the guest's environment.
	Env map[string]string `json:"env,omitempty"`
	// Server starts two HTTP servers on 127.0.0.1, as ServerPaths says.
	Server bool `json:"server,omitempty"`
	// HTTP are the granted hosts, as host:port, with http:// in front where
	// https is not meant; "{server}" stands for the first server, "{port}" for
	// its port, "*:*" for any host and port.
	HTTP []string `json:"http,omitempty"`
	// Networks are the networks granted beyond the public internet.
	Networks []string `json:"networks,omitempty"`
	// ServerHits is how many requests the first server may get. The second,
	// "{inner}", must never get one.
	ServerHits int `json:"server_hits,omitempty"`
	// Describe asks the module for its description instead of calling an export.
	Describe bool `json:"describe,omitempty"`
	// Denied takes the grants of channel and control away.
	Denied bool `json:"denied,omitempty"`
}

// EntriesMost is how many files and directories a guest may make in a mount of
// the machine, whatever their sizes.
const EntriesMost = 50_000

// ServerPaths tells what the first server of a Setup answers.
var ServerPaths = map[string]string{
	"/":        "200 and the text ok",
	"/hop":     "302 to the same path on the second server",
	"/hop-ip":  "302 to the second server by its address written as one number",
	"/circle":  "302 to itself, without end",
	"/flood":   "200 and a body without end",
	"/header":  "a header without end",
	"/silence": "nothing, and the connection stays open",
}
