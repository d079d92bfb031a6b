// Package quarantine keeps account of modules, and of code, that killed cells.
//
// A [Store] is one file, which processes of a machine share: each death adds a report,
// and what has killed so many cells is quarantined until somebody lifts that. The
// account survives restarts; it is bounded, so that whoever submits can not fill a
// disk with it.
//
// The package knows neither cells nor modules: it is told of deaths by digest, and
// asked whether a digest may run.
package quarantine
