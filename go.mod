module github.com/graflow/graflow-wasm

go 1.26
