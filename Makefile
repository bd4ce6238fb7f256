# `make test` and `make demo` need Node 20 or newer with npm, Python 3 with pip, and Go. They get everything else.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# The compiler would leave a cache in the temporary directory.
export NODE_DISABLE_COMPILE_CACHE := 1

.PHONY: help demo test check

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 22

demo: node_modules/.package-lock.json ## Back up throwaway databases into ./backups and show the result
	@node scripts/rig/setup.ts postgres17 mongod mongo-tools
	@node scripts/demo.ts

test: node_modules/.package-lock.json ## Run every test
	@node scripts/test.ts

check: node_modules/.package-lock.json ## Check types, lint, generated files and the bundle
	@npm run --silent typecheck && npm run --silent lint && node scripts/generate.ts --check && node scripts/build.ts --check

# npm writes this file at the end of an installation that went well. The scripts run by the Node 24 that it brings.
node_modules/.package-lock.json: package.json package-lock.json
	@npm ci --loglevel=error && touch $@

include backup.mk
