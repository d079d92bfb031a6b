# graflow-wasm. GNU make; `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

GO ?= go
PINNED = $(shell awk '$$1 == "$(1)" || $$2 == "$(1)" && $$1 == "require" {print $$NF == "indirect" ? $$(NF-2) : $$NF; exit}' $(2))
GOFUMPT_VERSION := $(call PINNED,mvdan.cc/gofumpt,packaging/tools/gofumpt/go.mod)
GOLANGCI_LINT_VERSION := $(call PINNED,github.com/golangci/golangci-lint/v2,packaging/tools/golangci-lint/go.mod)

# One directory per tool and version: the file is its own stamp. Each is built by a go.mod
# of its own, whose go.sum has the digest of all that it is made of; these say what it names.
TOOLS := build/tools
GOFUMPT := $(TOOLS)/gofumpt-$(GOFUMPT_VERSION)/gofumpt
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint

# Where known vulnerabilities are looked up; file:///DIR for a copy. VULNDB_REQUIRED=1 makes
# it an error that it can't be reached.
VULNDB ?= https://vuln.go.dev
PARTS := build/parts

VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
TEST_TIMEOUT ?= 30m
FUZZTIME ?= 10s
SOAK_SECONDS ?= 600
CHAOS_SECONDS ?= 120
CHAOS_SEEDS ?= 20000
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
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-w $(if $(VERSION),-X main.version=$(VERSION))' -o bin/graflow-wasm ./cmd/graflow-wasm

.PHONY: man
man: build ## write the manual pages into build/man
	./bin/graflow-wasm man build/man

.PHONY: docs
docs: ## write docs/reference.md, of what the commands say of themselves
	$(GO) test -count=1 -run '^TestReference$$' ./cmd/graflow-wasm -update-reference

# What they are made of is kept in RUNTIMES_CACHE, build/runtimes unless it is set.
.PHONY: runtimes
runtimes: dagre ## make the interpreters that `make build` embeds: Python, JavaScript (minutes, once)
	@sh runtimes/build.sh

.PHONY: dagre
dagre: ## fetch the library that draws graphs, which `make build` embeds; part of runtimes
	@sh internal/layout/dagre/fetch.sh

.PHONY: image
image: licenses ## build the container image graflow-wasm:latest, of a static binary and nothing else
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w $(if $(VERSION),-X main.version=$(VERSION))' -o build/image.bin ./cmd/graflow-wasm
	@sh packaging/image.sh build/image.bin build/image
	$(PARTS) sbom -binary build/image.bin -version '$(or $(VERSION),devel)' -image build/image/root -o build/image.cdx.json
	@cp build/image.cdx.json build/image/root/usr/share/doc/graflow-wasm/sbom.cdx.json && rm build/image.bin
	docker build -f packaging/Containerfile -t graflow-wasm:latest build/image

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

# The same tests, each guest in a child process: same API, same results.
.PHONY: test-isolated
test-isolated: ## the tests of the sandbox and of its handler with each guest in a cell
	GRAFLOW_TEST_ISOLATED=1 $(GO) test -count=1 -timeout $(TEST_TIMEOUT) ./wasmhost ./handlers/wasm

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

# What later versions must read; see testdata/upgrade/README.md.
.PHONY: upgrade-data
upgrade-data: ## keep what this version stores as test data, in testdata/upgrade/SET (as v002)
	$(GO) test -count=1 -run '^TestUpgradeMake$$' ./cmd/graflow-wasm -upgrade-write '$(SET)'

# The last commit before code of any language, the API and cells.
BASE ?= 08025d2

.PHONY: mixed-check
mixed-check: ## an earlier version, of BASE, and this one on one cluster
	@.ci/mixed $(BASE)

# The reports are build/chaos.txt and build/chaos.json; storage that fails and lies,
# clocks that jump, and tickets that come late, twice or not, are simulated.
.PHONY: chaos
chaos: ## the soak for CHAOS_SECONDS (120), and simulated faults, with a report; with SOAK flags
	@mkdir -p build
	$(GO) build -o build/soak ./internal/soak/cmd/soak
	@build/soak -seconds $(CHAOS_SECONDS) -json build/chaos.json $(SOAK) >build/chaos.txt; code=$$?; cat build/chaos.txt; exit $$code
	@$(GO) test -count=1 -timeout 0 -v -run '^TestSimulate(Cluster)?$$' ./engine/enginetest/sim \
		-sim.seeds=$(CHAOS_SEEDS) -sim.cluster=$$(( $(CHAOS_SEEDS) / 5 )) -sim.seed=$(SEED) >build/chaos-simulated.txt; code=$$?; \
		grep -v '^=== ' build/chaos-simulated.txt | tee -a build/chaos.txt; exit $$code

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
gauntlet: ## modules that attack their host, each in a process of its own, then in cells
	$(GO) run ./wasmhost/gauntlet/cmd/gauntlet run
	$(GO) run ./wasmhost/gauntlet/cmd/gauntlet isolated
	$(GO) test -count=1 -run TestNaiveHost ./wasmhost/gauntlet/runner

