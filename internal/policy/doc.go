// Package policy has what an operator allows whoever may submit work.
//
// A [Policy] says behind which wall modules run (isolation), whose signatures are
// trusted, and the most that tasks may have: limits and grants. It is read from one
// strict file in YAML by [Parse]; what a file leaves out is as [Node] has it, which is
// what a server or a worker without a file allows. [Own] is for a process that runs
// its user's own work: it bounds nothing.
//
// A [Wall] applies the isolation: it decides by the digest of a module, of which it
// asks who signed it.
//
// The package starts no processes and runs no modules: cells are wasmhost's, and what
// a task may have is held to a policy by its handler. Sections for handlers of other
// kinds (docker) are kept as they are for those.
package policy
