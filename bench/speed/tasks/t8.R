# T8: item response models, 2PL and 3PL.

mirt_irt <- function(type) {
  program(
    "mirt, default", "mirt", fit = function(data) mirt::mirt(data, 1, itemtype = type, verbose = FALSE),
    result = function(fit) {
      list(log_likelihood = mirt::extract.mirt(fit, "logLik"), parameters = mirt::extract.mirt(fit, "nest"),
        iterations = mirt::extract.mirt(fit, "iterations"))
    },
    rule = "61 points; parameters change by less than 1e-4; no standard errors", warm = type == "2PL"
  )
}

speed_task("T8", "Item response models", "5,000 x 30 binary",
  speed_variant(
    "2PL", "t8", -83789.4247,
    c(
      ours(function(data, ...) mlmix(irt(u1:u30), data, ...), starts = c(1, 1)),
      list(
        mirt_irt("2PL"),
        program("ltm", "ltm", fit = function(data) ltm::ltm(data ~ z1), result = function(fit) {
          list(log_likelihood = fit$log.Lik, parameters = length(fit$coefficients), iterations = NA)
        }, rule = "21 Gauss-Hermite points (2.0 below the maximum); standard errors", warm = FALSE)
      )
    ),
    goals = list(faster_than("mirt", 3), faster_than("ltm", 10)),
    elsewhere = c("mirt 1.45.1" = 0.66, "ltm 1.2.0 (2.0 below)" = 9.0)
  ),
  speed_variant(
    "3PL", "t8g", -89225.2409,
    c(
      ours(function(data, ...) mlmix(irt(u1:u30, type = "3pl"), data, ...), starts = c(1, 1), warm = FALSE),
      list(mirt_irt("3PL"))
    ),
    goals = list(faster_than("mirt", 10)),
    elsewhere = c("mirt 1.45.1" = 13.6)
  )
)
