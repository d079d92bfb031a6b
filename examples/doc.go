// Package examples holds flows to read and to run, each in a directory with its
// README. Its test builds the command and runs them all.
package examples
