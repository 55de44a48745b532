.DEFAULT_GOAL := help
SHELL := /bin/bash
VERSION ?= v0.0.0-dev
# Version of the lesson's PostgreSQL server in the end-to-end tests.
POSTGRES ?= 15
# The node image of kind for a new cluster, and with it the version of Kubernetes. Empty: that of the kind release in e2e/cluster/tools.
NODE_IMAGE ?=
LDFLAGS := -s -w -X github.com/kubectl-pgbind/kubectl-pgbind/pkg/version.value=$(VERSION)

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/kubectl-pgbind
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/kubectl-pgbind ./cmd/kubectl-pgbind

.PHONY: install
install: ## Install kubectl-pgbind in Go's bin directory
	CGO_ENABLED=0 go install -trimpath -ldflags '$(LDFLAGS)' ./cmd/kubectl-pgbind

.PHONY: unit
unit: ## Run the unit tests
	go test $(UNIT_FLAGS) ./cmd/... ./pkg/... ./plugins/... ./e2e/bench/... ./e2e/cluster/... ./e2e/docs/... ./e2e/faultproxy/... ./e2e/picture/...

# A target of its own: the race detector compiles every dependency a second time, which takes most of the time on a machine without caches.
.PHONY: race
race: ## Run the unit tests with the race detector
	$(MAKE) --no-print-directory unit UNIT_FLAGS=-race

.PHONY: lint
lint: ## Run the linters that .golangci.yaml names
	go -C e2e/tools/golangci-lint build -trimpath -o $(CURDIR)/.cache/ tool
	.cache/golangci-lint run --allow-parallel-runners ./...
	cd e2e/app && $(CURDIR)/.cache/golangci-lint run --allow-parallel-runners ./...

LICENCES = Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT
# Without GOROOT, go-licenses takes every dependency for a part of the standard library.
GO_LICENSES = GOROOT="$$(go env GOROOT)" .cache/go-licenses
.PHONY: modules
modules: ## Check the dependencies: checksums, a tidy go.mod, and licences
	go mod verify
	go mod tidy -diff
	go -C e2e/tools/go-licenses build -trimpath -o $(CURDIR)/.cache/ tool
	$(GO_LICENSES) check --allowed_licenses=$(LICENCES) ./cmd/... 2>.cache/licences.log || { cat .cache/licences.log; false; }
	@! $(GO_LICENSES) check --allowed_licenses=none ./cmd/... 2>.cache/licences.log || { echo "go-licenses found no dependency" >&2; false; }

.PHONY: docs
docs: schema ## Generate the documents that follow from the code
	go run ./e2e/docs

.PHONY: schema
schema: ## Generate the JSON Schema of bindings
	PGBIND_WRITE_SCHEMA=1 go test -count=1 -run '^TestSchema_IsUpToDate$$' ./pkg/api/v1alpha1

.PHONY: cluster
cluster: ## Start the test cluster if it is not running
	@PGBIND_E2E_NODE_IMAGE="$(NODE_IMAGE)" go run ./e2e/cluster up

.PHONY: kubeconfig
kubeconfig: ## Print the path of the test cluster's kubeconfig
	@go run ./e2e/cluster kubeconfig

.PHONY: cluster-down
cluster-down: ## Delete the test cluster and everything that it started
	@go run ./e2e/cluster down

# The demo and the end-to-end tests use only these settings, never those of the user.
WITH_CLUSTER = PGBIND_E2E_POSTGRES="$(POSTGRES)" PGBIND_E2E_KUBECONFIG="$$(go run ./e2e/cluster kubeconfig)" \
	PGBIND_E2E_KUBECTL="$$(go run ./e2e/cluster path)/kubectl" PGBIND_E2E_PLUGIN="$(CURDIR)/bin/kubectl-pgbind" \
	PGBIND_E2E_OLD_PLUGIN="$(CURDIR)/$(OLD_PLUGIN)" PGBIND_E2E_TOOLS="$(TOOLS)"

.PHONY: app-image
app-image: cluster ## Build the web app's image and load it into the cluster
	@go run ./e2e/cluster app

.PHONY: image
image: cluster ## Build the plugin's own image kubectl-pgbind:dev and load it into the cluster
	@go run ./e2e/cluster plugin

