# `make run` and `make test` need Go and make, nothing else. The other targets
# build the tools they need from tools/go.mod, pinned, into bin/.
.DEFAULT_GOAL := help
# Without paths in what is compiled, builds are the same in every folder: one
# clone finds in the cache what another has built, and releases can be repeated.
# For all targets alike, or dependencies would be compiled twice.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)
MODULES := ./proto/... ./services/... ./tools/stripesim/...
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The program is rebuilt by every target that runs it; Go's cache makes that cheap.
.PHONY: bin/almoner
bin/almoner:
	@go build -ldflags '$(LDFLAGS)' -o $@ ./services/cmd/almoner

.PHONY: bin/stripesim bin/run-split
bin/stripesim:
	@go build -o $@ ./tools/stripesim/cmd/stripesim
bin/run-split:
	@go build -o $@ ./services/systemtest/cmd/run-split

.PHONY: build
build: bin/almoner ## Build the program into bin/almoner

.PHONY: run
run: bin/almoner ## Run everything in one process on http://127.0.0.1:8080
	@[ -n "$$STRIPE_SECRET_KEY" ] || export ALMONER_PAYMENT_METHODS="$${ALMONER_PAYMENT_METHODS-card,sepa_debit,bacs_debit,us_bank_account}"; exec bin/almoner run

# It needs PostgreSQL's programs (Debian: postgresql) besides Go and make.
.PHONY: run-split
run-split: bin/almoner bin/stripesim bin/run-split bin/nats-server ## Run five services with PostgreSQL and a NATS cluster
	@exec bin/run-split

.PHONY: demo
demo: bin/almoner ## Give several times through a running instance and audit it
	@exec bin/almoner demo

# Most tests wait, for a server or for what is done a little later: on two processors
# Go would run two of a package at a time, and leave them idle for a third of the time.
TEST := go test -parallel 4
.PHONY: test
test: ## Run the tests of every module
	$(TEST) $(MODULES)

# How much is told; all of it is make anyorder ANYORDER='-orders 720 -losses 30 -random 10000'.
ANYORDER := -orders 24 -losses 4 -random 1000
.PHONY: anyorder
anyorder: ## Tell webhooks in many orders, lose them, and build mistakes into the services
	go test -count=1 -timeout 60m -v -run 'EveryOrder|Random' ./services/systemtest/anyorder $(ANYORDER)
	go test -count=1 -timeout 30m -v -run Mistakes -parallel 4 ./services/systemtest/anyorder -wrong

# SQLite is C made into Go: its memory is not what Go allocated, so there is no race
# in it that the detector could see, and watching each of its loads and stores is
# most of the work. It is left out; what calls it is not: those packages compile
# generic code of the standard library for everybody, which has to be watched.
# Nor does it see into other processes: alarms are rung by Prometheus' own program, and
# who is killed is one that was built without it. make test has seen both.
.PHONY: test-race
test-race: ## Run them under the race detector
	$(TEST) -race -skip '^(TestAlarmsRing|TestKilledSixTimesInTheMiddleOfGifts)$$' -gcflags='modernc.org/...=-d=checkptr=0' -gcflags='modernc.org/sqlite/lib=-race=false' $(MODULES)

.PHONY: e2e
e2e: bin/almoner ## Use the program in a real browser (needs Node and Chromium)
	cd tools/e2e && npm ci --no-audit --no-fund && npm test

# The program is judged as it was built; a result that is cached would be another's.
.PHONY: conformance
conformance: bin/almoner ## Hold simulator and program against Stripe's own description (needs Node)
	cd tools/conformance && ALMONER=../../bin/almoner go test -count=1 ./...

# Both are beside what CI runs: one looks ahead, the other needs an account at Stripe.
.PHONY: drift
drift: bin/almoner ## Report what a later version of Stripe's API would take away
	cd tools/conformance && ALMONER=../../bin/almoner go test -count=1 -tags drift -v -run TestDrift .

.PHONY: atstripe
atstripe: ## Hold the client against Stripe's test mode (needs STRIPE_TEST_KEY=sk_test_…)
	go test -count=1 -tags atstripe -v -run 'TestContractWithStripe' ./services/donation/internal/payments

.PHONY: bench
bench: loadtest ## Run the benchmarks and a short load test (needs nginx and wrk)
	go test -run '^$$' -bench . -benchtime 1s $(MODULES)

# How much longer it may take: make loadtest LOADTEST=
LOADTEST := -short
.PHONY: loadtest
loadtest: bin/almoner ## Measure the running program from outside and print its ratios
	GOWORK=off go -C tools/loadtest build -o ../../bin/loadtest .
	bin/loadtest $(LOADTEST)

# ---- tools ----
export PATH := $(CURDIR)/bin:$(PATH)
TOOLDEPS := tools/go.mod tools/go.sum
build_tool = GOWORK=off go -C tools build -o ../$@ $(1)

bin/buf: $(TOOLDEPS)
	$(call build_tool,github.com/bufbuild/buf/cmd/buf)
bin/protoc-gen-go: $(TOOLDEPS)
	$(call build_tool,google.golang.org/protobuf/cmd/protoc-gen-go)
bin/protoc-gen-go-grpc: $(TOOLDEPS)
	$(call build_tool,google.golang.org/grpc/cmd/protoc-gen-go-grpc)
bin/golangci-lint: $(TOOLDEPS)
	$(call build_tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
bin/nats-server: $(TOOLDEPS)
	$(call build_tool,github.com/nats-io/nats-server/v2)

.PHONY: generate
generate: bin/buf bin/protoc-gen-go bin/protoc-gen-go-grpc ## Generate Go from proto/
	bin/buf generate --template proto/buf.gen.yaml

.PHONY: lint
lint: bin/buf bin/golangci-lint ## Lint contracts and code
	bin/buf lint
	cd proto && ../bin/golangci-lint run ./...
	cd services && ../bin/golangci-lint run ./...
	cd tools/stripesim && ../../bin/golangci-lint run ./...
	cd tools/conformance && ../../bin/golangci-lint run ./...

# Tidying a member may raise its go line, after which no command at the root
# works until the workspace has followed.
.PHONY: tidy
tidy: ## Tidy every module and the workspace
	GOWORK=off go -C proto mod tidy
	GOWORK=off go -C services mod tidy
	GOWORK=off go -C tools/stripesim mod tidy
	GOWORK=off go -C tools/conformance mod tidy
	GOWORK=off go -C tools mod tidy
	go work use

.PHONY: ci
ci: ## Run all that CI runs
	bash .ci/run
