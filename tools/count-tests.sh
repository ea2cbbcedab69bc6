#!/bin/sh
# Adds up what cargo and testthat reported: count-tests.sh folder engine_status check_status
# Prints reasons, then one line "N passed, N failed, N skipped". R CMD check itself counts as one test,
# and so does a test run that ended without totals (as a failure).
out="$1"; engine_status="$2"; check_status="$3"
passed=0; failed=0; skipped=0

add() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }
fail() { echo "$1"; add 0 1 0; }

# cargo: "test result: ok. 12 passed; 0 failed; 1 ignored; ..." once per test binary
engine=$(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored;.*/\1 \2 \3/p' "$out/engine.log" |
  awk '{ p += $1; f += $2; s += $3 } END { if (NR > 0) print p, f, s }')
if [ -z "$engine" ]; then
  fail "The engine tests ended without results: see test-output/engine.log"
else
  echo "Engine: $(echo "$engine" | awk '{ print $1 " passed, " $2 " failed, " $3 " ignored" }')"
  # shellcheck disable=SC2086 # three numbers
  add $engine
  if [ "$engine_status" != 0 ] && [ "$(echo "$engine" | cut -d' ' -f2)" = 0 ]; then
    fail "cargo test failed although no test did: see test-output/engine.log"
  fi
fi

# testthat: "[ FAIL 0 | WARN 0 | SKIP 3 | PASS 120 ]", the last one is the total
rout=$(ls "$out"/mlmix.Rcheck/tests/testthat.Rout* 2> /dev/null | head -n 1)
r=""
[ -z "$rout" ] || r=$(sed -n 's/^\[ FAIL \([0-9]*\) | WARN [0-9]* | SKIP \([0-9]*\) | PASS \([0-9]*\) \].*/\3 \1 \2/p' "$rout" | tail -n 1)
if [ -z "$r" ]; then
  fail "The R tests ended without results: see test-output/check.log"
else
  echo "R: $(echo "$r" | awk '{ print $1 " passed, " $2 " failed, " $3 " skipped" }')"
  # shellcheck disable=SC2086 # three numbers
  add $r
fi

status=$(sed -n 's/^Status: //p' "$out/mlmix.Rcheck/00check.log" 2> /dev/null | tail -n 1)
echo "R CMD check --as-cran: ${status:-did not finish}"
case "$status" in
  "" | *ERROR* | *WARNING*) fail "R CMD check must end without ERROR and WARNING: see test-output/mlmix.Rcheck" ;;
  *) if [ "$check_status" = 0 ]; then add 1 0 0; else fail "R CMD check returned $check_status"; fi ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
