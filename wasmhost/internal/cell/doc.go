// Package cell runs what is not trusted in child processes of this program, each
// behind as many walls as the system gives.
//
// A [Pool] starts cells, gives each to one user at a time, and never to two
// tenants. User and [Cell] talk in frames over a socket pair: [Conn.Write],
// [Conn.Read]. In the child, [Child] puts the walls up and then serves the other
// end. A cell that stops giving signs of life is killed, as is one that
// its user kills; a [Death] tells how it ended. [Examine] tells which walls stand
// on this system, and why others don't.
//
// The child is the enemy: whatever it sends, the parent neither panics, nor takes
// much more memory than was sent, nor uses a descriptor.
//
// The package knows nothing of WebAssembly, nor of what the frames say. Cells
// need Linux; elsewhere New fails with [ErrSystem].
package cell
