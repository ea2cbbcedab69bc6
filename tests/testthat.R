library(testthat)
library(mlmix)

test_check("mlmix")
