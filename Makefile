# What a person or a robot does with this repository. It needs Go 1.21 or newer (the right toolchain is fetched), Node
# 20.19 or newer, and make. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export GOTOOLCHAIN := auto
export CGO_ENABLED ?= 0
# One set of flags for what is vetted, tested and built: each package is compiled once.
export GOFLAGS ?= -trimpath

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The image's flags: without tables for debuggers the binary is a quarter smaller; traces of a panic still name their lines.
GO_BUILD := go build -ldflags "-s -w -X main.built=$(VERSION)"

NODE_MODULES := ui/node_modules/.package-lock.json
DASHBOARD := ui/dist/index.html
UI_SOURCES := $(shell find ui/src ui/public ui/scripts ui/index.html ui/package.json ui/tsconfig.json ui/vite.config.ts -type f 2>/dev/null)

# Tools of `make check`, pinned.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0

# Packages whose tests can rewrite what they compare with.
GOLDEN = $(shell grep -rl --include='*_test.go' --exclude-dir=node_modules 'flag\.Bool."update"' . | xargs -n1 dirname | sort -u)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# ---- run ----

.PHONY: run
run: build ## build everything and start it with the sandbox and a demonstration
	./pocketline serve --sandbox --demo

.PHONY: dev
dev: $(NODE_MODULES) ## the same, with the dashboard reloading as you edit it; both stop together
	$(GO_BUILD) -o pocketline .
	@./pocketline serve --sandbox --demo & server=$$!; \
	(cd ui && exec node node_modules/vite/bin/vite.js) & web=$$!; \
	trap 'kill $$server $$web 2>/dev/null || true; wait' EXIT; trap 'exit 0' INT TERM; \
	while kill -0 $$server 2>/dev/null && kill -0 $$web 2>/dev/null; do sleep 1; done

# ---- build ----

.PHONY: build
build: ## the binary ./pocketline, with the dashboard when Node is there
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory ui; \
	else echo; echo "  Node is missing: the dashboard is NOT built, the binary will say so. Install Node 20.19 or newer and make again."; echo; fi
	$(GO_BUILD) -o pocketline .

.PHONY: ui
ui: $(DASHBOARD) ## the dashboard, into ui/dist

$(NODE_MODULES): ui/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || \
	{ echo; echo "  Node $$(node -v) is too old for the dashboard: install 20.19 or newer."; echo; exit 1; }
	cd ui && npm ci --no-audit --no-fund
	@touch $@

$(DASHBOARD): $(NODE_MODULES) $(UI_SOURCES)
	cd ui && npm run --silent build
	@touch $@

# ---- prove ----

.PHONY: test
test: vet ui-check ui-test ui ui-budget go-test e2e ## everything that must hold, quickest first (under 15 minutes on 2 cores)

.PHONY: vet
vet:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go' -not -path './ui/node_modules/*')); \
	if [ -n "$$unformatted" ]; then echo "gofmt these: $$unformatted"; exit 1; fi
	go vet ./...

.PHONY: ui-check ui-test ui-budget
ui-check: $(NODE_MODULES)
	cd ui && npm run --silent check
ui-test: $(NODE_MODULES)
	cd ui && npm run --silent test
ui-budget: $(DASHBOARD)
	cd ui && npm run --silent budget

.PHONY: go-test
go-test: ## every Go test; vet has its own target
	go test -vet=off -timeout 20m ./...

.PHONY: e2e
e2e: build ## the real binary: its clients from npm, then a real Chromium
	.ci/e2e

.PHONY: check
check: vet lint generated ui-check ui race faults vulnerabilities ## what a change must pass before it is proposed, beside make test

.PHONY: lint
lint:
	GOTOOLCHAIN=$$(go env GOVERSION) go run $(STATICCHECK) ./...

.PHONY: generated
generated: ## fail when a generated file is not what its source says
	go test $(GOLDEN)

.PHONY: race
race:
	@if command -v $${CC:-cc} >/dev/null; then CGO_ENABLED=1 go test -race ./hooks/internal/... ./providers/...; \
	else echo; echo "  SKIPPED: the race detector needs a C compiler (apt-get install gcc)"; echo; fi

.PHONY: vulnerabilities
vulnerabilities:
	@if out=$$(GOTOOLCHAIN=$$(go env GOVERSION) go run $(GOVULNCHECK) ./... 2>&1); then echo "$$out"; \
	elif grep -qiE 'fetching vulnerabilities|dial tcp|no such host|timeout|vuln.go.dev.*(40|50)[0-9]' <<<"$$out"; then \
	echo "$$out" | tail -3; echo; echo "  SKIPPED: the list of known vulnerabilities cannot be reached from here"; echo; \
	else echo "$$out"; exit 1; fi

ONLY ?=

.PHONY: faults
faults: ## break the real binary in every way of docs/reliability.md (under 10 minutes); ONLY=F3,F9 for some
	go run ./faults -only "$(ONLY)"

SIZE ?= 100000

.PHONY: bench
bench: ## measure beside a bare PocketBase into docs/performance.md; SIZE=1000000 for the full run
	go run ./bench -calls $(SIZE) -o docs/performance.md

# ---- write ----

.PHONY: schema
schema: ## make schema name=add_call_sentiment: one more database step from collections/
	@test -n "$(name)" || { echo "give the step a name: make schema name=add_call_sentiment"; exit 1; }
	go run . schema write "$(name)"

.PHONY: golden
golden: ## rewrite what tests compare with; read the diff before you commit it
	go run . typegen
	go test $(GOLDEN) -update

.PHONY: notices
notices: build ## bin/THIRD_PARTY_NOTICES.md: the licences of everything that is linked in
	@mkdir -p bin; { echo "# Third-party notices"; \
	go version -m pocketline | awk '$$1 == "dep" { print $$2 "@" $$3 }' | while read -r module; do \
		dir=$$(go list -m -f '{{.Dir}}' "$${module%@*}"); printf '\n## %s\n\n```\n' "$$module"; \
		cat "$$dir"/LICEN[CS]E* "$$dir"/COPYING* 2>/dev/null || true; printf '```\n'; \
	done; \
	for name in $$(cd ui && node -p 'Object.keys(require("./package.json").dependencies).join(" ")'); do \
		printf '\n## %s (dashboard)\n\n```\n' "$$name"; cat ui/node_modules/$$name/LICEN[CS]E* 2>/dev/null || \
		(cd ui && node -p "require('./node_modules/$$name/package.json').license"); printf '```\n'; \
	done; } > bin/THIRD_PARTY_NOTICES.md
	@echo bin/THIRD_PARTY_NOTICES.md

.PHONY: clean
clean: ## remove what was built; data stays
	rm -rf pocketline bin ui/node_modules
	find ui/dist -mindepth 1 -not -name .gitkeep -delete