.PHONY: bench
bench: bench-go bench-sandbox bench-queue bench-containers bench-scripts bench-telemetry bench-startup bench-peers ## all benchmarks, kept in build/ and bench/results

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

.PHONY: bench-scripts
bench-scripts: ## source code in sandboxes, beside python3, node and docker run
	cd bench && $(GO) run ./cmd/scripts -results results

.PHONY: bench-startup
bench-startup: ## from the command's start to its end, beside /bin/true and hello in Go
	@mkdir -p build
	cd bench && $(GO) run ./cmd/startup | tee ../build/startup.txt

.PHONY: bench-telemetry
bench-telemetry: ## what metrics and traces cost a no-op task and a call of the sandbox, beside none
	$(GO) test -run '^$$' -bench 'Noop|Pristine' -benchtime 100x -timeout $(TEST_TIMEOUT) ./internal/telemetry | tee build/telemetry.txt

# Temporal's server has a module of its own, and wants a newer Go than we do, which
# GOTOOLCHAIN fetches. Where it can't be built the records say why.
TEMPORAL := build/bench-temporal

.PHONY: bench-peers
bench-peers: ## ours beside all others with the same work, in less than ten minutes, then bench-report; needs redis-server and postgresql
	@mkdir -p build
	@temporal=../$(TEMPORAL); \
	(cd bench/temporal && GOTOOLCHAIN=auto $(GO) build -o ../../$(TEMPORAL) .) 2>$(TEMPORAL).log || temporal=; \
	why=$$(tail -n 1 $(TEMPORAL).log); \
	cd bench && $(GO) run ./cmd/peers -results results/peers -temporal "$$temporal" -temporal-missing "it can't be built: $$why"
	@$(MAKE) bench-report

.PHONY: bench-report
bench-report: ## the tables and plots of what bench-peers has measured, into BENCHMARKS.md and bench/results/peers
	cd bench && $(GO) run ./cmd/report

.PHONY: bench-temporal-check
bench-temporal-check: ## Temporal, as bench-peers measures it, builds and counts right; takes minutes the first time
	cd bench/temporal && export GOTOOLCHAIN=auto && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -timeout $(TEST_TIMEOUT) ./...

.PHONY: bench-check
bench-check: ## the benchmarks beside other hosts build and count right
	cd bench && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) run ./cmd/report -check && $(GO) test -timeout $(TEST_TIMEOUT) ./...

# With a Docker daemon the image is run too (make docker).
.PHONY: packaging-check
packaging-check: licenses ## what is in packaging: each file by its tool, each command line, the image, all platforms; OCI modules read by others
	cd packaging/parts && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 -timeout $(TEST_TIMEOUT) ./...
	cd packaging/check && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 -timeout $(TEST_TIMEOUT) ./...
	cd internal/oci/interop && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 -timeout $(TEST_TIMEOUT) ./...

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

# With Go's tools as in releases; see docs/packaging.md for what each is made of.
.PHONY: supply-chain
supply-chain: licenses sbom vulncheck reproducible ## what the command is made of: licenses, list of parts, vulnerabilities, the same bytes twice

.PHONY: parts
parts:
	cd packaging/parts && $(GO) build -o ../../$(PARTS) ./cmd/parts

.PHONY: licenses
licenses: parts ## all that is passed on has an allowed license; their texts in build/THIRD_PARTY_LICENSES
	$(PARTS) licenses -o build/THIRD_PARTY_LICENSES

.PHONY: sbom
sbom: build parts ## what bin/graflow-wasm is made of, as CycloneDX in build/sbom.cdx.json
	$(PARTS) sbom -binary bin/graflow-wasm -version '$(or $(VERSION),devel)' -o build/sbom.cdx.json

.PHONY: vulncheck
vulncheck: parts ## known vulnerabilities in what is called, by VULNDB; says so where that can't be reached
	$(PARTS) vulncheck -db $(VULNDB) $(if $(filter-out 0,$(VULNDB_REQUIRED)),-required) . bench packaging/check packaging/parts internal/oci/interop

.PHONY: reproducible
reproducible: ## the commit builds to the same bytes in two directories, once without any cache
	@GO='$(GO)' packaging/reproducible.sh

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

$(GOFUMPT): packaging/tools/gofumpt/go.sum
	cd packaging/tools/gofumpt && $(GO) build -o $(abspath $@) mvdan.cc/gofumpt && touch $(abspath $@)

$(GOLANGCI_LINT): packaging/tools/golangci-lint/go.sum
	cd packaging/tools/golangci-lint && $(GO) build -o $(abspath $@) github.com/golangci/golangci-lint/v2/cmd/golangci-lint && touch $(abspath $@)

# Some of the images that Go's own tests ship; complete or not there at all.
$(THUMBNAILS)/in:
	@rm -rf $@.part && mkdir -p $@.part
	@cd "$$($(GO) env GOROOT)/src/image/testdata" && cp $(IMAGES) "$(abspath $@.part)"
	@mv $@.part $@
