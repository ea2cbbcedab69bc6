# T11: latent profile analysis, four classes, three forms of the covariance matrices.

mclust_profiles <- function(form) {
  program(
    paste0("mclust, ", form), "mclust",
    fit = function(data) {
      set.seed(1)
      mclust::Mclust(data, G = 4, modelNames = form, verbose = FALSE)
    },
    result = function(fit) list(log_likelihood = fit$loglik, parameters = fit$df, iterations = NA),
    rule = "hierarchical start; relative change below 1e-5; no standard errors"
  )
}

# Its EM without the start, which comes from k-means (timed with it).
mclust_em <- function(form) {
  program(
    "mclust, EM from k-means", "mclust",
    fit = function(data) {
      set.seed(1)
      z <- mclust::unmap(stats::kmeans(data, 4, nstart = 1, iter.max = 50)$cluster)
      mclust::me(data, modelName = form, z = z, control = mclust::emControl(tol = 1e-8))
    },
    result = function(fit) {
      list(log_likelihood = fit$loglik, parameters = mclust::nMclustParams(fit$modelName, fit$d, fit$G),
        iterations = attr(fit, "info")[["iterations"]])
    },
    prepare = as.matrix, rule = "one k-means start; relative change below 1e-8; no standard errors",
    less = TRUE
  )
}

flexmix_profiles <- function(diagonal) {
  program(
    "flexmix, from k-means", "flexmix",
    fit = function(data) {
      set.seed(1)
      cluster <- stats::kmeans(data, 4, iter.max = 50)$cluster
      flexmix::flexmix(data ~ 1, k = 4, cluster = cluster, model = flexmix::FLXMCmvnorm(diagonal = diagonal),
        control = list(tolerance = 1e-8, iter.max = 1000))
    },
    result = function(fit) {
      value <- flexmix::logLik(fit)
      list(log_likelihood = as.numeric(value), parameters = attr(value, "df"), iterations = fit@iter)
    },
    prepare = as.matrix, rule = "one k-means start; relative change below 1e-8; no standard errors",
    less = TRUE
  )
}

speed_task("T11", "LPA, 4 classes, 10 starts", "5,000 x 5 gaussian",
  speed_variant(
    "equal diagonal", "t11e", -36527.7271,
    c(
      ours(function(data, ...) mlmix(lpa(y1:y5, k = 4), data, ...), starts = c(10, 2)),
      list(mclust_profiles("EEI"), mclust_em("EEI"))
    ),
    goals = list(faster_than("mclust, EEI", 10)),
    elsewhere = c("mclust 6.0.0, EEI" = 1.4, "mclust 6.0.0, its EM alone" = 0.006)
  ),
  speed_variant(
    "diagonal by class", "t11", -35620.8187,
    c(
      ours(function(data, ...) mlmix(lpa(y1:y5, k = 4, variances = "varying"), data, ...), starts = c(10, 2)),
      list(mclust_profiles("VVI"), mclust_em("VVI"), flexmix_profiles(TRUE))
    ),
    goals = list(faster_than("mclust, VVI", 10)),
    elsewhere = c("mclust 6.0.0, VVI" = 1.4, "mclust 6.0.0, its EM alone" = 0.008)
  ),
  speed_variant(
    "full by class", "t11f", -34427.5670,
    c(
      ours(function(data, ...) {
        mlmix(lpa(y1:y5, k = 4, variances = "varying", covariances = "varying"), data, ...)
      }, starts = c(10, 2)),
      list(mclust_profiles("VVV"), mclust_em("VVV"), flexmix_profiles(FALSE))
    ),
    goals = list(faster_than("mclust, VVV", 10)),
    elsewhere = c("mclust 6.0.0, VVV" = 1.2, "mclust 6.0.0, its EM alone" = 0.045)
  )
)
