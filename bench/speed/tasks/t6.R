# T6: latent Markov model, three states, four times, transitions equal over time.

occasion_items <- function() lapply(1:4, function(t) paste0("u", 1:5, "_", t))

# One row for each person and time, as LMest and depmixS4 want them.
long_occasions <- function(data) {
  rows <- lapply(1:4, function(t) {
    part <- data[paste0("u", 1:5, "_", t)]
    names(part) <- item_names(5)
    data.frame(id = data$id, time = t, part)
  })
  long <- do.call(rbind, rows)
  long <- long[order(long$id, long$time), ]
  rownames(long) <- NULL
  long
}

speed_task("T6", "Latent Markov, 3 states, 4 times", "2,000 x 5 binary", speed_variant(
  "", "t6", -21300.3375,
  c(
    ours(function(data, ...) {
      t <- occasion_items()
      mlmix(lta(list(t[[1]], t[[2]], t[[3]], t[[4]]), k = 3, stationary = TRUE), data, ...)
    }, starts = c(1, 1)),
    list(
      program("LMest", "LMest",
        fit = function(data) {
          LMest::lmest(responsesFormula = u1 + u2 + u3 + u4 + u5 ~ NULL, index = c("id", "time"), data = data, k = 3,
            modBasic = 1)
        },
        result = function(fit) list(log_likelihood = fit$lk, parameters = fit$np, iterations = length(fit$lkv)),
        prepare = long_occasions, rule = "one deterministic start; change below 1e-8; no standard errors"),
      program("slca", "slca",
        fit = function(data) {
          set.seed(1)
          model <- slca::slca(
            l1[3] ~ u1_1 + u2_1 + u3_1 + u4_1 + u5_1, l2[3] ~ u1_2 + u2_2 + u3_2 + u4_2 + u5_2,
            l3[3] ~ u1_3 + u2_3 + u3_3 + u4_3 + u5_3, l4[3] ~ u1_4 + u2_4 + u3_4 + u4_4 + u5_4,
            l1 ~ l2, l2 ~ l3, l3 ~ l4, constraints = list(c("l1", "l2", "l3", "l4"), c("l1 ~ l2", "l2 ~ l3", "l3 ~ l4"))
          )
          slca::estimate(model, data = data, control = slca::slcaControl(verbose = FALSE))
        },
        result = from_log_lik, prepare = function(data) as_factors(data[-1]), rule = "one start; change below 1e-8"),
      program("depmixS4", "depmixS4",
        fit = function(data) {
          set.seed(1)
          model <- depmixS4::depmix(lapply(item_names(5), function(u) stats::as.formula(paste(u, "~ 1"))),
            data = data, nstates = 3, family = rep(list(depmixS4::multinomial("identity")), 5),
            ntimes = rep(4, length(unique(data$id))))
          depmixS4::fit(model, verbose = FALSE)
        },
        result = from_log_lik, prepare = function(data) {
          data <- long_occasions(data)
          data[item_names(5)] <- as_factors(data[item_names(5)])
          data
        }, rule = "one start; relative change below 1e-8; no standard errors")
    )
  ),
  goals = list(faster_than(NULL, 7)),
  elsewhere = c("LMest 3.2.5" = 0.20, "slca 1.4.0" = 0.61, "depmixS4 1.5.1" = 1.4)
))
