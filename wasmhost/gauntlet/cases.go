package gauntlet

// A group is a family of attacks.
type group struct {
	name  string
	about string // what its attacks are after
	cases func() []Case
}

// groups are all attacks, in the order in which they reach a host.
var groups = []group{
	{"control", "harmless modules, which a host must run: to refuse everything is no defense", controls},
	{"decode", "binaries whose counts, sizes and names lie", decodes},
	{"feature", "proposals that a host may not know, refused by name", features},
	{"compile", "small modules that take a compiler long, or fill its memory", compiles},
	{"table", "tables that are huge, or grow", tables},
	{"memory", "memories that are huge, or grow", memories},
	{"loop", "code that never ends", loops},
	{"recursion", "calls that never return", recursions},
	{"bulk", "single instructions that take long", bulks},
	{"fuel", "the same within a budget of instructions", fuels},
	{"start", "what hangs or exits before the export is called, or beside it", starts},
	{"wait", "guests that sleep", waits},
	{"flood", "output, logs, host calls, randomness without end", floods},
	{"path", "ways out of a mounted directory", paths},
	{"disk", "files without end", disks},
	{"pointer", "bad pointers and lengths, for every import", pointers},
	{"power", "powers that were not granted", powers},
	{"network", "requests to where they may not go", networks},
	{"leak", "what one task leaves for the next", leaks},
	{"forge", "results and endings that are not what they claim", forgeries},
	{"storm", "thousands of failing calls", storms},
}

// Groups are the names of the groups, and what each is after.
func Groups() (names []string, about map[string]string) {
	about = map[string]string{}
	for _, g := range groups {
		names = append(names, g.name)
		about[g.name] = g.about
	}
	return names, about
}

// Cases are all attacks, group by group. Their modules are made when asked for.
func Cases() []Case {
	var all []Case
	for _, g := range groups {
		for _, c := range g.cases() {
			all = append(all, c.withDefaults(g.name))
		}
	}
	return all
}
