# T10: generalised linear mixed models, logistic and linear random intercept.

speed_task("T10", "Random intercept", "10,000 in 200 clusters",
  speed_variant(
    "logistic", "t10", -5711.4953,
    c(
      ours(function(data, ...) {
        mlmix(mixture_model(outcome(yb ~ x1 + x2 + (1 | g), family = bernoulli())), data, ...)
      }, starts = c(1, 1)),
      list(
        program("lme4, 15 adaptive points", "lme4",
          fit = function(data) lme4::glmer(yb ~ x1 + x2 + (1 | g), data, stats::binomial(), nAGQ = 15),
          result = from_log_lik, rule = "bobyqa and Nelder-Mead; standard errors"),
        program("lme4, Laplace", "lme4",
          fit = function(data) lme4::glmer(yb ~ x1 + x2 + (1 | g), data, stats::binomial()),
          result = from_log_lik, rule = "Laplace (0.75 below the maximum); standard errors"),
        program("glmmTMB, Laplace", "glmmTMB",
          fit = function(data) glmmTMB::glmmTMB(yb ~ x1 + x2 + (1 | g), data, stats::binomial()),
          result = from_log_lik, rule = "Laplace (0.75 below the maximum); standard errors")
      )
    ),
    goals = list(faster_than("lme4, 15", 10)),
    elsewhere = c("lme4 1.1.31, 15 adaptive points" = 2.1, "galamm 0.2.3, Laplace" = 0.81,
      "glmmTMB 1.1.5, Laplace" = 0.99)
  ),
  speed_variant(
    "linear", "t10", -16218.8766,
    c(
      ours(function(data, ...) mlmix(mixture_model(outcome(yg ~ x1 + x2 + (1 | g))), data, ...), starts = c(1, 1)),
      list(
        program("lme4", "lme4", fit = function(data) lme4::lmer(yg ~ x1 + x2 + (1 | g), data, REML = FALSE),
          result = from_log_lik, rule = "nloptwrap; standard errors of fixed effects"),
        program("glmmTMB", "glmmTMB", fit = function(data) glmmTMB::glmmTMB(yg ~ x1 + x2 + (1 | g), data),
          result = from_log_lik, rule = "nlminb; standard errors"),
        program("nlme", "nlme",
          fit = function(data) nlme::lme(yg ~ x1 + x2, data, random = ~ 1 | g, method = "ML"),
          result = from_log_lik, rule = "EM and nlminb; standard errors")
      )
    ),
    goals = list(faster_than("lme4", 1)),
    elsewhere = c("lme4 1.1.31" = 0.046, "nlme 3.1.162" = 0.046, "glmmTMB 1.1.5" = 0.63)
  )
)
