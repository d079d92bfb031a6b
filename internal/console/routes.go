package console

import (
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// who asks.
type who struct {
	Role ops.Role
	Name string
}

// May tells whether they may do what a role may.
func (w who) May(role string) bool { return w.Role.May(ops.Role(role)) }

// answer answers a request; an error becomes a page that tells it.
type answer func(w http.ResponseWriter, r *http.Request, by who) error

// Largest bodies of requests, in bytes.
const (
	maxForm = 20 << 20 // a flow file has 16 MiB at most, and is escaped
	maxRead = 1 << 10  // of a request that has none
)

// routing adds routes to a mux.
type routing struct {
	*http.ServeMux

	console *Console
}

// on answers requests of who may do what a role may.
func (r routing) on(pattern string, needs ops.Role, f answer) {
	r.Handle(pattern, r.console.guard(needs, maxForm, f))
}

func (c *Console) routes() http.Handler {
	r := routing{http.NewServeMux(), c}
	r.Handle("GET /static/", static())
	r.HandleFunc("GET /login", c.loginPage)
	r.HandleFunc("POST /login", c.login)
	r.HandleFunc("POST /logout", c.logout)
	r.on("GET /{$}", ops.RoleViewer, c.home)
	r.on("/", ops.RoleViewer, c.nothing)
	c.runRoutes(r)
	c.flowRoutes(r)
	c.moduleRoutes(r)
	c.clusterRoutes(r)
	c.scheduleRoutes(r)
	c.secretRoutes(r)
	if c.Service.Code != nil {
		r.on("GET /code", ops.RoleSubmitter, c.codePage)
		r.on("POST /code", ops.RoleSubmitter, c.runCode)
	}
	return r
}

func (c *Console) runRoutes(r routing) {
	if c.Service.Runs == nil {
		return
	}
	viewer, submitter := ops.RoleViewer, ops.RoleSubmitter
	r.on("GET /runs", viewer, c.runs)
	r.on("GET /runs/{run}", viewer, c.run)
	r.on("GET /runs/{run}/graph", viewer, c.runGraph)
	r.on("GET /runs/{run}/tasks", viewer, c.runTasks)
	r.on("GET /runs/{run}/task", viewer, c.runTask)
	r.on("GET /runs/{run}/logs", viewer, c.runLogs)
	r.on("GET /runs/{run}/events", viewer, c.runEvents)
	r.on("GET /runs/{run}/data", viewer, c.runData)
	r.on("GET /runs/{run}/live", viewer, c.runLive)
	r.on("GET /runs/{run}/files/{digest}", viewer, c.runFile)
	r.on("GET /runs/{run}/checkpoint", viewer, c.exportRun)
	r.on("POST /runs/{run}/cancel", submitter, c.cancelRun)
	r.on("POST /runs/{run}/pause", submitter, c.pauseRun)
	r.on("POST /runs/{run}/resume", submitter, c.resumeRun)
	r.on("POST /runs/{run}/answer", submitter, c.answerRun)
	r.on("POST /runs/{run}/retry", submitter, c.retryRun)
	r.on("POST /runs/{run}/fork", submitter, c.forkRun)
	r.on("GET /runs/{run}/delete", ops.RoleOperator, c.confirmDelete)
	r.on("POST /runs/{run}/delete", ops.RoleOperator, c.deleteRun)
	r.on("GET /submit", submitter, c.submitPage)
	r.on("POST /submit", submitter, c.submit)
}

func (c *Console) flowRoutes(r routing) {
	if c.Service.Flows == nil {
		return
	}
	r.on("GET /flows", ops.RoleViewer, c.flows)
	r.on("GET /flows/new", ops.RoleOperator, c.newFlow)
	r.on("POST /flows", ops.RoleOperator, c.putFlow)
	r.on("GET /flows/{flow}", ops.RoleViewer, c.flow)
	r.on("GET /flows/{flow}/remove", ops.RoleOperator, c.confirmRemoveFlow)
	r.on("POST /flows/{flow}/remove", ops.RoleOperator, c.removeFlow)
}

func (c *Console) moduleRoutes(r routing) {
	if c.Service.Modules == nil {
		return
	}
	r.on("GET /modules", ops.RoleViewer, c.modules)
	r.on("GET /modules/{module}", ops.RoleViewer, c.module)
	r.on("GET /modules/{module}/content", ops.RoleViewer, c.moduleContent)
	r.on("GET /modules/{module}/remove", ops.RoleOperator, c.confirmRemoveModule)
	r.on("POST /modules/{module}/remove", ops.RoleOperator, c.removeModule)
	r.Handle("POST /modules", c.guard(ops.RoleOperator, c.MaxModule+maxForm, c.pushModule))
}

func (c *Console) clusterRoutes(r routing) {
	if c.Service.Queues != nil || c.Service.Workers != nil {
		r.on("GET /queues", ops.RoleViewer, c.queues)
	}
	if c.Service.Queues != nil {
		r.on("POST /queues/{queue}/limit", ops.RoleOperator, c.limitQueue)
	}
	if c.Service.DeadLetters != nil {
		r.on("GET /dead", ops.RoleViewer, c.deadLetters)
		r.on("GET /dead/{number}", ops.RoleViewer, c.deadLetter)
		r.on("POST /dead/{number}/retry", ops.RoleOperator, c.retryDead)
		r.on("POST /dead/{number}/remove", ops.RoleOperator, c.removeDead)
	}
}

func (c *Console) scheduleRoutes(r routing) {
	if c.Service.Schedules == nil {
		return
	}
	r.on("GET /schedules", ops.RoleViewer, c.schedules)
	r.on("GET /schedules/new", ops.RoleOperator, c.newSchedule)
	r.on("POST /schedules", ops.RoleOperator, c.putSchedule)
	r.on("GET /schedules/{schedule}", ops.RoleViewer, c.schedule)
	r.on("POST /schedules/{schedule}/pause", ops.RoleOperator, c.pauseSchedule)
	r.on("POST /schedules/{schedule}/resume", ops.RoleOperator, c.resumeSchedule)
	r.on("POST /schedules/{schedule}/trigger", ops.RoleOperator, c.triggerSchedule)
	r.on("GET /schedules/{schedule}/remove", ops.RoleOperator, c.confirmRemoveSchedule)
	r.on("POST /schedules/{schedule}/remove", ops.RoleOperator, c.removeSchedule)
}

func (c *Console) secretRoutes(r routing) {
	if c.Service.Secrets == nil {
		return
	}
	r.on("GET /secrets", ops.RoleOperator, c.secrets)
	r.on("POST /secrets", ops.RoleOperator, c.setSecret)
	r.on("GET /secrets/{secret}/remove", ops.RoleOperator, c.confirmRemoveSecret)
	r.on("POST /secrets/{secret}/remove", ops.RoleOperator, c.removeSecret)
}
