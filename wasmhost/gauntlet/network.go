package gauntlet

import (
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// request is a case that sends its input as a request. What counts is what the
// servers saw.
func request(name, why, input string, setup Setup) Case {
	c := attack(name, ABIGraflow, Contained(), why, func(g *guest) {
		g.run("i", g.input(), g.host("http_request", asm.I32(1024), asm.Get(0)), asm.Drop)
	})
	setup.Server = true
	c.Setup, c.Input = setup, input
	c.Limits.Timeout, c.Limits.HTTPRequests, c.Limits.HTTPBytes = time.Second, 10, 1<<20
	return c
}

// input reads the input to 1024 on; its length is in local 0.
func (g *guest) input() asm.Code {
	return asm.Seq(g.host("input_read", asm.I32(1024), asm.I32(16<<10)), asm.Set(0))
}

func networks() []Case {
	const (
		private   = "sends requests into the network that it is in itself"
		redirects = "checks the first address, and then follows wherever that one points"
		parses    = "checks one host and connects to another, as two parsers read the address"
		waits     = "waits for an answer that never ends"
	)
	loopback := []string{"127.0.0.0/8"}
	granted := Setup{HTTP: []string{"http://{server}"}, Networks: loopback, ServerHits: 1}
	get := func(url string) string { return `{"method":"GET","url":"` + url + `"}` }
	to := func(name, why, url string, setup Setup) Case { return request(name, why, get(url), setup) }
	hosts := func(list ...string) Setup { return Setup{HTTP: list} }

	stopped := Stopped(KindTimeout)
	circle := granted
	circle.ServerHits = 10
	many := attack("requests", ABIGraflow, Contained().Or(Stopped(KindHTTP, KindTimeout)), "sends requests without end for a guest", func(g *guest) {
		g.run("i", g.input(), asm.Loop(g.host("http_request", asm.I32(1024), asm.Get(0)), asm.I64(0), asm.I64LtS, asm.I32Eqz, asm.BrIf(0)))
	})
	many.Setup, many.Input = circle, get("http://{server}/")
	many.Setup.Server, many.Limits.HTTPRequests, many.Limits.Timeout = true, 10, time.Second
	scheme := func(name, url string) Case {
		c := attack(name, ABIGraflow, Contained(), "reads files, or speaks other protocols, for a guest that may speak HTTP", func(g *guest) {
			g.attack("i", g.input(), nonnegative64(g.host("http_request", asm.I32(1024), asm.Get(0))))
		})
		c.Setup, c.Input = granted, get(url)
		c.Setup.Server, c.Setup.ServerHits = true, 0
		return c
	}
	header := func(name, document string) Case {
		return request(name, "writes what a guest calls a header, and with it a second request", document, granted)
	}
	return []Case{
		request("granted", "refuses a request that is granted", get("http://{server}/"), granted).answered(),
		to("not-granted", private, "http://{server}/", Setup{}),
		to("private", private, "http://{server}/", hosts("http://{server}")),
		to("private-any-host", private, "http://{server}/", hosts("*:*")),
		to("localhost", private, "http://localhost:{port}/", hosts("http://localhost:{port}", "*:*")),
		to("mapped", private, "http://[::ffff:127.0.0.1]:{port}/", hosts("*:*")),
		to("loopback-6", private, "http://[::1]:{port}/", hosts("http://[::1]:{port}", "*:*")),
		to("unspecified", private, "http://0.0.0.0:{port}/", hosts("http://0.0.0.0:{port}", "*:*")),
		to("unspecified-6", private, "http://[::]:{port}/", hosts("http://[::]:{port}", "*:*")),
		to("other-loopback", private, "http://127.0.0.2:{port}/", hosts("http://127.0.0.2:{port}", "*:*")),
		to("other-port", "checks the host and not the port", "http://{inner}/", granted),
		to("redirect", redirects, "http://{server}/hop", granted),
		to("redirect-to-number", redirects, "http://{server}/hop-ip", granted),
		to("redirect-circle", "follows redirects without end", "http://{server}/circle", circle),
		to("user-info", parses, "http://{server}@{inner}/", granted),
		to("user-info-reversed", parses, "http://{inner}@{inner}/", granted),
		to("fragment", parses, "http://{inner}#@{server}/", granted),
		to("backslash", parses, `http://{inner}\\@{server}/`, granted),
		to("tab", parses, `http://{inner}\t@{server}/`, granted),
		to("nul", parses, `http://{inner}\u0000.{server}/`, granted),
		to("flood", "collects a body without end", "http://{server}/flood", granted).or(Stopped(KindHTTP, KindTimeout)),
		to("header", "collects a header without end", "http://{server}/header", granted).or(stopped),
		to("silence", waits, "http://{server}/silence", granted).or(stopped),
		many,
		scheme("scheme-file", "file:///etc/hostname"),
		scheme("scheme-gopher", "gopher://{inner}/"),
		scheme("scheme-none", "//{inner}/"),
		scheme("scheme-upper", "FILE:///etc/hostname"),
		header("header-newline", `{"method":"GET","url":"http://{server}/","header":{"X":"a\r\nHost: {inner}\r\n\r\nGET / HTTP/1.1"}}`),
		header("header-name-newline", `{"method":"GET","url":"http://{server}/","header":{"X: a\r\nY":"b"}}`),
		header("method-newline", `{"method":"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET","url":"http://{server}/"}`),
		header("path-newline", `{"method":"GET","url":"http://{server}/ HTTP/1.1\r\nX: y\r\n\r\nGET /"}`),
		header("method-connect", `{"method":"CONNECT","url":"http://{server}/","header":{"Host":"{inner}"}}`),
		header("header-host", `{"method":"GET","url":"http://{server}/","header":{"Host":"{inner}","Connection":"Upgrade","Transfer-Encoding":"chunked","Content-Length":"-1"}}`),
	}
}

// answered makes a request that must succeed of a case.
func (c Case) answered() Case {
	c.Module = module(ABIGraflow, func(g *guest) {
		g.run("i", g.input(), g.host("http_request", asm.I32(1024), asm.Get(0)),
			asm.I64(0), asm.I64LtS, asm.If(asm.I32(1), asm.Return))
	})
	return c
}
