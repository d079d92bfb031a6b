package sdk

// Main returns at once: the host calls the exports. In a native build it runs a
// task, see there.
func Main() {}

func offer(string, func(*Context) error) {}
