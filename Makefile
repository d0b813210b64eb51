# Morula's commands. Each does its own set-up, and says what it does.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup demo test run simulate bench bench-quick bench-correction bench-cost lint docs-graph clean

CORES ?= $(shell nproc)
DIRECTORY ?= .
CONFIG ?=
PROFILE ?= default
ARGS ?=

# The checkout's own Python first, then tools that set-up fetched, then the machine's.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.conda/tools/bin:$(CURDIR)/.conda/base/bin:$(PATH)
export SNAKEMAKE_CONDA_PREFIX := $(CURDIR)/.conda/environments
export LC_ALL := C.UTF-8
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH PYTHONHOME

# One machine: its cores, and nine tenths of its memory for what the steps declare.
MEMORY_MB := $(shell awk '/^MemTotal/ {print int($$2 * 0.9 / 1024)}' /proc/meminfo)
limits = $(if $(filter default,$(PROFILE)),--cores $(CORES) $(MEMORY_MB:%=--resources mem_mb=%))
# Its cache of workflow sources, and matplotlib's of fonts, stay in the checkout.
snakemake = XDG_CACHE_HOME="$(CURDIR)/.venv/cache" snakemake --logger morula \
	--snakefile "$(CURDIR)/Snakefile" \
	--workflow-profile "$(CURDIR)/profiles/$(PROFILE)" $(limits) $$(cat .venv/snakemake-flags)

# Whether another run works in a folder can be told on one machine only: a cluster's may
# have been started on another login node.
unlock = $(if $(filter default,$(PROFILE)),python scripts/unlock_folder.py,true)

# $(call timed,name,command): announce a check, run it, say how long it took.
define timed
	@echo "== $(1)"; SECONDS=0; $(2); echo "== $(1): passed in $$SECONDS s"
endef

help:
	@echo "make demo                 simulate a family, run the whole chain on it, show report and accuracy"
	@echo "make test                 all checks: style, types, unit, script, workflow and real-data tests"
	@echo "make run CONFIG=path      run your own data; DIRECTORY=folder (default .) gets results/,"
	@echo "                          CORES=n (default all: $(CORES)), ARGS='more options of snakemake',"
	@echo "                          PROFILE=slurm on a cluster (profiles/slurm)"
	@echo "make simulate CONFIG=path make the simulated reads (or counts) and truth of a config,"
	@echo "                          in DIRECTORY, and nothing after (docs/simulation.md)"
	@echo "make bench-quick          accuracy and speed against truth and peers, in minutes: docs/benchmarks/quick"
	@echo "make bench                the same over all depths, protocols and families, in two hours: docs/benchmarks/full"
	@echo "make bench-correction     how right the correction is, over thirty real couples, in an hour: docs/benchmarks/correction"
	@echo "make bench-cost           time and memory of the correction on a chromosome as large as the"
	@echo "                          largest, and beside AlphaPeel: docs/benchmarks/family_cost.tsv, peer_cost.tsv"
	@echo "make setup                only see to Python parts (.venv) and tools"
	@echo "make lint                 style and types only"
	@echo "make docs-graph           draw docs/rulegraph.svg (needs graphviz: dot, tred)"
	@echo "make clean                remove demo/, .venv, .conda and caches (results/ stays)"

setup:
	@envs/set_up.sh
	@echo "setup: all is there"

