# Two commands on a fresh machine: make demo, make test. Needs Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check validate bench browser clean

demo: $(READY)
	$(BIN)/vitrolyte run li3ocl-glass --profile quick

test: $(READY) browser
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(READY)
	$(BIN)/ruff format --check src tests validation benchmarks
	$(BIN)/ruff check src tests validation benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_architecture.py

validate: $(READY)
	$(BIN)/python -m validation

bench: $(READY)
	$(BIN)/python -m benchmarks

# Pinned versions in a plain lock; the package itself without asking for anything more.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

# The report is tested in a real browser; Debian's packages are installed where that is possible.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null; } || \
	echo "The browser tests need chromium and chromium-driver: apt-get install chromium chromium-driver"

clean:
	rm -rf .venv runs build
