package main

import "testing"

func TestHello(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Ada": "Hello, Ada!", "": "Hello, world!"} {
		if got, err := hello.Call(nil, Person{Name: name}); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}