.PHONY: server-images
server-images: cluster ## Load the oldest and the newest PostgreSQL, one with other languages, and a pooler into the cluster
	@go run ./e2e/cluster postgres $(sort 13 18 $(POSTGRES))
	@go run ./e2e/cluster extras
	@go run ./e2e/cluster pooler

# The commit whose metadata the plugin must still read, and its plugin, with which a test binds before it goes on with the present one.
OLD_COMMIT = 03b9a501f9ad8480e8b92a61e86fd890d127d67e
OLD_PLUGIN = .cache/$(OLD_COMMIT)/kubectl-pgbind
$(OLD_PLUGIN):
	@git cat-file -e $(OLD_COMMIT)^{commit} 2>/dev/null || \
		{ echo "commit $(OLD_COMMIT) is missing, which the test of an upgrade builds: run git fetch --unshallow" >&2; exit 1; }
	rm -rf $(@D) && mkdir -p $(@D)/source && git archive $(OLD_COMMIT) | tar -x -C $(@D)/source
	cd $(@D)/source && CGO_ENABLED=0 go build -trimpath -o ../kubectl-pgbind ./cmd/kubectl-pgbind
	rm -rf $(@D)/source

# The tools that manage workloads in the tests: both versions of helm, and programs that reconcile with the libraries of Flux and Argo CD.
TOOLS = $(CURDIR)/.cache/tools
.PHONY: tools
tools: ## Build the tools that manage workloads in the end-to-end tests
	@mkdir -p $(TOOLS)
	CGO_ENABLED=0 go -C e2e/tools/helm3 build -trimpath -o $(TOOLS)/helm3 helm.sh/helm/v3/cmd/helm
	CGO_ENABLED=0 go -C e2e/tools/helm4 build -trimpath -o $(TOOLS)/helm4 helm.sh/helm/v4/cmd/helm
	CGO_ENABLED=0 go -C e2e/tools/fluxapply build -trimpath -o $(TOOLS)/fluxapply .
	CGO_ENABLED=0 go -C e2e/tools/argosync build -trimpath -o $(TOOLS)/argosync .

.PHONY: gitops
gitops: build app-image tools $(OLD_PLUGIN) ## Bind workloads that helm, Flux and Argo CD manage (the tools take long to build)
	$(WITH_CLUSTER) go test -tags e2e,gitops -count=1 -timeout 30m -parallel 2 -run '^Test(Helm3|Helm4|Flux|ArgoCD)$$' ./e2e

# Controllers of other projects, and what they need: a Git server, and Redis for Argo CD. Each of them takes minutes to build, so that make
# soak runs these tests, and make test does not.
CONTROLLERS = argo-rollouts source-controller kustomize-controller argo-cd
.PHONY: controllers
controllers: build app-image $(OLD_PLUGIN) ## Bind workloads under the controllers of Argo Rollouts, Flux and Argo CD
	@go run ./e2e/cluster git
	@go run ./e2e/cluster redis
	@go run ./e2e/cluster applications $(CONTROLLERS)
	$(WITH_CLUSTER) go test -tags e2e,controllers -count=1 -timeout 30m -parallel 2 -run '^Test(ArgoRollouts|(Flux|ArgoCD)Controllers)$$' ./e2e

# Published applications, and one more, each of which reads its login from names of its own. OpenFGA takes minutes to build.
APPS = Miniflux OpenFGA Guestbook
.PHONY: apps
apps: build cluster ## Bind, migrate, rotate and unbind real applications
	@go run ./e2e/cluster applications $$(echo $(APPS) | tr A-Z a-z)
	$(WITH_CLUSTER) go test -tags e2e,apps -count=1 -timeout 30m -parallel 2 -run "^Test($$(echo $(APPS) | tr ' ' '|'))(_|\$$)" ./e2e

# Patroni 3 labels the primary as master, Patroni 4 as primary.
.PHONY: patroni-image
patroni-image: cluster ## Load Patroni, on PostgreSQL 15 and 17, and a pooler into the cluster
	@go run ./e2e/cluster patroni 15 17
	@go run ./e2e/cluster pooler

.PHONY: patroni
patroni: build app-image patroni-image ## Test failovers on real Patroni clusters
	$(WITH_CLUSTER) go test -tags e2e,patroni -count=1 -timeout 30m -run '^TestPatroni' ./e2e

