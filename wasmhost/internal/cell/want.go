package cell

// Want is what a user of a cell asks for.
type Want struct {
	// Tenant is whom the cell serves; no cell ever serves two.
	Tenant string
	// Self: the cell acts on files as this process's own user, though without
	// capabilities; for what is lent to it. Otherwise, if this process is root, as
	// nobody.
	Self bool

	lender bool // a process of ours, without walls, that lends directories
}
