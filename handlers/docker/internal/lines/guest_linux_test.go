package lines_test

func guest() {}
