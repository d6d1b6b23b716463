# Every target makes its own environment first: Python 3.11 or later, make and git are all it takes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The stamp is newer than what the environment was made of, or it is made again.
READY  := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready

.PHONY: help demo test test-full lint docs pictures clean bench-crawl bench-extraction bench-fuzz bench-linking bench-link-speed bench-scale bench-soak bench-throughput bench-frugality bench-import bench-chaos bench-web bench-live bench-engines bench-workers
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(READY): pyproject.toml requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wiretrace needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(READY) ## crawl and link the bundled sample web
	$(BIN)/wiretrace demo

test: $(READY) ## the tests, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 4 -m "not full and not cluster"

test-full: $(READY) ## the slow ones as well
	.ci/packages
	.ci/spark
	$(BIN)/python -m pytest -n 2 -m full

lint: $(READY) ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(DOCS_READY): $(READY) requirements-docs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	touch $@

docs: $(DOCS_READY) ## the manual, its reference written anew from the code, into site/
	$(BIN)/python -m docs.generator
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict  # the banner is about a MkDocs that is not taken

pictures: $(READY) ## docs/pictures/, taken by a browser (chromium) from what the demo finds
	$(BIN)/python -m docs.generator.screens

bench-crawl: $(READY) ## crawl real pages from loopback: make bench-crawl PAGES=folder
	$(BIN)/python benchmarks/crawl_pages.py $(PAGES)

bench-extraction: $(READY) ## accuracy and speed of the extractor: make bench-extraction PAGES=folder
	$(BIN)/python benchmarks/extraction.py $(PAGES)

bench-fuzz: $(READY) ## broken and hostile pages by the ten thousand: make bench-fuzz PAGES=folder
	$(BIN)/python benchmarks/fuzz_extraction.py $(PAGES)

bench-linking: $(READY) ## recall and false links: make bench-linking DATA=folder POOL=news.jsonl.gz
	$(BIN)/python benchmarks/linking.py $(DATA) benchmarks/stories/spring benchmarks/stories/autumn \
		--kept-aside benchmarks/stories/year --pool $(POOL)

bench-link-speed: $(READY) ## linking a page against many originals: make bench-link-speed CORPUS=folder POOL=news.jsonl.gz
	$(BIN)/python benchmarks/link_speed.py $(CORPUS) $(POOL) --sqlite --postgres

bench-scale: $(READY) ## what a store costs as it grows: make bench-scale CORPUS=folder POOL=news.jsonl.gz ARGS="--sizes 1000000 --keep folder"
	$(BIN)/python benchmarks/scale.py $(CORPUS) $(POOL) --sqlite --postgres $(ARGS)

bench-soak: $(READY) ## a long crawl at full speed: does memory stay flat, the event loop free?
	$(BIN)/python benchmarks/soak.py

bench-throughput: $(READY) ## pages a second beside the usual tools: make bench-throughput PAGES=folder NEWS=news.jsonl.gz
	$(BIN)/python benchmarks/throughput.py $(PAGES) $(NEWS) --postgres

bench-frugality: $(READY) ## requests and delays of adaptive polling against a poller that knows all
	$(BIN)/python benchmarks/frugality.py

bench-chaos: $(READY) ## kill -9, full disk, clock set back: the same store as undisturbed? make bench-chaos ARGS="--postgres"
	$(BIN)/python benchmarks/chaos.py $(ARGS)

bench-workers: $(READY) ## four workers on one PostgreSQL, the sample web a hundred times: each page once, same links as one?
	$(BIN)/python benchmarks/many_workers.py --times 100

bench-import: $(READY) ## a delivery of 100,000 articles into a new store, and by imports that are killed: make bench-import ARGS="--kills 20"
	$(BIN)/python benchmarks/import_speed.py --lines 100000 --postgres $(ARGS)

bench-web: $(READY) ## how soon the pages answer with 100,000 links
	$(BIN)/python benchmarks/web_speed.py

bench-live: $(READY) ## what it costs a crawl that fifty watch it
	$(BIN)/python benchmarks/live_cost.py

bench-engines: $(READY) ## dumps linked locally and on Spark, row for row
	.ci/spark
	$(BIN)/python -m pytest -m cluster
	$(BIN)/python benchmarks/batch_engines.py

clean: ## remove what the other targets made
	rm -rf $(VENV) dist build site .mypy_cache .ruff_cache .pytest_cache
