# A fit is plain data: a fresh R process can read and use it.

test_that("a saved fit works in a new session", {
  skip_on_cran()
  file <- withr::local_tempfile(fileext = ".rds")
  fit <- chain_fit()
  fit$call$model <- quote(model) # as a user's call: names of objects, not the objects
  saveRDS(fit, file)
  printed <- run_child(c(
    sprintf("fit <- readRDS(%s)", deparse1(file)), "print(fit)", "invisible(print(summary(fit)))",
    "cat('rows', nrow(posterior(fit)), nrow(estimates(fit)), nrow(augment(fit)), nrow(transitions(fit)), '\\n')",
    "cat('simulated', dim(simulate(fit, seed = 1)[[1]]), '\\n')",
    "cat('derived', format(derive(fit, p = plogis(`u1~1[c1=1]`))$estimate, digits = 12), '\\n')",
    "cat('reordered', format(logLik(order_classes(fit)), digits = 12), '\\n')",
    "cat('evaluated', format(mlmix:::engine_evaluate(fit, coef(fit, fixed = TRUE))$log_likelihood, digits = 12), '\\n')"
  ))
  expect_identical(printed[seq_along(capture.output(print(fit)))], capture.output(print(fit)))
  line <- function(word) sub(paste0("^", word, " +"), "", trimws(grep(paste0("^", word), printed, value = TRUE)))
  expect_equal(line("rows"), paste(300, nrow(estimates(fit)), 300, 4))
  expect_equal(line("simulated"), "300 9")
  expect_equal(line("derived"), format(derive(fit, p = plogis(`u1~1[c1=1]`))$estimate, digits = 12))
  expect_equal(as.numeric(sub("'.*", "", line("evaluated"))), fit$log_likelihood, tolerance = 1e-9)
})

test_that("a fit holds no environment, function or pointer in its results", {
  fit <- regression_fit()
  results <- fit[setdiff(names(fit), c("call", "model"))]
  results$data$designs <- NULL # terms objects
  kinds <- unique(unlist(rapply(results, typeof, how = "unlist")))
  expect_true(all(kinds %in% c("double", "integer", "character", "logical", "NULL")))
})
