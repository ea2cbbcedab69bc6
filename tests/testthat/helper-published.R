# Comparison of fits with published results; the numbers stand in published/, README.md there says how.

# The folder of other people's data, which is not part of the project.
reference_folder <- function() {
  folder <- Sys.getenv("MLMIX_REFERENCE", test_path("..", "..", "..", "shared", "reference"))
  file.path(folder, "published")
}

# The data of a case, or skip the test where they are not.
reference_data <- function(case) {
  file <- file.path(reference_folder(), case, "data.csv")
  if (!file.exists(file)) {
    skip(paste0("The published data of ", case, " are not here: set MLMIX_REFERENCE to the folder of reference cases."))
  }
  utils::read.csv(file, na.strings = "NA", check.names = FALSE)
}

# One published fit: a list of npar, logLik, scaling, aic, bic, abic, entropy as printed (text), NA if not published.
published_fit <- function(case, model) {
  table <- utils::read.csv(test_path("published", "fit.csv"), colClasses = "character", na.strings = "")
  row <- table[table$case == case & table$model == model, ]
  if (nrow(row) != 1) stop("fit.csv has no single row for ", case, " ", model)
  as.list(row)
}

# Published estimates: a data frame with name, estimate and se as printed (text); no rows if none were published.
published_estimates <- function(case, model) {
  file <- test_path("published", paste0(case, ".csv"))
  if (!file.exists(file)) return(data.frame(name = character(0), estimate = character(0), se = character(0)))
  table <- utils::read.csv(file, colClasses = "character", na.strings = "")
  table[table$model == model, c("name", "estimate", "se")]
}

# What one may differ from a printed number: 1 in its last digit, after rounding.
printed_tolerance <- function(text) {
  decimals <- nchar(sub("^[^.]*\\.?", "", text))
  1.5 * 10^-decimals
}

# Fails with a table of all numbers that differ from the printed ones by more than `tolerance`.
expect_printed <- function(names, ours, printed, label, tolerance = printed_tolerance(printed)) {
  given <- !is.na(printed)
  difference <- abs(ours - as.numeric(printed))
  bad <- given & (is.na(ours) | (!is.na(difference) & difference > tolerance))
  lines <- sprintf("  %-32s published %12s, here %14.6f", names[bad], printed[bad], ours[bad])
  expect(!any(bad), paste(c(paste0(label, ": ", sum(bad), " of ", sum(given), " numbers differ"), lines),
    collapse = "\n"))
}

# Where the likelihood is nearly flat the other program stopped a little short of the maximum, which moves weakly
# determined estimates and, more, their standard errors: beyond the printed digits we allow `slack` standard errors.
estimate_tolerance <- function(printed, se, slack) {
  printed_tolerance(printed) + slack * ifelse(is.na(se), 0, as.numeric(se))
}
error_tolerance <- function(se, slack) printed_tolerance(se) + slack * as.numeric(se)

# Mplus, and we, count every logit held at its limit as 1 in the trace of the scaling factor. Where we hold one that
# Mplus still counted as free (drifting, without information), or the reverse, this makes up for it.
published_scaling <- function(fit, n_held) {
  ours <- sum(fit$parameters$status == "boundary")
  fit$scaling + (n_held - ours) / fit$n_free
}

# Logits that the other program held at its limit (15 in Mplus, with standard error 0), or that were still drifting there.
held_at_limit <- function(published) abs(as.numeric(published$estimate)) == 15 & as.numeric(published$se) %in% 0
drifting <- function(published, fit) {
  published$name %in% fit$parameters$name[fit$parameters$status == "boundary"] & abs(as.numeric(published$estimate)) > 10
}

# A published name is a parameter's name or a difference of two, "a - b".
name_parts <- function(names) strsplit(names, " - ", fixed = TRUE)

is_covariance <- function(names) {
  sides <- strsplit(sub("\\[.*", "", names), "~~", fixed = TRUE)
  vapply(sides, function(side) length(side) == 2 && side[[1]] != side[[2]], TRUE)
}

# Start values from published estimates, so that the classes keep their published order.
start_at_published <- function(published, parameters) {
  values <- ifelse(is.na(parameters$start), 0, parameters$start)
  values[!parameters$free] <- parameters$value[!parameters$free]
  names(values) <- parameters$name
  parts <- name_parts(published$name)
  unknown <- setdiff(unlist(parts), parameters$name)
  missing <- setdiff(parameters$name[parameters$free], unlist(parts))
  if (length(unknown) > 0) stop("The model has no parameter ", paste(unknown, collapse = ", "))
  if (length(missing) > 0) stop("No published estimate of ", paste(missing, collapse = ", "))
  single <- lengths(parts) == 1
  # A rounded covariance matrix may have no positive determinant: covariances start at nine tenths.
  shrink <- ifelse(is_covariance(published$name), 0.9, 1)
  values[published$name[single]] <- (shrink * as.numeric(published$estimate))[single]
  for (i in which(!single)) {
    values[[parts[[i]][[1]]]] <- as.numeric(published$estimate[[i]]) + values[[parts[[i]][[2]]]]
  }
  values
}

