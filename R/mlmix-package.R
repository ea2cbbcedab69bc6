# The help page of the package as a whole, and what it imports from R itself.

#' mlmix: multilevel mixture models
#'
#' Latent class variables, factors and random effects at two levels, in one
#' model, described by formulas and estimated by maximum likelihood.
#' A model is built with [mixture_model()] (or a one-line builder such as
#' [lca()]) and fitted with [mlmix()].
#'
#' @references
#' Asparouhov, T., & Muthén, B. (2006). *Multilevel mixture models*. Muthén &
#' Muthén. (Published 2008 in G. R. Hancock & K. M. Samuelsen (Eds.), *Advances
#' in latent variable mixture models*. Information Age.)
#'
#' @keywords internal
#' @name mlmix-package
#' @docType package
#' @useDynLib mlmix, .registration = TRUE
#' @importFrom stats anova coef confint formula logLik nobs update vcov
NULL
