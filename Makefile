# Every task of the project. `make demo` and `make test` set up all they need; `make help` lists the rest.
export MLMIX_TARGET_DIR ?= $(CURDIR)/src/rust/target
export MLMIX_REFERENCE ?= $(abspath $(CURDIR)/../shared/reference)
export PATH := $(PATH):$(HOME)/.cargo/bin
LIBRARY = $(CURDIR)/demo-output/library
CARGO = cargo
MANIFEST = --manifest-path src/rust/Cargo.toml
# R with the development version of mlmix first in its library path
R_DEV = R_LIBS="$(LIBRARY):$$R_LIBS" Rscript

.PHONY: help demo test quick install dist docs format lint bench recovery clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

demo: ## install what is missing, fit real models to shipped data, print tables, draw a plot
	sh tools/setup.sh demo
	$(MAKE) --no-print-directory install
	$(R_DEV) tools/demo.R demo-output

test: ## run all tests: engine, R, R CMD check --as-cran
	sh tools/setup.sh test
	sh tools/test.sh

quick: install ## the R tests alone, in development mode (records new snapshots)
	NOT_CRAN=true $(R_DEV) -e 'testthat::test_local(".", load_package = "installed", reporter = "summary")'

install: ## install mlmix into demo-output/library (development mode)
	mkdir -p "$(LIBRARY)"
	NOT_CRAN=true R CMD INSTALL --no-multiarch --no-test-load --library="$(LIBRARY)" .

dist: ## make the source package, Rust libraries bundled
	sh tools/dist.sh .

docs: ## write NAMESPACE and man/ (roxygen2); the site too if pkgdown is installed
	Rscript tools/docs.R

format: ## format the Rust code (and the R code if styler is installed)
	$(CARGO) fmt $(MANIFEST) --all
	Rscript -e 'if (requireNamespace("styler", quietly = TRUE)) styler::style_pkg()'

lint: ## check formatting and style: cargo fmt, clippy, lintr
	$(CARGO) fmt $(MANIFEST) --all --check
	$(CARGO) clippy $(MANIFEST) --workspace --all-targets --locked --target-dir "$(MLMIX_TARGET_DIR)" -- -D warnings
	Rscript -e 'if (requireNamespace("lintr", quietly = TRUE)) { l <- lintr::lint_package(); print(l); quit(status = length(l) > 0) } else message("lintr is not installed: R code not linted")'

bench: install ## time kernels (cargo bench), the thirteen tasks against other packages, cost as work grows
	$(CARGO) bench $(MANIFEST) -p mlmix-engine --locked --target-dir "$(MLMIX_TARGET_DIR)"
	$(R_DEV) bench/kernels.R
	$(R_DEV) bench/speed.R
	$(R_DEV) bench/scaling.R

recovery: install ## simulate and refit 13 models 200 times (20 minutes), write bench/recovery.md
	$(R_DEV) bench/recovery.R

clean: ## remove everything that was built
	sh cleanup
	rm -rf demo-output test-output *.Rcheck mlmix_*.tar.gz
