package access

import (
	"fmt"
	"slices"
	"strings"
)

// Account is the one in which streams are, and the users that may do everything.
const Account = "GRAFLOW"

// Self stands for a user's public key in the subjects of its lists.
const Self = "{{subject()}}"

// User is one who may connect.
type User struct {
	// Name is part of the name of the user's account.
	Name string
	// Key is the user's public key.
	Key string
	// InProcess refuses connections from outside the server's process.
	InProcess bool
	// All permits everything.
	All bool
	// Publish and Subscribe are the subjects that are permitted, unless all are. Those
	// to which a user subscribes are its own if they are about [Self], otherwise they
	// are those of the account with the streams.
	Publish, Subscribe []string
}

// Config is the part of a server's configuration that says who may do what.
func Config(users ...User) string {
	var b strings.Builder
	fmt.Fprintf(&b, "accounts: {\n  %q: {\n    jetstream: enabled\n", Account)
	writeList(&b, "    users", insiders(users))
	writeList(&b, "    exports", exports(users))
	b.WriteString("  }\n")
	for _, u := range users {
		if u.All {
			continue
		}
		fmt.Fprintf(&b, "  %q: {\n", Account+"-"+u.Name)
		writeList(&b, "    users", []string{u.text()})
		writeList(&b, "    imports", u.imports())
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func writeList(b *strings.Builder, name string, all []string) {
	fmt.Fprintf(b, "%s: [\n", name)
	for _, item := range all {
		fmt.Fprintf(b, "      %s\n", item)
	}
	b.WriteString("    ]\n")
}

// insiders are the users of the account with the streams.
func insiders(users []User) []string {
	var all []string
	for _, u := range users {
		if u.All {
			all = append(all, u.text())
		}
	}
	return all
}

func (u User) text() string {
	text := fmt.Sprintf("{nkey: %q", u.Key)
	if u.InProcess {
		text += ", allowed_connection_types: [IN_PROCESS]"
	}
	if !u.All {
		text += fmt.Sprintf(", permissions: {publish: %s, subscribe: %s}", u.permit(u.Publish), u.permit(u.Subscribe))
	}
	return text + "}"
}

// permit is a list of subjects. A server takes an empty one for no restriction.
func (u User) permit(subjects []string) string {
	if len(subjects) == 0 {
		return `{deny: [">"]}`
	}
	quoted := make([]string, len(subjects))
	for i, s := range subjects {
		quoted[i] = fmt.Sprintf("%q", strings.ReplaceAll(s, Self, u.Key))
	}
	return "{allow: [" + strings.Join(quoted, ", ") + "]}"
}

// accountInfo is imported into every account, whoever may publish on it: one that has
// it not is taken for one without JetStream, and its requests are answered that there
// is none, beside the true answer.
const accountInfo = "$JS.API.INFO"

// services are the subjects of a user's requests.
func (u User) services() []string {
	if slices.Contains(u.Publish, accountInfo) {
		return u.Publish
	}
	return append([]string{accountInfo}, u.Publish...)
}

// imports are the user's subjects in the account with the streams.
func (u User) imports() []string {
	var all []string
	for _, s := range u.services() {
		all = append(all, fmt.Sprintf("{service: {account: %q, subject: %q}}", Account, s))
	}
	for _, s := range u.Subscribe {
		if !strings.Contains(s, Self) {
			all = append(all, fmt.Sprintf("{stream: {account: %q, subject: %q}}", Account, s))
		}
	}
	return all
}

// exports are all that is imported, once.
func exports(users []User) []string {
	var all []string
	for _, u := range users {
		if u.All {
			continue
		}
		for _, s := range u.services() {
			all = append(all, fmt.Sprintf("{service: %q%s}", s, answers(s)))
		}
		for _, s := range u.Subscribe {
			if !strings.Contains(s, Self) {
				all = append(all, fmt.Sprintf("{stream: %q}", s))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// answers says of a request that has more than one answer for how long they may
// come: the server remembers where to.
func answers(subject string) string {
	switch {
	case strings.HasPrefix(subject, "$JS.API.CONSUMER.MSG.NEXT."):
		return `, response: stream, threshold: "1m"`
	case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") && !strings.HasSuffix(subject, ".>"):
		return `, response: stream, threshold: "10s"`
	}
	return ""
}
