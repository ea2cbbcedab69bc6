# T9: mixture of regressions, the class belongs to the group.

speed_task("T9", "Regression mixture, class by group, 10 starts", "200 groups x 10", speed_variant(
  "", "t9", -3336.0276,
  c(
    ours(function(data, ...) {
      mlmix(mixture_regression(y ~ x, k = 2, level = "between", cluster = "g", variance = "varying"), data, ...)
    }, starts = c(10, 10)),
    list(program("flexmix, nrep = 10", "flexmix",
      fit = function(data) {
        set.seed(1)
        flexmix::stepFlexmix(y ~ x | g, data = data, k = 2, nrep = 10, verbose = FALSE)
      },
      result = function(fit) {
        value <- flexmix::logLik(fit)
        list(log_likelihood = as.numeric(value), parameters = attr(value, "df"), iterations = fit@iter)
      },
      rule = "10 starts; relative change below 1e-6; no standard errors"))
  ),
  goals = list(faster_than("flexmix", 7)),
  elsewhere = c("flexmix 2.3.18, nrep = 10" = 0.35)
))
