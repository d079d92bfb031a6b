package secrets

// What tests reach into.
var (
	Lock    = lock
	FormsOf = formsOf
)
