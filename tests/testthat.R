library(testthat)
library(mlmix)

# The project's own `make test` asks for the tests that CRAN would skip.
if (identical(Sys.getenv("MLMIX_ALL_TESTS"), "true")) Sys.setenv(NOT_CRAN = "true")
test_check("mlmix")
