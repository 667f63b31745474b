# The same entries that CI calls, by habit. Each is one script; read those.
.PHONY: run test check check-full bench format

run:
	./scripts/run

test:
	./scripts/test

check: test
	./scripts/check

check-full: check
	./scripts/check-full

bench:
	./scripts/bench

format:
	./scripts/format
