// Package layout draws graphs: it places the tasks of an engine.Graph in layers, and
// writes them as SVG with the state that each is in.
//
//	layouts, err := layout.New(layout.Config{Sandbox: sandbox})
//	if err != nil { … }
//	drawing, err := layouts.Graph(ctx, graph)
//	if err != nil { … }
//	err = drawing.WriteSVG(w, layout.SVG{States: states})
//
// A [Drawing] is plain data: boxes of tasks, boxes of groups around them, and the paths
// of edges. It depends on nothing but the graph and on what arranged it: the same graph
// gives the same bytes.
//
// # How
//
// Scopes are drawn from the inside out: the members of a group side by side in its box,
// then the group as one node among others. Within a member, tasks are put into ranks
// along the direction of their edges; what is left is to find an order in each rank with
// few crossings. dagre does so, a JavaScript library that `make dagre` fetches and the
// program embeds. It is run in a sandbox of package script, and not trusted: whatever it
// answers, boxes do not overlap. Sweeps of barycenters improve its order; where they come
// to fewer crossings from the order of declaration, that is taken. Places, as near to
// their neighbors as can be, are the package's own: those of dagre keep more edges
// straight, but make drawings up to three times as wide.
//
// Where dagre is not there, fails, or would take too long (see Config.MaxUnits), the
// sweeps alone find the order: a hundred times faster, with a few more crossings.
// Drawing.By tells which it was.
//
// The package knows no runs and no HTTP.
package layout
