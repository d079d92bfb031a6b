package layout

// Drawing is a graph as boxes and paths, in pixels from its upper left corner. It is
// read-only.
type Drawing struct {
	Name          string // of the graph
	Description   string
	Width, Height float64
	Direction     Direction // that of most edges
	By            string    // what arranged it: "dagre 3.1.3", or "graflow"
	Nodes         []Node    // tasks, in order of declaration
	Groups        []Group   // an outer one before those in it
	Edges         []Edge
}

// Direction is where edges lead.
type Direction string

// Directions.
const (
	Right Direction = "right"
	Down  Direction = "down"
)

// Rect is a box.
type Rect struct {
	X, Y, Width, Height float64 // X and Y are of its upper left corner
}

// Point is a place.
type Point struct{ X, Y float64 }

// Node is a task as a box.
type Node struct {
	Rect

	ID      string
	Label   string // the id, shortened if it is long
	Handler string
	Mark    string // the handler, or the language of a script, in up to six letters
	Detail  string // what a tooltip tells beside: module, image, map
	Group   string // the innermost in whose box it is, "" is none
	Map     bool   // it runs once an item
	Standby bool   // only there as another's fallback, rollback or tool
}

// Group is a group as a box around its members.
type Group struct {
	Rect

	ID    string
	Label string // id and policy, shortened if they are long
	Group string // in whose box it is, "" is none
}

// EdgeKind says what an edge means.
type EdgeKind string

// Kinds of edges.
const (
	EdgeFlow     EdgeKind = "flow"     // one of the graph
	EdgeFallback EdgeKind = "fallback" // to the task that steps in
	EdgeRollback EdgeKind = "rollback" // to the task that undoes
	EdgeTool     EdgeKind = "tool"     // to a task that may be called
)

// Edge is a path from the border of a node's or group's box to that of another.
type Edge struct {
	From, To string
	Kind     EdgeKind
	When     string // the condition, "" is none
	Back     bool   // it leads against the direction, as in a cycle

	// Path is a cubic spline: a point, then three for each segment.
	Path  []Point
	Label string // When, or the kind, shortened if it is long; "" is none
	// LabelAt is the label's box.
	LabelAt Rect
}
