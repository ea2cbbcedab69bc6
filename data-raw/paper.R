# The heavy results of the vignette "The paper, section by section", kept in vignettes/paper-results.rds.
#
#   Rscript data-raw/paper.R                 everything (about three quarters of an hour of one free core)
#   Rscript data-raw/paper.R table2 table4   only these parts; the others stay as they are
#
# MLMIX_PAPER_REPLICATIONS (default 400; the paper has 100) sets the replications of Table 2, MLMIX_PAPER_DRAWS (default
# 100) the draws of bootstrap tests. Seeds are fixed and were not chosen by what they give. Results are data frames;
# each part keeps its seconds and the commit of the sources (MLMIX_COMMIT where these are not a git checkout). Data are
# simulated here, at values that stand here: those of the paper's own simulations are not in hand. The NLSY79 results
# come from data-raw/gom_nlsy79.R.

library(mlmix)

replications <- as.integer(Sys.getenv("MLMIX_PAPER_REPLICATIONS", "400"))
draws <- as.integer(Sys.getenv("MLMIX_PAPER_DRAWS", "100"))
target <- "vignettes/paper-results.rds"
quiet <- function(expr) suppressMessages(suppressWarnings(expr))
fit_quietly <- function(...) quiet(mlmix(..., threads = 1, progress = FALSE))

# Clusters and a standard normal covariate, the same in all replications: 50 clusters of 10, as in the paper.
clustered <- function(clusters = 50, size = 10, seed = 5) {
  set.seed(seed)
  data.frame(id = rep(seq_len(clusters), each = size), x = stats::rnorm(clusters * size))
}

# Section 5 -----------------------------------------------------------------------------------------------------------

# y = mu_c + beta_c x + u_j + e, theta = V(e), v = V(u_j); logit P(C = 1) = alpha_1 + a_j. What was at hand of Table 2
# is its size, its four errors and the name alpha_1, neither the models nor their values. The models are therefore
# inferred: the variants that the section's equations allow. Model 2 is a class of the cluster and nothing else that
# differs between clusters: Model 5, which the paper has apart, adds u_j, and 50 draws of a class alone leave an error
# of 1 / (50 p (1 - p)) = 0.08, a little below the published 0.10. Model 4 is the section's Model 6 once more, so the
# paper's is probably another.
regression_models <- list(
  "Model 1" = mixture_model(latent_class("c", 2), outcome(y ~ c * x + (1 | id))),
  "Model 2" = mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x), cluster = "id"),
  "Model 3" = mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x)),
  "Model 4" = mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id))),
  "Model 5" = mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x + (1 | id)))
)
# The values are inferred from two reference data sets that were simulated for Models 5 and 6 (tests/testthat/reference/
# oracle/mixreg_model5.json, mixreg_model6.json). "round": round numbers within 1.1 standard errors of the estimates for
# Model 5, and (slopes and variances) within 1.6 of those for Model 6. "estimates": those for Model 5 to one decimal.
# V(a_j), which Model 5 does not have, is as large as V(u_j).
regression_values <- local({
  complete <- function(same) {
    u <- c("y@id~~y@id" = 0.2)
    a <- c("c#1@id~~c#1@id" = 0.2)
    list("Model 1" = c(same, u), "Model 2" = same, "Model 3" = c(same, a), "Model 4" = c(same, u, a),
      "Model 5" = c(same, u))
  }
  round <- c("y~1[c=1]" = 1, "y~1[c=2]" = 0, "y~x[c=1]" = 0.2, "y~x[c=2]" = 0.8, "y~~y" = 1, "c#1~1" = 0.2)
  list(round = complete(round), estimates = complete(replace(round, c("y~1[c=2]", "y~~y"), c(-0.1, 1.1))))
})

