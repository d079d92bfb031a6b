// Package record keeps what was measured as text, one [Line] of JSON each, and reads
// it again: pages are made of such files and of nothing else, so that a figure on a
// page can be followed to the turn it comes from.
//
// A file may hold several runs one after the other; each begins with its [Machine].
package record
