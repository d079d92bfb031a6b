// Package cluster is the [ops.Service] of a cluster: what a process that is connected
// to one answers to people and to programs.
//
// [New] makes it of a bus, and of what checks and runs code. Runs are begun for the
// cluster to do; what changes one is asked of whoever drives it. The service drives
// nothing and executes no tasks itself.
//
// [Pin] and [WasmRegistry] are the registry of modules to who begins runs and to who
// executes them. Flows are documents on the bus, a version each, named after the
// digests of their texts.
//
// The package knows no HTTP and no flags.
package cluster