# Each model is fitted to data drawn from it, from the true values. In some samples a random class logit finds no end:
# its variance and alpha_1 run off, one estimate of -10,000 is then the whole mean squared error. Replications with
# alpha_1 beyond 10 on either side (a class probability of 0 or 1) are left out and counted in `away`, those that did
# not converge in `lost`. Columns beside those of summary(): `mse_se`, the simulation error of `mse`; `mse_100`, that of
# a study of 100 replications; `low` and `high`, the smallest and largest error of the successive hundreds;
# `mse_robust`, the median squared error over that of a standard normal, which no single sample can drive.
table2 <- function() {
  one <- function(values, name) {
    study <- quiet(monte_carlo(regression_models[[name]], regression_values[[values]][[name]], data = clustered(),
      replications = replications, seed = 2006, threads = 1, progress = FALSE))
    converged <- study$fits$replication[study$fits$status == "converged"]
    e <- study$estimates
    away <- e$replication[e$name == "c#1~1" & abs(e$estimate) > 10 & e$replication %in% converged]
    used <- setdiff(converged, away)
    for (part in c("estimates", "fits")) study[[part]] <- study[[part]][study[[part]]$replication %in% used, ]
    e <- study$estimates
    table <- as.data.frame(summary(study))[c("name", "true", "average", "bias", "mse", "sd", "se", "coverage", "n")]
    squared <- function(fun) {
      vapply(split(seq_len(nrow(e)), e$name)[table$name], function(r) {
        fun((e$estimate[r] - e$true[r])^2, (e$replication[r] - 1) %/% 100)
      }, 0)
    }
    table$mse_se <- squared(function(x, hundred) stats::sd(x) / sqrt(length(x)))
    table$mse_100 <- squared(function(x, hundred) stats::sd(x) / sqrt(100))
    table$low <- squared(function(x, hundred) min(tapply(x, hundred, mean)))
    table$high <- squared(function(x, hundred) max(tapply(x, hundred, mean)))
    table$mse_robust <- squared(function(x, hundred) stats::median(x) / stats::qchisq(0.5, 1))
    data.frame(values = values, model = name, table, away = length(away), lost = replications - length(converged),
      replications = replications, row.names = NULL)
  }
  cases <- expand.grid(name = names(regression_models), values = names(regression_values), stringsAsFactors = FALSE)
  do.call(rbind, Map(one, cases$values, cases$name))
}

# The other reading of Table 2: the four models are four analyses of the same samples. 100 samples of each of four
# populations, that of every model with a class of the unit at the "round" values, each analysed by all four models from
# the true values. Left out and counted as above.
table2_one <- function() {
  effects <- list("neither" = mixture_model(latent_class("c", 2), outcome(y ~ c * x), cluster = "id"),
    "intercept" = regression_models[["Model 1"]], "class logit" = regression_models[["Model 3"]],
    "both" = regression_models[["Model 4"]])
  values <- stats::setNames(regression_values$round[paste("Model", c(2, 1, 3, 4))], names(effects))
  rows <- lapply(names(effects), function(population) {
    study <- quiet(monte_carlo(effects[[population]], values[[population]], data = clustered(), fit_model = effects,
      starts = 1, replications = 100, seed = 2006, se = "none", threads = 1, progress = FALSE))
    fits <- study$fits[study$fits$status == "converged", ]
    e <- study$estimates[study$estimates$name == "c#1~1", ]
    alpha <- e$estimate[match(paste(fits$replication, fits$model), paste(e$replication, e$model))]
    used <- abs(alpha) <= 10
    squared <- (alpha - e$true[[1]])^2
    each <- function(x, fun) vapply(names(effects), function(name) fun(x[fits$model == name]), 0, USE.NAMES = FALSE)
    squared[!used] <- NA
    data.frame(population, model = names(effects), mse = each(squared, function(x) mean(x, na.rm = TRUE)),
      mse_se = each(squared, function(x) stats::sd(x, na.rm = TRUE) / sqrt(sum(!is.na(x)))),
      away = each(!used, sum), lost = 100 - each(used, length), replications = 100)
  })
  do.call(rbind, rows)
}

between_model <- mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x + (1 | id)))
within_model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id)))
between_values <- c("y~1[c=1]" = 1.5, "y~1[c=2]" = -1.5, "y~x[c=1]" = 0.8, "y~x[c=2]" = -0.2, "y~~y" = 1,
  "y@id~~y@id" = 0.2, "c#1~1" = 0.2)

