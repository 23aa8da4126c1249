# What a person does with this repository; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BINARY := .build/release/penstock
# Across modules: a twentieth of the instructions of a request (Benchmarks/README.md).
RELEASE := swift build -c release --static-swift-stdlib -Xswiftc -cross-module-optimization --product penstock
STRICT := --explicit-target-dependency-import-check error
TEST := PENSTOCK_BINARY=$(CURDIR)/$(BINARY) PENSTOCK_PYTHON=$(CURDIR)/.venv/bin/python swift test --quiet --disable-xctest

# All tests at once wait for each other longer than any of them should.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := 4

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: run
run: packages-run build ## install what is missing, build, serve routes.yaml on 127.0.0.1:8080 (Ctrl-C ends it)
	@Scripts/run $(BINARY) routes.yaml

.PHONY: test
test: packages-test venv format-check layers build ## the set-up, then the formatting check and every test
	swift build --build-tests $(STRICT)
	@.ci/example-package
	PENSTOCK_TEST_IPV6=1 PENSTOCK_TEST_IO=epoll $(TEST) --skip-build $(STRICT) --filter '^EndToEndTests\.'  # on [::1]
	$(TEST) --skip-build $(STRICT)

.PHONY: build
build: packages-run ## build the release: .build/release/penstock, one file that stands alone
	$(RELEASE)

.PHONY: bench
bench: packages-bench build ## compare with nginx, HAProxy, Caddy and function hosts (about half an hour)
	@Scripts/venv Benchmarks/venv Benchmarks/requirements.txt
	Benchmarks/compare.py

.PHONY: sanitize sanitize-address sanitize-thread
sanitize: sanitize-address sanitize-thread ## every test under AddressSanitizer, then ThreadSanitizer (about half an hour)

sanitize-address sanitize-thread: sanitize-%: packages-test venv
	Scripts/sanitize $*

.PHONY: fuzz
fuzz: packages-run ## try each parser with FUZZ_SECONDS=60 of inputs that nobody thought of (TARGETS="json path")
	Fuzz/run $(TARGETS)

.PHONY: reference
reference: build ## write the reference of configuration and metrics into README.md
	@Scripts/reference $(BINARY)

.PHONY: format
format: ## format every source in place
	swift format -i -r Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources $(wildcard Examples/*/Package.swift Examples/*/Sources)

.PHONY: format-check
format-check:
	swift format lint --strict -r Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources $(wildcard Examples/*/Package.swift Examples/*/Sources)

.PHONY: layers
layers:
	@/usr/bin/python3 Tests/Layers/layers.py

.PHONY: venv
venv:
	@Scripts/venv .venv Tests/requirements.txt

.PHONY: packages-run packages-test packages-bench
packages-run packages-test packages-bench: packages-%:
	@Scripts/packages $*
