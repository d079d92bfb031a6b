// Package pooled is the wire between a host and the pool server of a container:
// PID 1 of a container that outlives its jobs, `graflow-inside serve`.
//
// The host makes a socket in a directory that it mounts into the container
// ([Listen]), the server connects to it before it has run anything
// ([Listener.Accept]), and the socket is gone from then on: no job can reach
// either end. [Server.Run] runs one job at a time. Its standard streams are pipes
// of the host, handed over with the job, so that what a job prints never mixes
// with another's and nobody copies it inside the container.
//
// The server promises that what a job leaves behind (processes, files, shared
// memory) is gone before the next one begins. If it can't keep that, it says so
// in [Exit] and ends. The package does not know what makes containers, which
// jobs may share one, or how a job talks to the run.
package pooled