# One sample in which the class belongs to the cluster, one in which clusters only differ in the class probability.
between_sample <- function() simulate_data(between_model, between_values, data = clustered(), seed = 55)
both_sample <- function() {
  simulate_data(within_model, c(between_values, "c#1@id~~c#1@id" = 2), data = clustered(), seed = 52)
}

# A class intercept of large variance makes the class probability a step of the random effect, which adaptive points or
# few points misjudge; many fixed ones do not.
fixed_points <- function(n) quadrature("rectangular", n, adaptive = FALSE)
step_rule <- fixed_points(41)

# Model 6 where it is as good as Model 5: P(C = 1) = P(a_j > -alpha) = pnorm(alpha / sd), the share of Model 5's class.
from_between <- function(model, data, between, variance) {
  first <- start_values(model, data, between)
  first[["c#1~1"]] <- sqrt(variance) * stats::qnorm(stats::plogis(stats::coef(between)[["c#1~1"]]))
  if ("c#1@id~~c#1@id" %in% names(first)) first[["c#1@id~~c#1@id"]] <- variance
  mlmix_control(start_values = first)
}

# Both models on that sample. The variance of Model 6 runs to infinity: it starts at 1e4, from Model 5.
table3 <- function() {
  data <- between_sample()
  fits <- list("Model 5" = fit_quietly(between_model, data, starts = c(8, 3), seed = 1))
  fits[["Model 6"]] <- fit_quietly(within_model, data, starts = 1, seed = 1, integration = fixed_points(81),
    control = from_between(within_model, data, fits[[1]], 1e4))
  rows <- lapply(names(fits), function(name) {
    e <- estimates(fits[[name]])
    data.frame(model = name, name = e$name, estimate = e$estimate, std.error = e$std.error, status = e$status,
      log_likelihood = fits[[name]]$log_likelihood, parameters = fits[[name]]$n_free,
      icc = if (name == "Model 6") icc(fits[[name]], "c")$estimate else NA_real_)
  })
  do.call(rbind, rows)
}

# Why the two are not equal to the last digit. `difference`: Model 6 with the variance held, less Model 5. With a step
# at -alpha the nodes to its right are class 1 and the others class 2, so the share of class 1 can only be a sum of
# their weights. `grid`: Model 5 with the best such share, less Model 5.
table3_limit <- function() {
  data <- between_sample()
  five <- fit_quietly(between_model, data, starts = c(8, 3), seed = 1, se = "none")
  share <- stats::plogis(stats::coef(five)[["c#1~1"]])
  held <- function(class, rule, variance, ...) {
    model <- mixture_model(class, outcome(y ~ c * x + (1 | id)), constrain(fix(...)))
    fit_quietly(model, data, starts = 1, seed = 1, se = "none", integration = rule,
      control = from_between(model, data, five, variance))$log_likelihood
  }
  on_grid <- function(points) {
    reach <- 2.7 * (points - 1)^0.25 # the rectangular rule: src/rust/engine/src/quadrature/rectangular.rs
    weights <- stats::dnorm(seq(-reach, reach, length.out = points))
    shares <- cumsum(weights) / sum(weights)
    near <- shares[order(abs(shares - share))[1:2]]
    max(vapply(near, function(p) {
      held(latent_class("c", 2, level = "between"), quadrature(), 1, "c#1~1" = stats::qlogis(p))
    }, 0)) - five$log_likelihood
  }
  cases <- expand.grid(variance = c(1e2, 1e4, 1e6), points = c(41, 81, 161))
  cases$log_likelihood <- mapply(function(variance, points) {
    held(latent_class("c", 2, ~ (1 | id)), fixed_points(points), variance, "c#1@id~~c#1@id" = variance)
  }, cases$variance, cases$points)
  cases$difference <- cases$log_likelihood - five$log_likelihood
  cases$grid <- vapply(cases$points, on_grid, 0)
  cases
}

