// Package termtest runs programs on a pseudo-terminal, for tests, and tells what a
// person would see on it.
//
// [Open] opens a [Terminal], [Terminal.Start] runs a command on it, and
// [Terminal.WaitFor] waits for something to be seen. The [Screen] knows what this
// project's programs send: text, the movements of its drawings, its modes. What it does
// not know it keeps as a fault. It works on Linux alone.
package termtest
