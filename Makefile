# One entrance for people and CI. Every target sets up what it needs: a virtual environment in .venv and,
# where apt and root are there, Debian's Lua packages.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export LUA_PATH := $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;

.PHONY: help demo test test-deep fuzz test-calls exits soak test-source test-faults test-aws test-ceph test-browser test-models test-frameworks notebook pictures check spec certify certify-wrong mutants matrix bench bench-reading bench-delivery bench-frameworks setup setup-lua setup-faults clean

help:
	@echo "make demo    train a model in Lua and one in Python, and look at both"
	@echo "make test    run all tests, with a real S3 server and every Lua that is here"
	@echo "make test-deep  the properties again, with other examples and many more of them"
	@echo "make fuzz    each parser of strangers' files, a million inputs for binary ones; FUZZ names parsers and options"
	@echo "make test-calls  every system call of every verb fails, with every errno; more than half an hour"
	@echo "make exits   end scripts in every way, and write what was seen into docs/exits.md"
	@echo "make soak    kill scripts and uploaders SOAK_KILLS (1000) times at random: nothing may be lost"
	@echo "make test-source  save and put back REPOSITORIES (200) random repositories, others each time"
	@echo "make test-faults  outages of FAULT_SECONDS (20) each, between scripts and a real S3 server; files that vanish"
	@echo "make test-aws  the rest of the tests of Lua without Python, whose requests by the aws command take seconds"
	@echo "make test-ceph  the S3 tests on Ceph instead of moto; then with keys that may only put objects"
	@echo "make test-models  models of real PyTorch, in .venv-models; TORCH (torch) says which"
	@echo "make test-frameworks  train by Lightning, transformers and others, in .venv-frameworks; TORCH says which"
	@echo "make test-browser  reports in a real browser, Debian's chromium"
	@echo "make test-dask  read a bucket by a Dask cluster of two processes; then all series as Arrow's texts"
	@echo "make pictures  the same, and keep its screenshots in docs/"
	@echo "make notebook  run examples/analysis.ipynb, and keep what comes out"
	@echo "make check   ruff, mypy, luacheck, and whether generated files are up to date"
	@echo "make spec    write what is generated from spec/"
	@echo "make certify  try every writer and reader of ours, on each runtime, at each level"
	@echo "make certify-wrong  see the kit find each of the wrong ones, by all cases, and in a bucket"
	@echo "make mutants try the kit on MUTANTS (200) changed writers, chosen by SEED (1), in files whose path holds ONLY"
	@echo "make matrix  let everything here write and read everything, and put the table into README.md"
	@echo "make bench   what a row costs against its floor, and other figures"
	@echo "make bench-reading  what it costs to read series, and the table of EXPERIMENTS (10000) in S3"
	@echo "make bench-delivery  what it costs to have every row in S3 while it runs"
	@echo "make bench-frameworks  what our loggers add to 1,000 steps, beside the frameworks' own"

setup: $(VENV)/.ready setup-lua

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

setup-lua:
	@tools/setup-lua

setup-faults:
	@tools/setup-faults

# Three at a time also on two cores, because many of them wait: for a server, or for somebody to notice something.
test: setup check
	$(BIN)/python -m pytest -n 3

test-deep: setup
	$(BIN)/python -m pytest -n 2 -m "hypothesis and not soak" --hypothesis-profile deep

fuzz: setup
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python -m tests.fuzz $(FUZZ)

test-calls: setup
	LAB_WORKBOOK_DEEP_CALLS=1 $(BIN)/python -m pytest -n 2 tests/system_calls

# One after the other, because each writes its row into the table.
exits: setup
	LAB_WORKBOOK_WRITE_EXITS=1 $(BIN)/python -m pytest -m "soak or not soak" tests/exits

soak: setup
	LAB_WORKBOOK_SOAK_KILLS=$${SOAK_KILLS:-1000} $(BIN)/python -m pytest -m soak tests/soak

test-source: setup
	LAB_WORKBOOK_SOAK_REPOSITORIES=$(or $(REPOSITORIES),200) $(BIN)/python -m pytest -m soak tests/source