# Model 5 is the limit of Model 6 as the variance of the class intercept goes to infinity: no usual p-value. Where
# Model 5 is true, and where Model 6 is.
blrt5 <- function() {
  samples <- list(between = between_sample(), both = both_sample())
  number <- list(between = draws, both = 39)
  rows <- lapply(names(samples), function(name) {
    data <- samples[[name]]
    five <- fit_quietly(between_model, data, starts = c(8, 3), seed = 1)
    six <- fit_quietly(within_model, data, starts = if (name == "both") c(6, 2) else 1, seed = 1,
      integration = step_rule, control = if (name == "both") mlmix_control() else
        from_between(within_model, data, five, 1e4))
    test <- quiet(blrt(five, six, draws = number[[name]], level = NULL, starts = c(2, 1), seed = 1, progress = FALSE))
    data.frame(sample = name, log_likelihood_5 = five$log_likelihood, log_likelihood_6 = six$log_likelihood,
      icc_6 = icc(six, "c")$estimate, statistic = test$statistic, p.value = test$p.value, draws = test$n_draws,
      at_zero = test$at_zero, quantile_95 = stats::quantile(test$draws, 0.95, names = FALSE),
      failures = sum(test$failures))
  })
  do.call(rbind, rows)
}

# The intraclass correlation of Model 6 where it is true: delta method, and 200 parametric bootstrap samples.
icc6 <- function() {
  fit <- fit_quietly(within_model, both_sample(), starts = c(6, 2), seed = 1)
  boot <- quiet(bootstrap(fit, replications = 2 * draws, seed = 1, progress = FALSE))
  methods <- list(delta = icc(fit), bootstrap = icc(fit, bootstrap = boot))
  do.call(rbind, lapply(names(methods), function(name) {
    data.frame(method = name, as.data.frame(methods[[name]]), replications = 2 * draws)
  }))
}

# The class intercept's variance at 0, free, and at 1e4 on data of each kind, and Model 5, the limit of the last. With
# few points the maximum for 1e4 has one of them right at the step, where it serves as a third kind of cluster: so 161.
table4 <- function() {
  status <- function(...) mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id)), constrain(...))
  models <- list(
    "within (variance 0)" = status(fix("c#1@id~~c#1@id" = 0)), "both (variance free)" = within_model,
    "between (variance 1e4)" = status(fix("c#1@id~~c#1@id" = 1e4)), "between (Model 5)" = between_model
  )
  samples <- list(
    "within" = simulate_data(models[[1]], between_values, data = clustered(), seed = 51), "both" = both_sample(),
    "between" = between_sample()
  )
  rows <- lapply(names(samples), function(sample) {
    data <- samples[[sample]]
    fit <- function(model, points, starts, ...) {
      fit_quietly(model, data, starts = starts, seed = 1, integration = fixed_points(points), se = "none", ...)
    }
    from <- function(values) mlmix_control(start_values = values)
    zero <- fit_quietly(models[[1]], data, starts = c(6, 2), seed = 1, se = "none")
    five <- fit_quietly(between_model, data, starts = c(20, 6), seed = 1, se = "none")
    large <- fit(models[[3]], 41, c(6, 2))
    for (points in c(81, 161)) large <- fit(models[[3]], points, 1, control = from(stats::coef(large, fixed = TRUE)))
    # the free model has both others in it: it starts from each of them too
    low <- replace(start_values(within_model, data, zero), "c#1@id~~c#1@id", 0.5)
    tried <- list(fit(within_model, 41, c(6, 2)), fit(within_model, 41, 1, control = from(low)),
      fit(within_model, 41, 1, control = from_between(within_model, data, five, 1e4)))
    fits <- list(zero, tried[[which.max(vapply(tried, function(f) f$log_likelihood, 0))]], large, five)
    free <- icc(fits[[2]])
    data.frame(
      sample = sample, model = names(models), log_likelihood = vapply(fits, function(f) f$log_likelihood, 0),
      parameters = vapply(fits, function(f) f$n_free, 0), BIC = vapply(fits, stats::BIC, 0),
      error = vapply(fits, function(f) if (is.null(f$integration$error)) NA_real_ else f$integration$error, 0),
      icc = free$estimate[free$kind == "class"], row.names = NULL
    )
  })
  do.call(rbind, rows)
}

