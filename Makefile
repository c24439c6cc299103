.PHONY: demo test ui lint lock audit browser setup bench bench-full

ifeq ($(OS),Windows_NT)
PYTHON := .venv/Scripts/python.exe
else
PYTHON := .venv/bin/python
endif

demo: setup
	$(PYTHON) -m benchmarks.demo

# Two processes, with a ComfyUI each; more threads than cores would wait for each other.
test: export OMP_NUM_THREADS := 1
test: setup browser lint
	$(PYTHON) -m pytest tests --numprocesses 2 --dist loadfile --no-loadscope-reorder

ui: setup
	$(PYTHON) -m tools.server

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m tools.check_types
	$(PYTHON) -m tools.check_secrets
	$(PYTHON) -m tools.registry

# The versions of requirements-dev.lock anew, and what is known against them; both ask the network.
lock: setup
	$(PYTHON) -m tools.lock

audit: setup
	$(PYTHON) -m uv tool run pip-audit --strict --disable-pip --no-deps --requirement requirements-dev.lock

browser: setup
	$(PYTHON) -m tools.browser

bench: .venv/bench
	$(PYTHON) -m benchmarks.restoration

bench-full: .venv/bench
	$(PYTHON) -m benchmarks.restoration --steps 20 8 5 10 50 --people 64 --model "faces" "faces (flow matching)"

.venv/bench: .venv/ready requirements-bench.txt
	$(PYTHON) -m pip install --quiet --requirement requirements-bench.txt
	touch .venv/bench

setup: .venv/ready

.venv/ready: tools/setup.py requirements-dev.txt requirements-dev.lock requirements.txt
	python3 tools/setup.py
	touch .venv/ready