.PHONY: browser
browser: build app-image ## Open the page of an audit in a browser
	@go run ./e2e/cluster chromium
	$(WITH_CLUSTER) go test -tags e2e,browser -count=1 -timeout 10m -run '_InABrowser$$' ./e2e

# Real tools, applications and servers, one of them at a time.
PGBIND_WITH ?= $(call turn,2,gitops apps patroni)
.PHONY: integrations
integrations: ## Run one of gitops, apps and patroni (PGBIND_WITH=)
	@echo "with $(PGBIND_WITH)"
	@$(MAKE) --no-print-directory $(PGBIND_WITH)

# turn returns one of several words, a different one after every N commits, where N is the first argument.
turn = $(word $(shell echo $$(( $$(git rev-list --count HEAD) / $(1) % $(words $(2)) + 1 ))),$(2))
PG_VERSIONS = 13 15 17 18
PGBIND_PG ?= $(call turn,1,$(PG_VERSIONS))
# A third of the permissions that a test removes one by one, and eight of the hostile names. An empty value tests all.
PGBIND_PART ?= $(call turn,3,1/3 2/3 3/3)
PGBIND_NAMES ?= 8
# How long all end-to-end tests of one target may take.
E2E_TIMEOUT ?= 50m
# Each commit runs a third of the end-to-end tests, by position in the alphabet. An empty PGBIND_SHARE runs all.
PGBIND_SHARE ?= $(call turn,1,1/3 2/3 3/3)
SHARED_TESTS = $$(grep -hoE '^func Test\w+' e2e/*_test.go | cut -c6- | grep -vx TestMain | sort | \
	awk -v part="$(PGBIND_SHARE)" '{ split(part, p, "/"); if (part == "" || NR % p[2] == p[1] % p[2]) print }' | paste -sd '|')
.PHONY: e2e
e2e: build app-image image server-images $(OLD_PLUGIN) ## Run the end-to-end tests on the cluster
	@echo "share $(PGBIND_SHARE) of the tests, SQL on PostgreSQL $(PGBIND_PG), part $(PGBIND_PART) of the rights"
	@rm -rf .cache/e2e && mkdir -p .cache/e2e
	go test -tags e2e -count=1 $$(go list -tags e2e ./e2e/... | grep -vE '/e2e(/privileges)?$$')
	$(WITH_CLUSTER) PGBIND_PG="$(PGBIND_PG)" PGBIND_PART="$(PGBIND_PART)" PGBIND_NAMES="$(PGBIND_NAMES)" go test -tags e2e -count=1 -timeout $(E2E_TIMEOUT) -parallel 4 \
		-artifacts -outputdir .cache/e2e -run "^($(SHARED_TESTS))$$" ./e2e

# A fourth of the privilege escalations at a time: those at one access level, or the control runs. An empty PGBIND_CLIMB tries all.
PGBIND_CLIMB ?= $(call turn,4,readonly readwrite all control)
.PHONY: privileges
privileges: private SHELL = bash
privileges: private .SHELLFLAGS = -o pipefail -c
privileges: build server-images ## Test on PostgreSQL PGBIND_PG what a bound application can and cannot do
	@echo "PostgreSQL $(PGBIND_PG), escalations: $(PGBIND_CLIMB)"
	@rm -rf .cache/privileges && mkdir -p .cache/privileges
	$(WITH_CLUSTER) PGBIND_PG="$(PGBIND_PG)" PGBIND_CLIMB="$(PGBIND_CLIMB)" \
		go test -tags e2e -count=1 -v -timeout $(E2E_TIMEOUT) -parallel 3 -artifacts -outputdir .cache/privileges ./e2e/privileges \
		| grep --line-buffered -vE '^(=== | *--- PASS)'

COVER = $(CURDIR)/.cache/cover
.PHONY: cover
cover: app-image server-images $(OLD_PLUGIN) ## Measure how much of pkg/ the unit and end-to-end tests cover together
	@rm -rf $(COVER) && mkdir -p $(COVER)/unit $(COVER)/e2e
	CGO_ENABLED=0 go build -cover -coverpkg=./cmd/...,./pkg/... -ldflags '$(LDFLAGS)' -o $(COVER)/kubectl-pgbind ./cmd/kubectl-pgbind
	go test -cover ./pkg/... -args -test.gocoverdir=$(COVER)/unit
	$(WITH_CLUSTER) PGBIND_E2E_PLUGIN=$(COVER)/kubectl-pgbind GOCOVERDIR=$(COVER)/e2e go test -tags e2e -count=1 -timeout 60m -parallel 6 ./e2e/
	go tool covdata textfmt -i=$(COVER)/unit,$(COVER)/e2e -o=$(COVER)/profile
	@grep -v /cmd/kubectl-pgbind/ $(COVER)/profile >$(COVER)/pkg.profile
	go tool cover -func=$(COVER)/pkg.profile | tail -1

# The files next to the program in a release: man pages, the completion script, and the licences of what each platform's program contains.
RELEASE = .cache/release
.PHONY: release-files
release-files:
	go -C e2e/tools/go-licenses build -trimpath -o $(CURDIR)/.cache/ tool
	rm -rf $(RELEASE) && mkdir -p $(RELEASE)/licences/go
	cp "$$(go env GOROOT)/LICENSE" $(RELEASE)/licences/go/
	@set -e; for os in darwin linux windows; do GOOS=$$os $(GO_LICENSES) save ./cmd/... --ignore=github.com/kubectl-pgbind \
		--save_path=$(RELEASE)/$$os 2>.cache/licences.log || { cat .cache/licences.log; false; }; \
		cp -r $(RELEASE)/$$os/. $(RELEASE)/licences/ && rm -rf $(RELEASE)/$$os; done
	go run ./plugins/dist files -to $(RELEASE) -licences $(RELEASE)/licences

# Publishing signs with the identity of a workflow and needs a registry for the image. Without them, a release has no signature and no image.
DIST_SKIP = sign,ko,sbom
.PHONY: dist
dist: goreleaser ## Pack the release VERSION=v1.2.3 into dist: archives, packages, checksums and the krew manifest
	GORELEASER_CURRENT_TAG=$(VERSION) .cache/goreleaser release --snapshot --clean --skip=$(DIST_SKIP)
	@grep -q '"tag":"$(VERSION)"' dist/metadata.json || { echo "goreleaser found no version: build in a clone that has a remote" >&2; exit 1; }
	go run ./plugins/dist krew -version $(VERSION) -dir dist

.PHONY: goreleaser
goreleaser:
	go -C e2e/tools/goreleaser build -trimpath -o $(CURDIR)/.cache/ tool

.PHONY: release-tools
release-tools: goreleaser
	go -C e2e/tools/syft build -trimpath -o $(CURDIR)/.cache/ tool
	go -C e2e/tools/cosign build -trimpath -o $(CURDIR)/.cache/ tool

.PHONY: publish
publish: release-tools ## Publish the release of the tag that is checked out (the workflow "release" does)
	PATH="$(CURDIR)/.cache:$$PATH" .cache/goreleaser release --clean

.PHONY: vulnerabilities
vulnerabilities: ## Look for known vulnerabilities in the dependencies (needs the Internet)
	go -C e2e/tools/govulncheck build -trimpath -o $(CURDIR)/.cache/ tool
	.cache/govulncheck ./cmd/... ./pkg/...

# -trimpath keeps the name of this directory out of the linker's input, so that both targets share one build cache.
CROSS = darwin/amd64 darwin/arm64 linux/amd64 linux/arm64 windows/amd64 windows/arm64

.PHONY: cross
cross: ## Vet and build for every released platform
	@set -e; for platform in $(CROSS); do echo "$$platform"; export CGO_ENABLED=0 GOOS="$${platform%/*}" GOARCH="$${platform#*/}"; \
		go vet -trimpath ./cmd/... ./pkg/...; go build -trimpath -buildvcs=false -o /dev/null ./cmd/kubectl-pgbind; done

