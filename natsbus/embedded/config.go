package embedded

import (
	"log/slog"
	"time"
)

// Config says how a server runs. Of the zero value only Dir is missing: then it
// listens nowhere.
type Config struct {
	// Dir is where the server keeps what it stores. It is made if it is not there.
	Dir string
	// Listen is the "host:port" on which clients connect, port 0 for any that is
	// free; "": none, connections are made in this process alone.
	Listen string
	// Insecure permits listening without TLS on an address that is not a loopback.
	Insecure bool
	// TLS of clients and of the other servers; with those, each side needs a
	// certificate that is good for both sides.
	TLS TLS
	// Users are those who may connect, beside this process.
	Users []User
	// Credentials is the directory of the credentials, a file for each user; "" is
	// "credentials" in Dir. What is missing there is drawn. The servers of a cluster
	// need the same ones: copy those of the first to the others.
	Credentials string
	// Sync says what an acknowledged write survives.
	Sync Sync
	// MaxStore bounds what is stored, in bytes; 0 is three quarters of what was free
	// on the disk when the server started.
	MaxStore int64
	// Name is the server's name, which in a cluster is its own, for ever; "" draws
	// one at the first start, and keeps it in Dir.
	Name string
	// Cluster makes the server one of several.
	Cluster Cluster
	// Logger is for what the server tells; nil is slog.Default(). What it is not
	// alarmed about comes at level debug.
	Logger *slog.Logger
}

// TLS says how a listener proves what it is.
type TLS struct {
	Cert, Key string // files in PEM; both or none
	CA        string // file in PEM of those who sign clients and other servers; "": the system's
	Verify    bool   // clients must have a certificate too
}

// User may connect, and may do what is listed.
type User struct {
	// Name is the name of the user's file in the directory of credentials, without
	// its ending.
	Name string
	// Publish and Subscribe are the subjects, possibly with wildcards, that are
	// allowed; nothing else is. "{{subject()}}" in them stands for the user's public
	// key. Such a user has an account of its own, see package access.
	Publish, Subscribe []string
	// All allows everything.
	All bool
}

// Sync is what an acknowledged write survives.
type Sync string

// syncInterval is how often what was written is brought to the disk.
const syncInterval = time.Second

// Durability classes.
const (
	// SyncDefault hands each write to the operating system before it is
	// acknowledged: it survives the death of the process, however it comes. What was
	// acknowledged in the last second may be lost with the machine's power.
	SyncDefault Sync = ""
	// SyncAlways has each write on the disk before it is acknowledged.
	SyncAlways Sync = "always"
)

// Cluster is how a server finds the others.
type Cluster struct {
	Name   string   // the same in all servers; "": the server is alone
	Listen string   // "host:port" on which the other servers connect
	Routes []string // "host:port" of all servers, or of all others
}
