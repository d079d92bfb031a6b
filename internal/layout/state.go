package layout

// State is how a task stands in a run: what an engine.Status of an activation is, and
// ready. It is a class of the task's element in SVG.
type State string

// States.
const (
	Pending   State = "pending" // it waits for others
	Ready     State = "ready"   // it waits for a worker
	Running   State = "running"
	Retrying  State = "retrying" // it waits for another attempt
	Paused    State = "paused"   // it waits for somebody
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Canceled  State = "canceled"
	Skipped   State = "skipped"
)

// States lists all states, in the order of a run.
func States() []State {
	return []State{Pending, Ready, Running, Retrying, Paused, Succeeded, Failed, Canceled, Skipped}
}

// known is the state, or Pending if it is none.
func (s State) known() State {
	if marks[s] == "" {
		return Pending
	}
	return s
}

// open draws lines of a mark. They are attributes as a style sheet that names an element
// around does not reach into what a use element refers to.
const open = `fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"`

// marks are the shapes that tell states without colors, in 12 by 12 pixels.
var marks = map[State]string{
	Pending:   `<circle cx="6" cy="6" r="4.2" ` + open + `/>`,
	Ready:     `<circle cx="6" cy="6" r="4.2" ` + open + `/><circle cx="6" cy="6" r="1.8"/>`,
	Running:   `<path d="M3 1.5 10.5 6 3 10.5Z"/>`,
	Retrying:  `<path d="M10 4.2A4.4 4.4 0 1 0 10.4 7" ` + open + `/><path d="M11.4 1.6 11 5.6 7.4 4Z"/>`,
	Paused:    `<path d="M2.5 1.5h2.6v9H2.5ZM6.9 1.5h2.6v9H6.9Z"/>`,
	Succeeded: `<path d="M1.8 6.4 4.8 9.4 10.2 2.8" ` + open + `/>`,
	Failed:    `<path d="M2.4 2.4 9.6 9.6M9.6 2.4 2.4 9.6" ` + open + `/>`,
	Canceled:  `<circle cx="6" cy="6" r="4.2" ` + open + `/><path d="M3.2 8.8 8.8 3.2" ` + open + `/>`,
	Skipped:   `<path d="M1.5 2 5.5 6 1.5 10M6.5 2 10.5 6 6.5 10" ` + open + `/>`,
}
