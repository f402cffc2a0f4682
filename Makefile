# Everything here runs on a fresh Debian 12 with Go, git and make. `make demo` shows Cyan at work; `make test` checks it.

SHELL   := /bin/bash
BIN     := bin
# One set of build flags for every program and test, so that what one compiles the others find in Go's cache.
export GOFLAGS := -trimpath -buildvcs=false
export CGO_ENABLED := 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL    := go tool -modfile=go.tools.mod
# The names that Cyan answers to.
NAMES   := argocd kubectl-argo-rollouts kubectl-cyan kubeval kubeconform kustomize skaffold

# The rooms that decide, whose own tests have to notice nearly every small bug in them.
MUTATED := rollout operation plan project repository delivery access action settings health script jq secret glob spelling jsonpatch validate skaffold handover view devloop/decide devloop/desired

.PHONY: demo pictures test build links ui lint generate bench bench-dev bench-local bench-gitops bench-page audit mutate metrics release elsewhere publish clean system-packages

# Shows how far a build is that compiles much. THEN is what comes after it.
PROGRESS = go run -C $(CURDIR) ./hack/buildprogress -then '$(THEN)'

demo: THEN = After it the demo starts a cluster and brings a commit to live traffic within a minute.
demo: build system-packages ## bring a commit to live traffic and watch it happen
	@$(BIN)/cyan demo

test: build ## every test, on the real API server and real pods
	@./hack/system-packages.sh tests
	./hack/test.sh

build: ui ## the programs, into bin/
	@mkdir -p $(BIN)
	@$(MAKE) --no-print-directory -C localcluster build OUT=$(CURDIR)/$(BIN) PROGRESS="$(PROGRESS) -dir $(CURDIR)/localcluster"
	@$(PROGRESS) go build -ldflags '$(LDFLAGS)' -o $(BIN)/cyan ./cmd/cyan
	@$(MAKE) --no-print-directory links

links: ## the names of other programs, which cyan answers to
	@mkdir -p $(BIN)
	@for name in $(NAMES); do ln -sf cyan $(BIN)/$$name; done

ui: ## the page, for the programs to serve; it needs Node 20 and npm, and is left out without them
	@./hack/ui.sh

pictures: build ## the pictures of the guide, in docs/img, made anew: a shop on real pods, and a browser that looks
	@./hack/system-packages.sh pictures
	RENEW=$(CURDIR)/docs/img go test ./ui -count=1 -timeout 30m -run TestPictures

lint: ## golangci-lint, with ceilings for the length and complexity of functions
	go tool -modfile=go.lint.mod golangci-lint run ./...
	cd localcluster && go tool -modfile=../go.lint.mod golangci-lint run --config ../.golangci.yml ./...

generate: ## deepcopy functions and CRDs, from the Go types; docs/compatibility.md, from its tables; docs/openapi.json, from the calls
	$(TOOL) controller-gen object crd:maxDescLen=0,generateEmbeddedObjectMeta=true paths=./api/... output:crd:dir=api/crds
	go run ./hack/preserve api/crds/*.yaml
	go generate ./internal/settings
	go test ./internal/api -run TestTheDocumentIsCurrent -update

bench: build system-packages ## where the time goes, and what it costs
	./hack/bench.sh

bench-dev: build system-packages ## from a save to the answer of new code, each figure beside its limit; BENCH=-help lists the scenarios
	@go run ./hack/benchdev -bin $(BIN) $(BENCH)

bench-local: build system-packages ## what a local cluster costs: how fast it is up, memory, and the processor when nothing happens
	@$(MAKE) --no-print-directory -C localcluster bench OUT=$(CURDIR)/$(BIN)

bench-gitops: build system-packages ## what many Applications cost, each figure beside its limit
	@go run ./hack/benchgitops -bin $(BIN) $(BENCH)

bench-page: build system-packages ## what open pages and strangers who try passwords cost, the server on one processor
	@go run ./hack/benchgitops -bin $(BIN) -only pages,logins $(BENCH)

bench-validate: ## what `cyan validate` costs, from start to end, each figure beside its limit; it measures the program that was built
	@go run ./hack/benchvalidate -program $(BIN)/cyan

audit: ## known vulnerabilities in what the programs are built of, and licences that do not go with this one
	@go run ./hack/audit

mutate: ## put small bugs into what decides, one at a time, and list those that its own tests do not notice
	@go run ./hack/mutate -at-least 90 $(foreach room,$(MUTATED),$(wildcard internal/$(room))) localcluster/internal/routing

# Of its own module graph, so that nothing here depends on it.
GORELEASER := go run github.com/goreleaser/goreleaser/v2@v2.16.0

release: ## archives of the programs, and the image where Docker and IMAGE are there, into dist/; nothing is uploaded
	GOFLAGS= COMMIT=$$(git rev-parse --short HEAD) $(GORELEASER) release --snapshot --clean $(if $(and $(IMAGE),$(shell command -v docker)),,--skip=docker)

# What a release has beside the programs of this machine. Each compiles everything once more.
ELSEWHERE ?= linux/arm64 darwin/arm64

elsewhere: ## the programs of a release for other platforms, compiled and thrown away; ten minutes each on two cores the first time
	@set -e; for platform in $(ELSEWHERE); do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; echo "the programs for $$platform"; \
		go build -o /dev/null ./cmd/cyan; \
		if [ $$GOOS = linux ]; then go build -C localcluster -o /dev/null ./cmd/cyan-local; fi; \
	done

publish: ## what a CI job calls that may publish a release
	GOFLAGS= $(GORELEASER) release --clean $(if $(IMAGE),,--skip=docker)

metrics: ## the shape of the house in figures, with the bound of each
	@go run ./hack/metrics

clean:
	rm -rf $(BIN) dist

system-packages:
	@./hack/system-packages.sh