.PHONY: dist-test
dist-test: goreleaser cluster ## Build a release for this platform, install it with krew, check its packages and image (PGBIND_DIST_ALL=1: a whole release)
	@go run ./e2e/cluster bsdtar
	$(if $(PGBIND_DIST_ALL),$(MAKE) --no-print-directory release-tools)
	go -C e2e/tools/krew build -trimpath -o $(CURDIR)/.cache/ tool
	PGBIND_DIST_TOOLS="$(CURDIR)/.cache" PGBIND_E2E_KUBECTL="$$(go run ./e2e/cluster path)/kubectl" \
		go test -tags dist -count=1 -timeout 30m ./plugins/dist

.PHONY: pictures
pictures: build app-image ## Draw the pictures of a terminal from a session on the cluster, and the bars from the figures of the last benchmark
	go run ./e2e/bench -draw
	$(WITH_CLUSTER) PGBIND_DRAW_PICTURES=1 go test -tags e2e -count=1 -timeout 10m -run '^TestPictures$$' ./e2e

.PHONY: errors
errors: build app-image ## Record the errors of a bind on the cluster, and write their page
	$(WITH_CLUSTER) PGBIND_WRITE_REFUSALS=1 go test -tags e2e -count=1 -timeout 10m -run '^TestRefusals$$' ./e2e
	go run ./e2e/docs

