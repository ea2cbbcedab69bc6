# T7: growth mixtures with a random intercept and slope.

# lcmm starts several classes from the fit with one class.
lcmm_growth <- function(name, classes, quadratic, random_start) {
  program(
    name, "lcmm",
    fit = function(data) {
      set.seed(1)
      hlme <- lcmm::hlme
      one <- if (quadratic) {
        hlme(y ~ time + I(time^2), random = ~time, subject = "id", ng = 1, data = data, verbose = FALSE)
      } else {
        hlme(y ~ time, random = ~time, subject = "id", ng = 1, data = data, verbose = FALSE)
      }
      call <- if (quadratic) {
        quote(hlme(y ~ time + I(time^2), mixture = ~ time + I(time^2), random = ~time, subject = "id", data = data,
          verbose = FALSE))
      } else {
        quote(hlme(y ~ time, mixture = ~time, random = ~time, subject = "id", data = data, verbose = FALSE))
      }
      call$ng <- classes
      call$B <- if (random_start) quote(random(one)) else quote(one)
      eval(call)
    },
    result = function(fit) list(log_likelihood = fit$loglik, parameters = length(fit$best), iterations = fit$ni),
    rule = "one-class fit, then one start; parameters, log-likelihood, gradient to 1e-4; standard errors", warm = FALSE
  )
}

# A RAM mixture of two classes, from the true values.
openmx_growth <- function() {
  program(
    "OpenMx, from the truth", "OpenMx",
    fit = function(data) {
      one_class <- function(name, intercept, slope) {
        OpenMx::mxModel(name, type = "RAM", manifestVars = paste0("y", 0:5), latentVars = c("i", "s"),
          OpenMx::mxPath("i", paste0("y", 0:5), free = FALSE, values = 1),
          OpenMx::mxPath("s", paste0("y", 0:5), free = FALSE, values = 0:5),
          OpenMx::mxPath(paste0("y", 0:5), arrows = 2, values = .49, labels = "residual", lbound = 1e-4),
          OpenMx::mxPath(c("i", "s"), arrows = 2, connect = "unique.pairs", values = c(.5, .05, .06),
            labels = c("var_i", "cov", "var_s")),
          OpenMx::mxPath("one", c("i", "s"), values = c(intercept, slope),
            labels = paste0(c("mean_i_", "mean_s_"), name)),
          OpenMx::mxPath("one", paste0("y", 0:5), free = FALSE, values = 0),
          OpenMx::mxFitFunctionML(vector = TRUE))
      }
      model <- OpenMx::mxModel("mixture", one_class("a", 1, .2), one_class("b", 3, 1),
        OpenMx::mxData(data, type = "raw"),
        OpenMx::mxMatrix("Full", 2, 1, free = c(TRUE, FALSE), values = c(1.5, 1), lbound = 1e-4, name = "weights"),
        OpenMx::mxExpectationMixture(c("a", "b"), weights = "weights", scale = "sum"),
        OpenMx::mxFitFunctionML())
      suppressMessages(OpenMx::mxRun(model, silent = TRUE))
    },
    result = function(fit) {
      list(log_likelihood = fit$output$fit / -2, parameters = length(stats::coef(fit)),
        iterations = fit$output$iterations)
    },
    prepare = function(data) {
      wide <- stats::reshape(data, idvar = "id", timevar = "time", direction = "wide")
      stats::setNames(wide, c("id", paste0("y", 0:5)))
    },
    rule = "started at the true values; default optimiser; standard errors"
  )
}

flexmix_growth <- function() {
  program(
    "flexmix, FLXMRlmm", "flexmix",
    fit = function(data) {
      set.seed(1)
      flexmix::flexmix(y ~ time | id, k = 2, data = data, model = flexmix::FLXMRlmm(random = ~time, varFix = c(
        Random = TRUE, Residual = TRUE)), control = list(iter.max = 500))
    },
    result = function(fit) {
      value <- flexmix::logLik(fit)
      list(log_likelihood = as.numeric(value), parameters = attr(value, "df"), iterations = fit@iter)
    },
    rule = "one random start; relative change below 1e-6; no standard errors", warm = FALSE
  )
}

speed_task("T7", "Growth mixture, random intercept and slope", "1,000 x 6 times",
  speed_variant(
    "linear, 2 classes", "t7", -8591.8384,
    c(
      ours(function(data, ...) mlmix(growth_mixture(y ~ time + (1 + time | id), k = 2), data, ...), starts = c(1, 1)),
      list(openmx_growth(), lcmm_growth("lcmm, random start", 2, FALSE, TRUE), flexmix_growth())
    ),
    goals = list(faster_than("OpenMx", 5), faster_than("lcmm", 50)),
    elsewhere = c(
      "OpenMx 2.21.1, from the truth" = 0.27, "lcmm 2.2.1, random start" = 2.7,
      "flexmix 2.3.18 (155 below the maximum)" = 13.8
    )
  ),
  speed_variant(
    "quadratic, 3 classes", "t7q", -8144.3233,
    c(
      ours(function(data, ...) mlmix(growth_mixture(y ~ time + I(time^2) + (1 + time | id), k = 3), data, ...),
        starts = c(1, 1)),
      list(lcmm_growth("lcmm, from one class", 3, TRUE, FALSE))
    ),
    goals = list(faster_than("lcmm", 50)),
    elsewhere = c("lcmm 2.2.1, from one class" = 7.1)
  )
)