# Section 7 -----------------------------------------------------------------------------------------------------------

# Latent classes against grade of membership for the LSAT items: the null hypothesis is an infinite variance.
blrt7 <- function() {
  items <- paste0("item", 1:5)
  classes <- fit_quietly(lca(items, k = 2, family = bernoulli("probit")), lsat, starts = c(6, 2), seed = 1)
  model <- gom(items, k = 2)
  grades <- fit_quietly(model, lsat, starts = 1, seed = 1,
    control = mlmix_control(start_values = start_values(model, lsat, classes)))
  test <- quiet(blrt(classes, grades, draws = 2 * draws - 1, level = NULL, seed = 1, progress = FALSE))
  data.frame(statistic = test$statistic, p.value = test$p.value, draws = test$n_draws, at_zero = test$at_zero,
    quantile_95 = stats::quantile(test$draws, 0.95, names = FALSE), failures = sum(test$failures))
}

# Section 8 -----------------------------------------------------------------------------------------------------------

# 425 persons, 18 binary items, drawn from the factor mixture in which each response has its class (the 57 parameters).
# Odd items are easy in class 1 and hard in class 2, even ones the reverse, and all have the same loading: so the class
# of a response is not mistaken for the factor. (With class 1 easier throughout, the likelihood has many maxima.)
fma_values <- function() {
  items <- function(pattern, values) stats::setNames(values, sprintf(pattern, seq_along(values)))
  side <- rep(c(1, -1), 9)
  c(
    items("u%d~1[c=1]", side), items("u%d~1[c=2]", -side), items("u%d~f", rep(0.8, 18)), "f~theta[c=1]" = 0.5,
    "c#1~1" = 0, "c#1@person~~c#1@person" = 3
  )
}

fma_sample <- function() {
  simulate_data(fma_gom(u1:u18, k = 2, factor_variance = "varying"), fma_values(), n = 425, seed = 8)
}

table6 <- function() {
  data <- fma_sample()
  lca <- fit_quietly(lca(u1:u18, k = 2, family = bernoulli("probit")), data, starts = c(10, 3), seed = 1)
  from <- function(model, fit) mlmix_control(start_values = quiet(start_values(model, data, fit)))
  two <- fma(u1:u18, k = 2, factor_variance = "varying")
  fma <- fit_quietly(two, data, starts = c(20, 6), seed = 1, control = from(two, lca))
  three <- fma_gom(u1:u18, k = 2, factor_variance = "varying")
  gom <- fit_quietly(three, data, starts = 1, seed = 1, integration = fixed_points(15), control = from(three, fma),
    se = "none")
  gom <- fit_quietly(three, data, starts = 1, seed = 1, integration = fixed_points(31), control = from(three, gom))
  fits <- list("LCA" = lca, "FMA" = fma, "FMA-GoM" = gom)
  intra <- icc(gom, "c")
  number <- function(status) vapply(fits, function(f) sum(f$parameters$status == status), 0)
  data.frame(
    model = names(fits), parameters = vapply(fits, function(f) f$n_free, 0),
    log_likelihood = vapply(fits, function(f) f$log_likelihood, 0), AIC = vapply(fits, stats::AIC, 0),
    BIC = vapply(fits, stats::BIC, 0), converged = vapply(fits, function(f) f$convergence$status == "converged", NA),
    replicated = vapply(fits, function(f) f$replicated, 0L), not_identified = number("not identified"),
    icc = c(NA, NA, intra$estimate), icc_low = c(NA, NA, intra$conf.low), icc_high = c(NA, NA, intra$conf.high),
    row.names = NULL
  )
}

