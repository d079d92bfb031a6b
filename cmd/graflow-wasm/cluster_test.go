package main

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestClusterFlags(t *testing.T) {
	t.Setenv(clusterVariable, "nats://env:4222")
	t.Setenv(nkeyVariable, "env.nk")
	parse := func(args ...string) *clusterFlags {
		c, f := &clusterFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
		c.addTo(f, "where")
		if err := f.Parse(args); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := parse()
	if d, err := c.dial(); err != nil || d.URL != "nats://env:4222" || d.NKey != "env.nk" || !c.used() || c.given() || c.argument() != "" {
		t.Errorf("without flags got %+v, %v, used %v, given %v, argument %q", d, err, c.used(), c.given(), c.argument())
	}
	c = parse("--nats", "nats://ada:secret@host", "--creds", "a b", "--namespace", "blue")
	if d, err := c.dial(); err != nil || d.URL != "nats://ada:secret@host" || d.NKey != "" || d.Creds != "a b" {
		t.Errorf("got %+v, %v", d, err)
	}
	if got, want := c.argument(), " --nats nats://ada:xxxxx@host --creds 'a b' --namespace blue"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c = parse("--nats", ""); c.used() {
		t.Error("an empty flag does not go before the variable")
	}
	if _, err := parse("--namespace", "a.b").space(); err == nil {
		t.Error("a namespace with a dot is taken")
	}
}