test-faults: setup setup-faults
	$(BIN)/python -m pytest -n 4 -m "soak or not soak" tests/faults tests/vanish

test-aws: setup
	$(BIN)/python -m pytest -n 2 -m "soak or not soak" lua/tests/test_aws.py

# The first run has the owner's keys; in the second all that writes has those of a user who may only put.
test-ceph: setup
	tools/ceph-s3 $(BIN)/python -m pytest -m "s3 and not soak" -n 2
	LAB_WORKBOOK_TEST_S3_PUT_ONLY=1 tools/ceph-s3 $(BIN)/python -m pytest -m "s3 and not soak" -n 2 $(WRITING)

# Nothing is downloaded but the driver: the browser is Debian's.
test-browser: setup
	@tools/setup-browser
	$(BIN)/python -m pip install --quiet --group browser
	$(BIN)/python -m pytest -s -m "soak or not soak" tests/browser

# In a place of its own, because PyTorch is larger than all the rest; TORCH=torch==2.13.0+cpu is the smallest.
test-models:
	$(PYTHON) -m venv .venv-models
	.venv-models/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-models/bin/python -m pip install --quiet --editable . --group dev '$(or $(TORCH),torch)'
	.venv-models/bin/python -m pytest -m "soak or not soak" tests/models
	.venv-models/bin/lab-workbook certify --level models -- .venv-models/bin/python conformance/writers/python/adapter.py

# Each framework that we have a logger for, training a small model; also what needs several ranks of torch.
test-frameworks: .venv-frameworks/.ready
	.venv-frameworks/bin/python -m pytest -m "soak or not soak" tests/frameworks

bench-frameworks: .venv-frameworks/.ready
	.venv-frameworks/bin/python -m benchmarks.frameworks

.venv-frameworks/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-frameworks
	.venv-frameworks/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-frameworks/bin/python -m pip install --quiet --editable . --group dev --group frameworks '$(or $(TORCH),torch)'
	touch $@

# In an environment of its own, because pyarrow, which comes along, changes how pandas keeps texts: what is read has to
# be the same.
test-dask: .venv-dask/.ready
	.venv-dask/bin/python -m pytest -m "soak or not soak" tests/dask
	.venv-dask/bin/python -m pytest $(SERIES)

SERIES = $(addprefix reader/tests/test_,series.py growing.py meld.py fitting.py cluster.py gold.py)

.venv-dask/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-dask
	.venv-dask/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-dask/bin/python -m pip install --quiet --editable '.[dask]' --group dev
	touch $@

pictures: export LAB_WORKBOOK_WRITE_PICTURES = 1
pictures: test-browser

notebook: setup
	LAB_WORKBOOK_WRITE_NOTEBOOK=1 $(BIN)/python -m pytest tests/test_notebook.py

# What writes to S3, and what reads that again.
WRITING = python_writer lua tests

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python spec/generate.py --check
	@if command -v luacheck > /dev/null; then luacheck --quiet lua examples; else echo "skipped luacheck: apt-get install lua-check"; fi

spec: $(VENV)/.ready
	$(BIN)/python spec/generate.py

certify: setup
	$(BIN)/python -m conformance.certify_ours

certify-wrong: setup
	$(BIN)/python -m conformance.certify_wrong

mutants: setup
	$(BIN)/python -m pip install --quiet --group mutants
	$(BIN)/python -m conformance.mutants --mutants $(or $(MUTANTS),200) --seed $(or $(SEED),1) --only '$(ONLY)'

matrix: setup
	$(BIN)/python -m conformance.matrix

bench: setup
	$(BIN)/python -m benchmarks

# EXPERIMENTS=300 is a minute, 10,000 more than half an hour: most of it is the server's.
bench-reading: setup
	$(BIN)/python -m benchmarks.readers $(EXPERIMENTS)

bench-delivery: setup
	$(BIN)/python -m benchmarks.delivery

demo: setup
	tools/demo

clean:
	rm -rf $(VENV) .venv-dask .venv-frameworks demo-experiments demo.png