# Estimates and standard errors of the published quantities in a fit.
fitted_quantities <- function(fit, names) {
  free <- fit$parameters$name[fit$free]
  rows <- t(vapply(name_parts(names), function(part) {
    (free == part[[1]]) - (if (length(part) == 2) free == part[[2]] else 0)
  }, numeric(length(free))))
  estimate <- as.numeric(rows %*% fit$parameters$estimate[fit$free])
  se <- vapply(seq_along(names), function(i) {
    used <- rows[i, ] != 0
    sqrt(drop(rows[i, used] %*% fit$vcov[used, used, drop = FALSE] %*% rows[i, used]))
  }, 0)
  list(estimate = estimate, se = se)
}

# A fit whose notes on boundaries, identification and replication are not the matter of the test.
quiet_fit <- function(...) {
  withCallingHandlers(mlmix(..., threads = 1, progress = FALSE), warning = function(w) {
    if (grepl("^mlmix_warning", class(w)[[1]])) invokeRestart("muffleWarning")
  }, message = function(m) invokeRestart("muffleMessage"))
}

# Compares a fit with its published statistics: parameters, log-likelihood, information criteria, entropy.
expect_published_fit <- function(fit, expected, label, log_tolerance = 0.01, entropy = TRUE) {
  expect_printed("log-likelihood", fit$log_likelihood, expected$logLik, label, log_tolerance)
  if (!is.na(expected$npar)) expect_equal(fit$n_free, as.integer(expected$npar), label = paste(label, "parameters"))
  statistics <- as.list(glance(fit))
  expect_printed(
    c("AIC", "BIC", "adjusted BIC"), c(statistics$AIC, statistics$BIC, statistics$aBIC),
    c(expected$aic, expected$bic, expected$abic), label, 2 * log_tolerance
  )
  if (entropy) expect_printed("entropy", statistics$entropy, expected$entropy, label)
}

# Compares estimates, standard errors and the scaling correction factor with the published ones.
expect_published_estimates <- function(fit, published, expected, label, slack = 0.001, scaling_slack = 0) {
  quantities <- fitted_quantities(fit, published$name)
  limit <- held_at_limit(published) | drifting(published, fit)
  expect_true(all(abs(quantities$estimate[limit]) > 10), label = paste(label, "logits at the limit"))
  keep <- published[!limit, ]
  expect_printed(
    keep$name, quantities$estimate[!limit], keep$estimate, paste(label, "estimates"),
    estimate_tolerance(keep$estimate, keep$se, slack)
  )
  expect_printed(
    keep$name, quantities$se[!limit], keep$se, paste(label, "standard errors"), error_tolerance(keep$se, slack)
  )
  scaling <- published_scaling(fit, sum(held_at_limit(published)))
  tolerance <- printed_tolerance(expected$scaling) + scaling_slack
  expect_printed("scaling", scaling, expected$scaling, paste(label, "scaling"), tolerance)
}

# Fits from random starts and compares; then goes on from the published estimates (which keeps the published order of the
# classes), must end at the same log-likelihood, and compares the estimates too. `local` says why random starts
# find another, higher maximum than the published one: then only the second fit is compared. `estimates = FALSE`: they
# and the entropy are not comparable. Further arguments go to mlmix(). Returns both fits.
expect_published <- function(case, model, specification, data, starts = c(10, 3), seed = 1, estimates = TRUE,
                             local = NULL, log_tolerance = 0.01, slack = 0.001, scaling_slack = 0,
                             se = "robust", ...) {
  label <- paste(case, model)
  expected <- published_fit(case, model)
  published <- published_estimates(case, model)
  random <- near <- NULL
  if (is.null(local)) {
    random <- quiet_fit(specification, data, starts = starts, seed = seed, se = "none", ...)
    expect_published_fit(random, expected, label, log_tolerance, entropy = estimates)
  }
  if (estimates && nrow(published) > 0) {
    start <- start_at_published(published, parameters(specification, data))
    control <- mlmix_control(start_values = start)
    near <- quiet_fit(specification, data, starts = 1, seed = seed, se = se, control = control, ...)
    expect_identical(near$convergence$status, "converged", label = label)
    if (is.null(random)) {
      expect_published_fit(near, expected, label, log_tolerance)
    } else {
      expect_equal(near$log_likelihood, random$log_likelihood, tolerance = 1e-7, label = label)
    }
    expect_published_estimates(near, published, expected, label, slack, scaling_slack)
  }
  invisible(list(random = random, near = near))
}
