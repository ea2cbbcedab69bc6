# The help page of the package as a whole, and what it imports from R itself.

#' mlmix: multilevel mixture models
#'
#' Latent class variables, factors and random effects at two levels, in one
#' model, described by formulas and estimated by maximum likelihood.
#' A model is built with [mixture_model()] (or a one-line builder such as
#' [lca()]) and fitted with [mlmix()].
#'
#' # What is where
#'
#' * **A model in one line**: [lca()], [lpa()], [multilevel_lca()], [lta()], [growth_mixture()],
#'   [mixture_regression()], [gom()], [fma()], [fma_gom()], [irt()].
#' * **A model equation by equation**: [mixture_model()] of [latent_class()], [latent_factor()], [outcome()] (with
#'   [families]), [between()], [covary()], [constrain()]. What it will estimate: [parameters()], [integration_plan()].
#' * **Estimation**: [mlmix()], with [quadrature()], [mlmix_control()], [start_values()]; large tables:
#'   [count_patterns()].
#' * **Estimates**: [summary()][summary.mlmix], [estimates()], [tidy()][tidy.mlmix], [glance()][glance.mlmix],
#'   [confint()][confint.mlmix] (Wald, profile, bootstrap), [derive()], [wald_test()], [coef() and
#'   others][mlmix-methods],
#'   [order_classes()].
#' * **How many classes, which model**: [enumerate_classes()], [compare_models()], [bayes_factors()],
#'   [anova()][anova.mlmix], [blrt()], [vlmr()], [fit_tests()], [residuals()][residuals.mlmix].
#' * **Classes, factors, random effects**: [posterior()], [class_sizes()], [transitions()], [classification_table()],
#'   [factor_scores()], [random_effects()], [memberships()], [predict()][predict.mlmix], [augment()][augment.mlmix],
#'   [plausible_draws()], [icc()], [r_squared()], [irt_parameters()].
#' * **Classes and other variables**: [three_step()], [two_step()].
#' * **Simulation**: [simulate()][simulate.mlmix], [simulate_data()], [monte_carlo()], [bootstrap()].
#' * **Did it work**: [start_table()], [integration()].
#' * **Pictures and pages**: [plot()][plot.mlmix], [plot_data()], [report()], [tables in R Markdown][knit_print.mlmix].
#' * **Data**: [carcinoma], [cheating], [dentistry], [lsat], [stouffer_toby], [toca].
#'
#' Vignettes, `browseVignettes("mlmix")`: *Get started*, *Multilevel latent classes*, *Latent transitions*, *Growth
#' mixtures*, *Coming from Mplus*, *Coming from poLCA, glca, multilevLCA, lcmm, LMest, mirt*, *How it computes*.
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
