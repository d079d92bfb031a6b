package natsbus

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/natsbus/access"
)

// Role is what a user of the cluster is for.
type Role string

// Roles. Each may do its work, and nothing else.
const (
	// RoleSubmitter starts runs, asks their owners, and reads what becomes of them.
	RoleSubmitter Role = "submitter"
	// RoleWorker executes: it takes tickets and commits. It decides nothing.
	RoleWorker Role = "worker"
	// RoleOperator asks owners, keeps modules and dead letters, and sees everything.
	RoleOperator Role = "operator"
	// RoleViewer sees everything.
	RoleViewer Role = "viewer"
	// RoleOwner is for processes that drive runs: everything in the account is theirs.
	RoleOwner Role = "owner"
)

// Roles lists the roles.
func Roles() []Role {
	return []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer, RoleOwner}
}

// Perms are the subjects on which a user may publish, and those to which it may
// subscribe; with All it may do everything. [Self] in them stands for the user.
type Perms struct {
	Publish, Subscribe []string
	All                bool
}

// Self stands for a user's public key, or its name if it has a password, as in the
// templates of JWTs.
const Self = access.Self

// Permissions are those of a role in a namespace; "" is "main".
//
// What is written is a namespace's own. What is read is not: JetStream's requests
// name a stream, and what they want of it only in their payload, but for blobs. So
// are tickets, of which a worker may take and ack any, and what an operator purges.
// Teams that must not see one another need an account each.
//
// Nobody but owners may create consumers: what a consumer delivers the server
// publishes on a subject of its creator's choice. Answers to requests it publishes on
// one of the requester's choice, so a user with these permissions is to have an
// account of its own, which [Template] gives it.
func Permissions(role Role, namespace string) (Perms, error) {
	ns := token(cmp.Or(namespace, "main"))
	var p Perms
	switch role {
	case RoleSubmitter:
		p = submitterPerms(ns)
	case RoleWorker:
		p = workerPerms(ns)
	case RoleOperator:
		p = operatorPerms(ns)
	case RoleViewer:
		p = viewerPerms(ns)
	case RoleOwner:
		return Perms{All: true}, nil
	default:
		return Perms{}, fmt.Errorf("role %q: want one of %q", role, Roles())
	}
	p.Subscribe = append(p.Subscribe, inboxPrefix+Self+".>")
	slices.Sort(p.Publish)
	slices.Sort(p.Subscribe)
	return p, nil
}

func submitterPerms(ns string) Perms {
	return Perms{
		Publish: slices.Concat(
			[]string{
				"gf.run.*." + ns + ".*" + leafStart, // once, if it expects none
				"gf.blob." + ns + ".>",              // what a run begins with
				"gf.mod." + ns + ".c.*.*",           // its code, by digest: who loads it compares
				"gf.mod." + ns + ".r." + token(LocalModules) + ".>",
				"gf.ctl." + ns + ".*", // requests to owners
				apiPrefix + "STREAM.INFO." + streamTasks,
				apiPrefix + "CONSUMER.INFO." + streamTasks + ".*", // whether there is room
			},
			reads(streamRuns, streamIndex, streamArchive, streamNotices, streamModules, streamNodes, streamDocuments),
			readsBlobs(ns),
		),
		Subscribe: follows(ns),
	}
}

func workerPerms(ns string) Perms {
	return Perms{
		Publish: slices.Concat(
			[]string{
				"gf.run.*." + ns + ".*.t.*", // commits, each on its activation's chain
				"gf.blob." + ns + ".>",      // large results
				"gf.log." + ns + ".*",       // notices
				"gf.node." + ns + ".w.*",    // that it is there
				"gf.dead." + ns + ".*.*",    // tickets of which nothing can be made
				apiPrefix + "STREAM.INFO." + streamTasks,
				apiPrefix + "CONSUMER.LIST." + streamTasks,
				apiPrefix + "CONSUMER.INFO." + streamTasks + ".*",
				apiPrefix + "CONSUMER.MSG.NEXT." + streamTasks + ".*",
				"$JS.ACK." + streamTasks + ".>",
				"$JS.ACK.*.*." + streamTasks + ".>", // the form of servers to come
			},
			reads(streamRuns, streamIndex, streamArchive, streamModules, streamNodes), // tickets may be of runs that were archived
			readsBlobs(ns),
		),
		Subscribe: []string{"gf.sig." + ns + ".*", "gf.class." + ns},
	}
}

func operatorPerms(ns string) Perms {
	p := viewerPerms(ns)
	p.Publish = append(p.Publish,
		"gf.ctl."+ns+".*",
		"gf.adm."+ns+".*", // of what owners do for operators alone
		"gf.mod."+ns+".>",
		"gf.cfg."+ns+".>",
		apiPrefix+"STREAM.PURGE."+streamModules,
		apiPrefix+"STREAM.PURGE."+streamDocuments,
		apiPrefix+"STREAM.PURGE."+streamDead,
		apiPrefix+"STREAM.MSG.DELETE."+streamDead,
	)
	return p
}

func viewerPerms(ns string) Perms {
	return Perms{
		Publish: slices.Concat(
			[]string{
				apiPrefix + "INFO",
				apiPrefix + "STREAM.NAMES",
				apiPrefix + "STREAM.LIST",
				apiPrefix + "STREAM.INFO." + streamBlobs,
				apiPrefix + "CONSUMER.LIST." + streamTasks,
				apiPrefix + "CONSUMER.INFO." + streamTasks + ".*",
			},
			reads(streamRuns, streamIndex, streamArchive, streamNotices, streamModules, streamNodes, streamDead, streamTasks, streamChannel, streamDocuments),
			readsBlobs(ns),
		),
		Subscribe: follows(ns),
	}
}

// reads is what reading streams takes, through their leaders and from replicas.
func reads(streams ...string) []string {
	var all []string
	for _, s := range streams {
		all = append(all, apiPrefix+"STREAM.INFO."+s, apiPrefix+"STREAM.MSG.GET."+s, apiPrefix+"DIRECT.GET."+s, apiPrefix+"DIRECT.GET."+s+".>")
	}
	return all
}

// readsBlobs is what opening blobs takes.
func readsBlobs(ns string) []string {
	return []string{apiPrefix + "DIRECT.GET." + streamBlobs + ".gf.blob." + ns + ".>"}
}

// follows is what tells that runs go on, which is what is added to their logs, and
// what their attempts tell.
func follows(ns string) []string {
	return []string{"gf.run.*." + ns + ".>", "gf.log." + ns + ".*"}
}
