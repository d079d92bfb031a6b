package ops

// Service is all that can be asked. A part that is nil is not to be had there.
type Service struct {
	Runs        Runs
	Flows       Flows
	Modules     Modules
	Workers     Workers
	Queues      Queues
	DeadLetters DeadLetters
	Schedules   Schedules
	Secrets     Secrets
	Code        Code
	Sessions    Sessions
	// Version is that of the program that answers.
	Version string
	// Namespace is that of the cluster whose runs these are.
	Namespace string
}

// Role says what a caller may ask for. Each may do what those before it may.
type Role string

// Roles.
const (
	// RoleViewer sees everything but secrets.
	RoleViewer Role = "viewer"
	// RoleSubmitter also begins and steers runs, and runs code.
	RoleSubmitter Role = "submitter"
	// RoleOperator also keeps modules, flows, schedules, dead letters and queues, sets
	// secrets, and removes runs.
	RoleOperator Role = "operator"
)

var rank = map[Role]int{RoleViewer: 1, RoleSubmitter: 2, RoleOperator: 3}

// Roles lists the roles, the one that may least first.
func Roles() []Role { return []Role{RoleViewer, RoleSubmitter, RoleOperator} }

// Valid tells whether it is one of Roles.
func (r Role) Valid() bool { return rank[r] > 0 }

// May tells whether a caller of this role may ask for what needs another. One that is
// not Valid may nothing.
func (r Role) May(needs Role) bool { return rank[r] > 0 && rank[r] >= rank[needs] }
