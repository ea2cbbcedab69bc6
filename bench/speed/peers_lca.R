# Calls of other packages for latent class analysis, written from their documentation.

# poLCA wants categories from 1.
polca <- function(items, classes, starts, se, covariates = "1", recode = TRUE) {
  names <- item_names(items)
  program(
    paste0("poLCA, nrep = ", starts), "poLCA",
    fit = function(data) {
      set.seed(1)
      poLCA::poLCA(cbind_formula(names, covariates), data, nclass = classes, nrep = starts, maxiter = 5000,
        calc.se = se, verbose = FALSE)
    },
    result = function(fit) list(log_likelihood = fit$llik, parameters = fit$npar, iterations = fit$numiter),
    prepare = function(data) {
      if (recode) data[names] <- data[names] + 1L
      data
    },
    rule = paste0(starts, " start(s); log-likelihood changes by less than 1e-10",
      if (se) "; standard errors" else "; no standard errors")
  )
}

# glca; with `cluster` its classes of clusters.
glca_lca <- function(items, classes, starts, rhs = "1", se = TRUE, cluster = NULL, between = NULL) {
  names <- item_names(items)
  program(
    paste0("glca, n.init = ", starts), "glca",
    fit = function(data) {
      formula <- stats::as.formula(paste0("item(", paste(names, collapse = ", "), ") ~ ", rhs))
      more <- if (!is.null(cluster)) list(group = as.name(cluster), ncluster = between)
      eval(as.call(c(list(quote(glca::glca), formula, data = quote(data), nclass = classes, n.init = starts, seed = 1,
        std.err = se, verbose = FALSE), more)))
    },
    result = function(fit) {
      list(log_likelihood = fit$gof$loglik, parameters = fit$model$npar, iterations = fit$convergence$niter)
    },
    prepare = function(data) {
      data[names] <- lapply(data[names], factor)
      data
    },
    rule = paste0(starts, " start(s), the best to a change below 1e-6", if (se) "; standard errors")
  )
}

multilev_lca <- function(items, classes, cluster = NULL, between = NULL, covariates = NULL) {
  names <- item_names(items)
  program(
    "multilevLCA", "multilevLCA",
    fit = function(data) {
      arguments <- list(data = data, Y = names, iT = classes, verbose = FALSE)
      if (!is.null(cluster)) arguments <- c(arguments, list(id_high = cluster, iM = between))
      if (!is.null(covariates)) arguments <- c(arguments, list(Z = covariates, fixedpars = 0))
      set.seed(1)
      do.call(multilevLCA::multiLCA, arguments)
    },
    result = function(fit) {
      series <- unlist(fit$LLKSeries)
      list(log_likelihood = utils::tail(series, 1), parameters = NA, iterations = length(series))
    },
    rule = "one start (k-modes, principal components); change below 1e-8; standard errors"
  )
}

slca_lca <- function(items, classes) {
  names <- item_names(items)
  program(
    "slca", "slca",
    fit = function(data) {
      set.seed(1)
      formula <- stats::as.formula(paste0("class[", classes, "] ~ ", paste(names, collapse = " + ")))
      slca::estimate(slca::slca(formula), data = data, control = slca::slcaControl(verbose = FALSE))
    },
    result = from_log_lik,
    prepare = as_factors,
    rule = "one start; change below 1e-8"
  )
}

random_lca <- function(items, classes, starts) {
  names <- item_names(items)
  program(
    paste0("randomLCA, notrials = ", starts), "randomLCA",
    fit = function(data) {
      set.seed(1)
      randomLCA::randomLCA(data[names], nclass = classes, notrials = starts, calcSE = TRUE)
    },
    result = from_log_lik,
    rule = paste0(starts, " start(s); EM and nlm; standard errors")
  )
}

mdirt <- function(items, classes) {
  names <- item_names(items)
  program(
    "mirt (mdirt)", "mirt",
    fit = function(data) {
      set.seed(1)
      mirt::mdirt(data[names], classes, verbose = FALSE)
    },
    result = function(fit) {
      list(log_likelihood = mirt::extract.mirt(fit, "logLik"), parameters = mirt::extract.mirt(fit, "nest"),
        iterations = mirt::extract.mirt(fit, "iterations"))
    },
    rule = "one start; parameters change by less than 1e-4; no standard errors"
  )
}

flexmix_binary <- function(items, classes, starts) {
  names <- item_names(items)
  program(
    paste0("flexmix, nrep = ", starts), "flexmix",
    fit = function(data) {
      set.seed(1)
      flexmix::stepFlexmix(data ~ 1, k = classes, nrep = starts, verbose = FALSE, drop = TRUE,
        model = flexmix::FLXMCmvbinary())
    },
    result = function(fit) {
      value <- flexmix::logLik(fit)
      list(log_likelihood = as.numeric(value), parameters = attr(value, "df"), iterations = fit@iter)
    },
    prepare = function(data) as.matrix(data[names]),
    rule = paste0(starts, " start(s); relative change below 1e-6; no standard errors")
  )
}
