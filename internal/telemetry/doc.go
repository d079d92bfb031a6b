// Package telemetry measures what a process does, and follows runs from process to
// process: Prometheus metrics of its own registry, and OpenTelemetry spans sent by
// OTLP over HTTP.
//
// [New] makes a [Telemetry]. What does the work knows nothing of it: it is told by the
// probes that [Telemetry.Engine] and [Telemetry.Host] return, and by
// [Telemetry.Published]; [Telemetry.Watch] names what is asked when somebody scrapes
// [Telemetry.Handler]. A nil *Telemetry measures and follows nothing, and its probes
// are those that cost nothing.
//
// # Metrics
//
// An attempt is counted without a lock and without an allocation. Labels are handlers,
// outcomes, kinds of errors that are known, queues and statuses, each of them bounded;
// runs, tasks and flows never are labels.
//
// # Traces
//
// A run's trace is a W3C traceparent that goes with its first event: see
// engine.Start. The span of a run is known to all processes beforehand, since its id
// is made of the run's, and is sent by the one that sees the run's end. Spans of
// attempts are children of it, or of the attempt that has called the task.
package telemetry
