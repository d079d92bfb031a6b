// Package schedule begins runs at times: by cron expressions in time zones, at
// intervals, or once.
//
// [Schedules] keeps schedules as documents of a [Store], which processes share, and a
// [Keeper] in each process that drives runs begins what is due. A due time is taken by
// a compare-and-set on the schedule's document, which says the id of the run that is
// to begin; that id is made of the schedule and the due time. So any number of keepers
// may be there, and die at any moment: a run that was to begin does, and no due time
// has two.
//
// [Check] and [Upcoming] need no store: what they say of a schedule holds everywhere.
//
// The package knows no NATS, no HTTP and no flags, and nothing of what runs do: it
// begins, looks at and cancels them through ops.Runs.
package schedule
