// Package meter rewrites WebAssembly modules so that a host can stop them.
//
// [Rewrite] emits a module that behaves as the original one and also
//
//   - counts fuel: every function and every loop that is branched back to
//     charges the cost of what it does without the loops within it, and calls
//     the imported function graflow:meter.yield when fuel is below zero. Where
//     a br_table leads is charged when it is reached, and small functions are
//     charged for by their callers;
//   - counts the stack: functions that may recurse charge their frame, and
//     yield is called when the stack falls below zero;
//   - limits how far tables grow, and notes in a flag when code changes a
//     table or drops a segment;
//   - merges data segments that code can't name, as engines keep each of them
//     for each instance;
//   - exports these counters and the guest's own mutable globals under names
//     that begin with "graflow:".
//
// What was added can't be named by the guest: it is appended to the index
// spaces, and [wasmbin.Parse] has checked every index against the original
// ones. Costs depend on the module alone, so that the same work takes the same
// fuel everywhere; cost.go is the tariff.
//
// The package does not run anything: refilling, deadlines and what to do with
// a guest that has used up its fuel are the host's.
package meter
