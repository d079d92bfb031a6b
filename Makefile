# graflow-wasm. GNU make; `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

GO ?= go
GOFUMPT_VERSION := v0.12.0
GOLANGCI_LINT_VERSION := v2.15.0

# One directory per tool and version: the file is its own stamp.
TOOLS := build/tools
GOFUMPT := $(TOOLS)/gofumpt-$(GOFUMPT_VERSION)/gofumpt
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint

VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
TEST_TIMEOUT ?= 30m
FUZZTIME ?= 10s
SOAK_SECONDS ?= 600
SEEDS ?= 100000
SEED ?= 1

THUMBNAILS := build/thumbnails
IMAGES := video-001.jpeg video-001.progressive.jpeg video-001.rgb.jpeg video-005.gray.jpeg \
	video-001.png video-005.gray.png video-001.gif triangle-001.gif

##@ Everyday

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: tools ## fetch the modules and build the pinned tools (minutes, once)
	$(GO) mod download

.PHONY: build
build: ## build bin/graflow-wasm, static: it can be mounted into any image
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(if $(VERSION),-X main.version=$(VERSION))' -o bin/graflow-wasm ./cmd/graflow-wasm

.PHONY: run
run: build $(THUMBNAILS)/in ## build, then run examples/03-thumbnails on real images
	@mkdir -p $(THUMBNAILS)/out
	./bin/graflow-wasm run examples/03-thumbnails/thumbnails.flow.yaml
	@echo "contact sheet: $(THUMBNAILS)/out/index.html"

.PHONY: clean
clean: ## remove what was built, the tools too
	rm -rf bin build

##@ Tests

# What makes code of modules has no goroutines, nor state between calls: there
# are no races in it. Watching every byte that it reads and writes, the race
# detector makes it ten times slower, and with it each test that compiles. So
# wazero's compiler goes unwatched, and ours but for its own tests.
WAZERO := github.com/tetratelabs/wazero/internal
COMPILER := $(addprefix $(WAZERO)/,leb128 wasm/binary engine/wazevo/ssa engine/wazevo/frontend engine/wazevo/backend/...)
METER := $(addprefix github.com/graflow/graflow-wasm/wasmhost/internal/,meter wasmbin)
RACE = -race $(COMPILER:%=-gcflags=%=-race=false)

# Nor does each process of a test sleep a second at its end, as the detector wants.
.PHONY: test
test: export GORACE := atexit_sleep_ms=0 $(GORACE)
test: ## all tests with the race detector
	$(GO) test $(RACE) $(METER:%=-gcflags=%=-race=false) -timeout $(TEST_TIMEOUT) \
		$$($(GO) list ./... | grep -vxF $(addprefix -e ,$(METER)))
	$(GO) test $(RACE) -timeout $(TEST_TIMEOUT) $(METER)

.PHONY: docker
docker: ## start a Docker daemon for the tests that need one, unless one answers
	@.ci/docker

.PHONY: acceptance
acceptance: ## the numbered acceptance cases, by name
	@packages=$$(git grep --untracked -lE '^func TestAcceptance' -- '*_test.go' ':!bench' | sed 's|^|./|; s|/[^/]*$$||' | sort -u); \
	$(GO) test -count=1 -timeout $(TEST_TIMEOUT) -run Acceptance -v $$packages | grep -aE '^ *--- |^(PASS|FAIL|ok)'

.PHONY: examples
examples: ## run every example as its test
	$(GO) test -count=1 -timeout $(TEST_TIMEOUT) ./examples/...

# A seed that breaks a rule prints itself, shrunk.
.PHONY: simulate
simulate: ## SEEDS (100000) simulated runs with faults, from SEED (1), a tenth on clusters
	$(GO) test -count=1 -timeout 0 -v -run '^TestSimulate(Cluster)?$$' ./engine/enginetest/sim -sim.seeds=$(SEEDS) -sim.cluster=$$(( $(SEEDS) / 10 )) -sim.seed=$(SEED)

# What breaks a rule is told, with the log of its run.
.PHONY: soak
soak: ## a cluster whose processes are killed and suspended, for SOAK_SECONDS (600), with SOAK flags
	@mkdir -p build
	$(GO) build -o build/soak ./internal/soak/cmd/soak
	build/soak -seconds $(SOAK_SECONDS) $(SOAK)

