// Package runner holds package wasmhost to the gauntlet.
//
// [Run] starts the program again for one case and judges what that child
// reports: how admission and each call ended, how long they took, how far the
// process grew, and how long meanwhile its own goroutines and its garbage
// collector had to wait. A child that dies, hangs or grows without end is a lost
// case and nothing more. The program calls [Child] first in main, or in TestMain.
//
// Everything that is particular to the host is in host.go and services.go; the
// rest would do for any other.
package runner
