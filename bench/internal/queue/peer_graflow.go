package queue

// graflowPeers are our own engine on natsbus, one for each of its profiles. While
// there are none, the table has no row of ours.
//
// Open starts the embedded server with its store in dir, and a [System] on it that
// is as ours is used: Submit starts a run of a flow of one task, whose input is
// the job's number, and returns once the run is accepted. Work starts a worker of
// that concurrency, whose task is a native handler that calls handle, so that no
// sandbox is measured. Unfinished is the number of runs that have not ended in the
// journal. Class, Config and Loses say what the profile promises.
var graflowPeers []Peer