# Before Go 1.27 a fuzz target may fail with nothing but the end of its time
# (go.dev/issue/75804): then these two lines are all that a failure says.
LATE_FUZZING = awk '/^--- FAIL/ { getline; late = $$0 ~ /^ *context deadline exceeded$$/; getline; late = late && $$0 == "FAIL" } END { exit !late }'

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (10s)
	@targets=$$(git grep --untracked -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' ':!bench' || true); \
	if [ -z "$$targets" ]; then echo "no fuzz targets"; exit 0; fi; \
	mkdir -p build; \
	for found in $${targets//:func /:}; do \
		found=./$$found; package=$${found%/*} target=$${found##*:}; \
		echo "$$package $$target"; \
		for try in 1 2 3; do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "$$package" 2>&1 | tee build/fuzz.log && break; \
			if ((try == 3)) || ! $(LATE_FUZZING) build/fuzz.log; then exit 1; fi; \
			echo "fuzzing ended late, which found nothing: once more"; \
		done; \
	done

.PHONY: gauntlet
gauntlet: ## modules that attack their host, each in a process of its own
	$(GO) run ./wasmhost/gauntlet/cmd/gauntlet run
	$(GO) test -count=1 -run TestNaiveHost ./wasmhost/gauntlet/runner

.PHONY: bench
bench: bench-go bench-sandbox bench-queue bench-containers ## all benchmarks, kept in build/ and bench/results

.PHONY: bench-sandbox
bench-sandbox: ## the sandbox beside stock wazero, wasmtime and Extism, in one run
	@mkdir -p build
	cd bench && $(GO) run ./cmd/sandbox | tee ../build/sandbox.txt

.PHONY: bench-queue
bench-queue: ## ours beside asynq, River and plain JetStream, in one run; needs redis-server and postgresql
	cd bench && $(GO) run ./cmd/queue -results results

.PHONY: bench-containers
bench-containers: ## what isolation costs, beside docker run; needs a Docker daemon
	cd bench && $(GO) run ./cmd/containers -results results

.PHONY: bench-check
bench-check: ## the benchmarks beside other hosts build and count right
	cd bench && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -timeout $(TEST_TIMEOUT) ./...

.PHONY: bench-go
bench-go: ## the benchmarks beside the code
	@mkdir -p build
	@packages=$$(git grep --untracked -lE '^func Benchmark' -- '*_test.go' ':!bench' | sed 's|^|./|; s|/[^/]*$$||' | sort -u || true); \
	if [ -z "$$packages" ]; then echo "no benchmarks"; exit 0; fi; \
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m $$packages | tee build/bench.txt

##@ Gate

.PHONY: check
check: format vet lint imports tidy ## what a change must pass beside its tests: the next five

.PHONY: format
format: $(GOFUMPT) ## all files as gofumpt writes them
	@files=$$($(GOFUMPT) -l .); if [ -n "$$files" ]; then \
		echo "not formatted (make fix):"; echo "$$files"; exit 1; fi

.PHONY: vet
vet: ## go vet, and the SDK built for guests
	$(GO) vet ./...
	GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 $(GO) build ./sdk/...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint with .golangci.yml
	$(GOLANGCI_LINT) run ./...

# Go's test cache does not see what `go list` reads, hence -count=1.
.PHONY: imports
imports: ## the dependency rule of the architecture
	$(GO) test -count=1 ./internal/deps

.PHONY: tidy
tidy: ## go.mod and go.sum say what is used
	$(GO) mod tidy -diff

# Not part of check: while one works, the tree is not clean. CI runs it last.
.PHONY: clean-tree
clean-tree: ## nothing is changed or left behind
	@changes=$$(git status --porcelain); if [ -n "$$changes" ]; then \
		echo "the working tree is not clean:"; echo "$$changes"; exit 1; fi

.PHONY: fix
fix: $(GOFUMPT) ## format all files, tidy go.mod
	$(GOFUMPT) -w .
	$(GO) mod tidy

##@ Tools

.PHONY: tools
tools: $(GOFUMPT) $(GOLANGCI_LINT) ## build the pinned tools into build/tools

$(GOFUMPT):
	GOBIN=$(abspath $(@D)) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)

$(GOLANGCI_LINT):
	GOBIN=$(abspath $(@D)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

# Some of the images that Go's own tests ship; complete or not there at all.
$(THUMBNAILS)/in:
	@rm -rf $@.part && mkdir -p $@.part
	@cd "$$($(GO) env GOROOT)/src/image/testdata" && cp $(IMAGES) "$(abspath $@.part)"
	@mv $@.part $@
