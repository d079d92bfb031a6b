package javascript_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// What is exported, or given a name, is not what a script comes to.
func TestExportsAreNoValue(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"function add(a, b) { return a + b }\nmodule.exports = { add };": `null`,
		"5;\nmodule.exports = function () {}":                            `null`,
		"exports.add = (a, b) => a + b":                                  `null`,
		"exports['add'] = 1; exports.a = exports.b = 2":                  `null`,
		"module.exports = 1; [module.exports]":                           `[1]`,
		"exportsOf = 3":                                                  `3`,
		"module.exports == 3":                                            `false`,
		"let x; x = { a: 1 }":                                            `{"a":1}`,
		"let list = [1]; list[0] = [2].map((n) => n + 1)":                `[3]`,
		"globalThis.twice = (n) => 2 * n":                                `null`,
		"let Point;\nPoint = class { };":                                 `null`,
		"function main() { return 7 }\nmodule.exports = { main }":        `7`,
		"function main() { return 7 }\nif (require.main === module) main();\nmodule.exports = {}": `null`,
		"const a = await 4; module.exports = { a }; a":                                            `4`,
		"import { ctx } from 'graflow';\nlet f; f = () => 1":                                      `null`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			value(t, code, want)
		})
	}
	if got := run(t, `let f = () => 1; f`); got.Error == nil || got.Error.Kind != "invalid_result" {
		t.Errorf("a function: got %s %+v", got.Value, got.Error)
	}
}

func TestRelativePaths(t *testing.T) {
	t.Parallel()
	opt := wasmhost.Options{Grants: wasmhost.Grants{Mounts: []wasmhost.Mount{{Guest: "/tmp", Memory: true}}}}
	code := `const fs = require("fs"), path = require("path");
fs.mkdirSync("a/b", { recursive: true });
fs.writeFileSync("./a/b/out.json", JSON.stringify([1]));
fs.renameSync("a/b/out.json", path.join("a", "in.json"));
[fs.readFileSync("/tmp/a/in.json", "utf8"), fs.readdirSync("a"), fs.readdirSync("."), fs.existsSync("../tmp/a"), process.cwd(), path.resolve("x")]`
	want := `["[1]",["b","in.json"],["a"],true,"/tmp","/tmp/x"]`
	got, _, err := call(t, document{Code: code}, opt)
	if err != nil || got.Error != nil || string(got.Value) != want {
		t.Errorf("got %s %+v %v, want %s", got.Value, got.Error, err, want)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	got, _, err := call(t, document{Code: "process.argv", File: "tool.js", Argv: []string{"-v", "x"}}, wasmhost.Options{})
	if want := `["node","tool.js","-v","x"]`; err != nil || string(got.Value) != want {
		t.Errorf("got %s %+v %v, want %s", got.Value, got.Error, err, want)
	}
}

func TestBuffer(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`const b = Buffer.from("hé"); [b.length, b.toString(), b.toString("hex"), b.toString("base64"), b.toString("latin1")]`:                                                                 `[3,"hé","68c3a9","aMOp","hÃ©"]`,
		`[Buffer.from("aMOp", "base64") + "", Buffer.from("__8", "base64url").toString("hex"), Buffer.from("68c3a9zz", "hex").toString("utf8")]`:                                               `["hé","ffff","hé"]`,
		`Buffer.from("//8=", "base64").toString("base64url")`:                                                                                                                                  `"__8"`,
		`Buffer.from("hé", "utf16le").toString("utf16le") + Buffer.from([104, 300]).toString("hex")`:                                                                                           `"hé682c"`,
		`Buffer.concat([Buffer.from("a"), new Uint8Array([98]), Buffer.alloc(2, "cd")]).toString()`:                                                                                            `"abcd"`,
		`[Buffer.byteLength("hé"), Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1)), Buffer.isEncoding("hex")]`:                                                            `[3,true,false,true]`,
		`const b = Buffer.from("abc"), s = b.slice(1); s[0] = 120; [b.toString(), b.equals(Buffer.from("axc")), Buffer.compare(b, s), b.indexOf("xc"), b.includes("z")]`:                       `["axc",true,-1,1,false]`,
		`const b = Buffer.alloc(10); b.writeUInt32BE(0xcafe, 0); b.writeDoubleLE(0.5, 2); b.write("z", 0); [b.readUInt32BE(0), b.readUint16BE(0), b.readDoubleLE(2), b.toString("hex", 0, 2)]`: `[2046820352,31232,0.5,"7a00"]`,
		`const { Buffer: B } = require("node:buffer"); [B === Buffer, Buffer.from("x") instanceof Uint8Array]`:                                                                                 `[true,true]`,
		`import { Buffer as B } from "buffer"; B.from("x")`:                                                                                                                                    `{"$bytes":"eA=="}`,
		`JSON.stringify(Buffer.from("x"))`:                          `"{\"type\":\"Buffer\",\"data\":[120]}"`,
		`require("util").inspect(Buffer.from("hé"))`:                `"<Buffer 68 c3 a9>"`,
		`try { Buffer.from(1) } catch (e) { e.name }`:               `"TypeError"`,
		`try { Buffer.from("x", "rot13") } catch (e) { e.message }`: `"Unknown encoding: rot13"`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			value(t, code, want)
		})
	}
}
