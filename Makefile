# Every target works in one environment, .venv, which is built once from requirements.lock. It needs Python 3.11 or
# newer, and the network the first time.
VENV := .venv
PEERS := .venv-peers
DIR ?= .
TESTS ?=
# RECORD=--record keeps the figures of a proof in docs/figures.
RECORD ?=
SLOW_SYNC := benchmarks/peers/slow_sync.so
RUN := $(VENV)/bin/python
BUILT := $(VENV)/.built

export DIR
.PHONY: help demo test screenshots lint types docs bench bench-check bench-peers bench-side bench-stored bench-watching abuse chaos-peers flakes fuzz lock clean power-cuts partitions mutants soak sim chaos

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BUILT) ## see it work on the files of a folder: make demo DIR=/some/folder
	@$(RUN) -m hirehall demo "$$DIR"

test: $(BUILT) ## run every test, or some: make test TESTS=tests/cli
	$(RUN) -m pytest $(TESTS)

screenshots: $(BUILT) ## photograph every page, light and dark, on a desk and a phone: build/screenshots
	$(RUN) -m tests.browser.screenshots build/screenshots

mutants: $(BUILT) ## put faults into our own server, one after the other: the tests must see each
	$(RUN) -m tests.mutants --table $(RECORD)

lint: $(BUILT) ## look for mistakes and for style
	$(RUN) -m ruff check .

types: $(BUILT) ## check the types
	$(RUN) -m mypy

docs: $(BUILT) ## write the generated pages anew: options, command line, diagram
	$(RUN) -m docs.generate

sim: $(BUILT) ## simulate the hall with seeds that CI does not have: SEEDS=10000 FROM=3000
	$(RUN) -m tests.sim --count $(or $(SEEDS),10000) --from $(or $(FROM),3000) $(RECORD)

bench: $(BUILT) ## measure what a hall carries on this machine, in minutes; .venv/bin/hirehall bench --quick: in half a minute
	$(RUN) -m $(if $(RECORD),benchmarks.record --sustained,hirehall bench)

bench-check: $(BUILT) ## has any path of the hall become slower? ONLY="submit deliver" PROFILE=FILE FLOORS=--set-floors
	$(RUN) -m benchmarks.gate $(foreach path,$(ONLY),--only $(path)) $(PROFILE:%=--profile %) $(FLOORS) $(RECORD)
	$(if $(RECORD),$(RUN) docs/generate.py)

bench-side: $(BUILT) ## measure what progress, logs and watchers cost, in a minute or two
	$(RUN) -m benchmarks.side_data

bench-watching: $(BUILT) ## measure what 200 open pages and 5 feeds of all events cost a busy hall, in three minutes
	$(RUN) -m benchmarks.watching $(RECORD)

bench-stored: $(BUILT) ## measure how long pages and searches take with 1,000,000 jobs stored, in three minutes: JOBS=100000
	$(RUN) -m benchmarks.stored $(JOBS:%=--jobs %) $(RECORD)

power-cuts: $(BUILT) ## cut the power of a hall anywhere, and let its disk fail at any call; an hour or two
	$(RUN) -m tests.disk --images 500000 --io-errors $(RECORD)

abuse: $(BUILT) ## slow, endless, deaf and too many peers, idle workers, a storm, too much work: CASES="flood idle"
	$(RUN) -m tests.abuse $(CASES) $(RECORD)

chaos: $(BUILT) ## kill and freeze halls, workers and clients for a night, and audit what became of a million jobs
	$(RUN) -m tests.chaos --jobs $(or $(JOBS),1000000) --kills $(or $(KILLS),1000) $(RECORD)

bench-peers: $(PEERS)/.built $(SLOW_SYNC) ## race Hirehall and other job servers, with a disk as it is and a slow one; takes a C compiler: MINUTES=12
	$(PEERS)/bin/python -m benchmarks.peers $(JOBS:%=--jobs %) $(MINUTES:%=--minutes %) $(RECORD)

chaos-peers: $(PEERS)/.built ## kill Hirehall and other job servers once under load, and count what each lost: JOBS=1000
	$(PEERS)/bin/python -m benchmarks.chaos_peers --jobs $(or $(JOBS),1000) $(RECORD)

flakes: $(BUILT) ## run every test that starts a process again and again: RUNS=30
	$(RUN) -m tests.flakes --runs $(or $(RUNS),30) $(RECORD)

fuzz: $(BUILT) ## throw valid and broken bytes at the wire: make fuzz COUNT=10000000
	$(RUN) -m tests.wire --count $(or $(COUNT),10000000) $(RECORD)

partitions: $(BUILT) ## cut networks in every way for every kind of peer, in network namespaces: as root
	$(RUN) -m tests.partitions $(RECORD)

soak: $(BUILT) ## a quarter of the peak for hours, with kills: what everything takes, and how that rises: HOURS=2
	$(RUN) -m tests.soak --hours $(or $(HOURS),2) $(RECORD)

lock: ## write requirements.lock anew from what pip resolves today
	@sh .ci/lock

clean: ## remove the environment and all caches
	rm -rf .venv $(PEERS) $(SLOW_SYNC) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BUILT): requirements.lock pyproject.toml .ci/environment
	@sh .ci/environment $(VENV)
	@touch $@

$(PEERS)/.built: requirements.lock benchmarks/requirements.txt .ci/environment
	@sh .ci/environment $(PEERS) benchmarks/requirements.txt
	@touch $@

$(SLOW_SYNC): benchmarks/peers/slow_sync.c
	cc -O2 -shared -fPIC -o $@ $< -ldl