# How far one sample is from the rule: samples of that size, and a few of four times as many persons, each with all
# three models, started from the true values (a factor's variance in class 1 is 0.5^2). The intraclass correlation
# v / (v + pi^2 / 3) has the interval of log(v). `run_off`: parameters that the fit names as not identified or held at
# a boundary.
table6_samples <- function() {
  three <- fma_gom(u1:u18, k = 2, factor_variance = "varying")
  models <- list("LCA" = lca(u1:u18, k = 2, family = bernoulli("probit")),
    "FMA" = fma(u1:u18, k = 2, factor_variance = "varying"), "FMA-GoM" = three)
  rows <- Map(function(persons, samples) {
    study <- quiet(monte_carlo(three, fma_values(), n = persons, fit_model = models, true = c("f~~f[c=1]" = 0.25),
      replications = samples, seed = 2006, integration = fixed_points(21), threads = 1, progress = FALSE))
    e <- study$estimates[study$estimates$name == "c#1@person~~c#1@person", ]
    e <- e[match(paste(study$fits$replication, study$fits$model), paste(e$replication, e$model)), ]
    share <- function(sign) stats::plogis(log(e$estimate * 3 / pi^2) + sign * 1.96 * e$std.error / e$estimate)
    fits <- study$fits[c("replication", "model", "status", "log_likelihood", "n_parameters", "AIC", "BIC", "seconds")]
    data.frame(persons, fits, run_off = study$fits$boundary + study$fits$not_identified, icc = share(0),
      icc_low = share(-1), icc_high = share(1), row.names = NULL)
  }, c(425, 1700), c(20, 4))
  do.call(rbind, rows)
}

# Section 10 ----------------------------------------------------------------------------------------------------------

# One model, the two-level transition model of `toca`, by every rule, each started from the same estimates.
integration_rules <- function() {
  model <- lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room")
  best <- fit_quietly(model, toca, starts = c(6, 2), seed = 1, se = "none", integration = quadrature(points = 25))
  rule <- function(method, points, adaptive = TRUE) quadrature(method, points, adaptive)
  rules <- list(
    rule("rectangular", 7), rule("rectangular", 15), rule("rectangular", 25), rule("rectangular", 15, FALSE),
    rule("rectangular", 31, FALSE),
    rule("gauss_hermite", 5), rule("gauss_hermite", 11), rule("gauss_hermite", 11, FALSE),
    rule("monte_carlo", 500), rule("monte_carlo", 500, FALSE), rule("sobol", 500), rule("sobol", 500, FALSE)
  )
  rows <- lapply(rules, function(rule) {
    control <- mlmix_control(start_values = coef(best, fixed = TRUE))
    seconds <- system.time(fit <- fit_quietly(model, toca, starts = 1, seed = 1, integration = rule, control = control))
    slope <- fit$parameters$name == "c2#1@room~c1#1@room"
    data.frame(
      method = rule$method, points = rule$points,
      adapt = if (!rule$adaptive) "no" else if (fit$integration$adaptive) "yes" else "gave up",
      nodes = fit$integration$n_nodes,
      log_likelihood = fit$log_likelihood, error = fit$integration$error,
      slope = fit$parameters$estimate[slope], std.error = fit$parameters$std.error[slope],
      seconds = seconds[["user.self"]]
    )
  })
  do.call(rbind, rows)
}

# ---------------------------------------------------------------------------------------------------------------------

parts <- list(table2 = table2, table2_one = table2_one, table3 = table3, table3_limit = table3_limit, blrt5 = blrt5,
  icc6 = icc6, table4 = table4, blrt7 = blrt7, table6 = table6, table6_samples = table6_samples,
  integration = integration_rules)
chosen <- commandArgs(trailingOnly = TRUE)
if (length(chosen) == 0) chosen <- names(parts)
results <- if (file.exists(target)) readRDS(target) else list()
commit <- Sys.getenv("MLMIX_COMMIT")
if (!nzchar(commit)) commit <- system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE)
for (name in chosen) {
  seconds <- system.time(results[[name]] <- parts[[name]]())[["elapsed"]]
  results$seconds[[name]] <- seconds
  results$commit[[name]] <- commit
  message(name, ": ", round(seconds), " s")
  saveRDS(results, target, version = 3)
}
