package api

import "github.com/graflow/graflow-wasm/internal/ops"

// roles says which role each operation needs, by its id. Who may more may it too.
var roles = map[string]ops.Role{
	"show-service": ops.RoleViewer,

	"list-runs":         ops.RoleViewer,
	"show-run":          ops.RoleViewer,
	"show-graph":        ops.RoleViewer,
	"list-events":       ops.RoleViewer,
	"list-logs":         ops.RoleViewer,
	"follow-run":        ops.RoleViewer,
	"export-checkpoint": ops.RoleViewer,
	"read-file":         ops.RoleViewer,

	"submit-run":   ops.RoleSubmitter,
	"cancel-run":   ops.RoleSubmitter,
	"pause-run":    ops.RoleSubmitter,
	"resume-run":   ops.RoleSubmitter,
	"answer-pause": ops.RoleSubmitter,
	"retry-run":    ops.RoleSubmitter,
	"fork-run":     ops.RoleSubmitter,
	"restore-run":  ops.RoleSubmitter,
	"delete-run":   ops.RoleOperator,

	"list-flows":    ops.RoleViewer,
	"show-flow":     ops.RoleViewer,
	"validate-flow": ops.RoleSubmitter,
	"put-flow":      ops.RoleOperator,
	"delete-flow":   ops.RoleOperator,

	"list-modules":  ops.RoleViewer,
	"show-module":   ops.RoleViewer,
	"read-module":   ops.RoleViewer,
	"push-module":   ops.RoleSubmitter, // by name: an operator, see pushModule
	"delete-module": ops.RoleOperator,

	"list-workers": ops.RoleViewer,
	"list-queues":  ops.RoleViewer,
	"limit-queue":  ops.RoleOperator,

	"list-dead-letters":  ops.RoleViewer,
	"show-dead-letter":   ops.RoleViewer,
	"retry-dead-letter":  ops.RoleOperator,
	"delete-dead-letter": ops.RoleOperator,

	"list-schedules":   ops.RoleViewer,
	"show-schedule":    ops.RoleViewer,
	"put-schedule":     ops.RoleOperator,
	"pause-schedule":   ops.RoleOperator,
	"resume-schedule":  ops.RoleOperator,
	"trigger-schedule": ops.RoleOperator,
	"delete-schedule":  ops.RoleOperator,

	"list-secrets":  ops.RoleOperator,
	"put-secret":    ops.RoleOperator,
	"delete-secret": ops.RoleOperator,

	"run-code": ops.RoleSubmitter,

	"list-sessions":  ops.RoleSubmitter,
	"show-session":   ops.RoleSubmitter,
	"put-session":    ops.RoleSubmitter,
	"run-in-session": ops.RoleSubmitter,
	"delete-session": ops.RoleSubmitter,
}
