# make run     the app on 127.0.0.1:8501 (PORT= to change)
# make test    the whole test command; installs all it needs
# make demo    the main job without a browser (DATA=, JSON=1)
# make setup   only the environment        make check   formatter, linter, types

PORT ?= 8501
DATA ?= python-calls
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test demo setup check format lock

setup: .venv/.ready

# The stamp makes a second call instant; pip itself is only asked when a requirement changed.
.venv/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Farzi Studio needs Python 3.11 or newer; try: make setup PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing requirements.txt into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements.lock
	@touch $@

.venv/.ready-tests: .venv/.ready tests/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt -c requirements.lock
	@touch $@

run: setup
	@echo "Farzi Studio: open http://127.0.0.1:$(PORT) (Ctrl-C ends the app; runs go on)"
	@PYTHONPATH=. $(BIN)/python -m streamlit run app.py --server.port $(PORT)

demo: setup
	@$(BIN)/python -m farzi_core demo --data $(DATA) $(if $(JSON),--json)

test: .venv/.ready-tests
	@sh tests/chromium.sh
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

check: .venv/.ready-tests
	@$(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check . && $(BIN)/python -m mypy

format: .venv/.ready-tests
	@$(BIN)/python -m ruff check --fix --quiet . ; $(BIN)/python -m ruff format .

# Exact versions of a tested environment. torch's local build tag is dropped: a GPU machine takes the same pin with CUDA.
lock: .venv/.ready-tests
	@{ echo "# Exact versions that were tested together (make lock). torch is pinned in requirements.txt: no hash, so that CPU and CUDA builds fit."; \
	   $(BIN)/python -m pip freeze --exclude torch --exclude pip --exclude setuptools; } > requirements.lock