# For a shorter run: BENCH="-runs 3 -fleets 1".
BENCH ?=
.PHONY: bench
bench: build app-image ## Compare the plugin with a script, a bare program and Ansible, measure a thousand bindings, and write docs/benchmark.*
	@go run ./e2e/cluster ansible
	$(WITH_CLUSTER) go run ./e2e/bench $(BENCH)

FUZZTIME ?= 10s
.PHONY: fuzz
fuzz: ## Fuzz every parser and every value that reaches SQL, a shell, JSON, YAML, a URI or a pgpass line, for FUZZTIME each
	@set -e; for package in $$(grep -rl '^func Fuzz' --include='*_test.go' pkg | xargs -n 1 dirname | sort -u); do \
		for target in $$(go test -list '^Fuzz' ./$$package | grep '^Fuzz'); do echo "$$package $$target"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./$$package; done; done

# PGBIND_SOAK=n tests n points of each command, evenly spread, instead of all; PGBIND_SOAK=i/n tests part i of n. Failures are printed again
# at the end, after the hundreds of tests that passed.
.PHONY: soak
soak: build app-image ## Kill and disturb runs at every request, and try all privilege escalations on all versions (long; not part of make test)
	$(if $(PGBIND_SOAK),,$(MAKE) --no-print-directory privileges PGBIND_PG="$(PG_VERSIONS)" PGBIND_CLIMB= E2E_TIMEOUT=150m)
	$(if $(PGBIND_SOAK),,$(MAKE) --no-print-directory e2e PGBIND_PG= PGBIND_PART= PGBIND_NAMES=24 PGBIND_SHARE= E2E_TIMEOUT=150m)
	$(if $(PGBIND_SOAK),,$(MAKE) --no-print-directory gitops apps patroni controllers browser race)
	go -C e2e/tools/gotestsum build -trimpath -o $(CURDIR)/.cache/ tool
	$(WITH_CLUSTER) .cache/gotestsum --format standard-verbose -- \
		-tags e2e,soak -count=1 -timeout 60m -parallel $(if $(PGBIND_SOAK),4,8) -run '^Test(Crashes|Faults|ServerFaultMatrix|Takeover_KilledAtEveryRequest)$$' ./e2e/

.PHONY: demo
demo: build app-image ## Run the lesson on the cluster and print the page of the web app
	@$(WITH_CLUSTER) go run ./e2e/demo

# As many points of each command as make soak can test in about three minutes.
.PHONY: soak-sample
soak-sample: ## Run make soak at a few points of each command, and print the duration
	@PGBIND_SOAK=2 $(MAKE) --no-print-directory test BUDGETS=soak:20

# Time limit of each part of the tests, in minutes. On a machine without caches, e2e also builds the programs and images of the cluster.
BUDGETS = unit:20 lint:20 modules:10 e2e:55 privileges:30 integrations:25 dist-test:20

.PHONY: test
test: ## Run the tests of this commit, and print the duration of each part
	@set -e; for part in $(BUDGETS); do start=$$SECONDS; \
		timeout --foreground $${part#*:}m $(MAKE) --no-print-directory "$${part%:*}" || { echo "make $${part%:*} failed, or took longer than its $${part#*:} minutes" >&2; exit 1; }; \
		took="$$took$$(printf '  %-10s %5d s of at most %2d min' "$${part%:*}" $$((SECONDS - start)) "$${part#*:}")"$$'\n'; done; printf '%s' "$$took"

.PHONY: clean
clean: ## Delete everything that was built in this checkout
	rm -rf bin dist .cache