demo:
	@echo "Morula's demo: sets up what it needs, simulates a family (two parents, four embryos)"
	@echo "in demo/, runs the chain from its reads to its report, and compares with the truth."
	@envs/set_up.sh
	@# demo/ looks like a user's project. What was edited there is kept.
	@find config -maxdepth 1 -type f | while read -r file; do \
		if [ ! -e "demo/$$file" ]; then \
			mkdir -p "$$(dirname "demo/$$file")"; cp "$$file" "demo/$$file"; \
		elif ! cmp -s "$$file" "demo/$$file"; then \
			echo "kept as it is, though it differs from $$file: demo/$$file"; \
		fi; \
	done
	@$(unlock) --folder demo
	@$(snakemake) --directory demo $(ARGS)
	@table=demo/results/simulate/accuracy.tsv; \
	if [ -f $$table ]; then \
		echo; echo "Accuracy against the simulated truth ($$table):"; \
		awk -F '\t' '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $$i; \
				if (length($$i) > width[i]) width[i] = length($$i) } } \
			END { for (r = 1; r <= NR; r++) { line = "  "; \
				for (i = 1; i <= NF; i++) line = line sprintf("%-*s  ", width[i], cell[r, i]); \
				print line } }' $$table; \
		echo; echo "The report, one page a family:"; ls -1 demo/results/report/*.html; \
		echo "Quality of reads and alignments:"; ls -1 demo/results/qc/multiqc.html; \
	fi

run:
	@if [ ! -f "$(CONFIG)" ]; then \
		echo "error: CONFIG='$(CONFIG)' is no file; give the path of your config: make run CONFIG=my/config.yaml" >&2; \
		exit 2; \
	fi
	@envs/set_up.sh
	@mkdir -p "$(DIRECTORY)"
	@$(unlock) --folder "$(DIRECTORY)"
	@$(snakemake) --configfile "$$(realpath "$(CONFIG)")" --directory "$(DIRECTORY)" $(ARGS)

simulate: override ARGS += simulate
simulate: run

# The benchmark is a workflow of its own; what it makes is in results/benchmarks. Real
# haplotypes are taken from MORULA_SHARED_DATA, or from beside the checkout.
REAL_DATA = $(or $(MORULA_SHARED_DATA),$(abspath $(CURDIR)/../shared/data))

bench-quick: BENCH := quick
bench-correction: BENCH := correction
bench: BENCH := full
bench-quick bench-correction bench:
	@envs/set_up.sh --bench
	@[ -d "$(REAL_DATA)" ] || echo "no real haplotypes in $(REAL_DATA) (MORULA_SHARED_DATA): simulated worlds only"
	@mkdir -p results/benchmarks/$(BENCH)
	@python scripts/unlock_folder.py --folder results/benchmarks/$(BENCH)
	@XDG_CACHE_HOME="$(CURDIR)/.venv/cache" snakemake --logger morula \
		--snakefile benchmarks/Snakefile --configfile benchmarks/config/$(BENCH).yaml \
		--config data="$(REAL_DATA)" --workflow-profile none \
		--directory results/benchmarks/$(BENCH) --scheduler greedy \
		--cores $(CORES) $(MEMORY_MB:%=--resources mem_mb=%) $(ARGS)
	@echo "tables and figures: docs/benchmarks/$(BENCH)/README.md"

bench-cost:
	@envs/set_up.sh --bench
	@python benchmarks/family_cost.py --embryos 10 --on-stretch 2 5 20 \
		--output docs/benchmarks/family_cost.tsv
	@python benchmarks/peer_cost.py --embryos 8 --all-sites \
		--output docs/benchmarks/peer_cost.tsv

lint:
	@envs/set_up.sh --test
	$(call timed,ruff check,ruff check)
	$(call timed,ruff format,ruff format --check --quiet)
	$(call timed,snakefmt,snakefmt --check Snakefile rules benchmarks/Snakefile)
	$(call timed,mypy,mypy scripts/morula)
	$(call timed,snakemake --lint,snakemake --lint)

test:
	@echo "Morula's checks: sets up what they need, then style, types and tests."
	@$(MAKE) lint
	$(call timed,unit tests,pytest -q tests/unit)
	$(call timed,script tests,pytest -q tests/scripts)
	$(call timed,workflow tests,pytest -q tests/workflow)
	$(call timed,tests on real data (skipped where it is absent),pytest -q -rs tests/real)
	@echo "all checks passed"

docs-graph:
	@envs/set_up.sh
	@$(snakemake) --rulegraph | tred | dot -Tsvg > docs/rulegraph.svg
	@echo "drawn: docs/rulegraph.svg"

clean:
	@echo "removing demo/, .venv, .conda and caches"
	@rm -rf demo .venv .conda .pytest_cache .mypy_cache .ruff_cache scripts/*.egg-info
	@find scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
