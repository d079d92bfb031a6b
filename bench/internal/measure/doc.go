// Package measure times things that compete, side by side: in rounds, in each of
// which every contender has its turn, so that what else the machine does hits
// all of them alike. A [Result] keeps every time; its two halves, of the earlier
// and the later rounds, show how far the machine can be trusted.
package measure
