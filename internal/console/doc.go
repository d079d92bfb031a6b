// Package console shows an ops.Service to people, in a browser: runs with their graph,
// timeline, logs and data, flows, modules, queues, workers, dead letters, schedules,
// secrets, and a page to try code that nobody trusts.
//
// A [Console] answers with HTML that the server renders. All can be read, and all can
// be done, without script: actions are forms. One small script keeps pages up to date:
// it fetches them anew, when the stream of a run tells that something has happened, and
// puts what differs in place.
//
// Who asks has logged in with a token, which a cookie holds from then on. What a role may
// not do has no button, and is refused. Requests from pages of other origins are
// refused too. A page loads nothing from elsewhere and runs no script but its own:
// the Content-Security-Policy of each answer says so.
//
// The package knows no cluster, no sandbox and no storage: a Service does.
package console
