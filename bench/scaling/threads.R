# What the second thread gives: wall time of a whole fit on one and on two threads, in turn.

thread_cases <- function() {
  list(
    list(name = "LCA, 10 starts, 7,326 x 17", fit = function(data, threads) {
      mlmix(lca(u1:u17, k = 3), data, starts = c(10, 2), seed = 1, threads = threads, progress = FALSE)
    }, data = function() binary_items(7326, 17, 3)),
    list(name = "LPA, one start, 100,000 x 5", fit = function(data, threads) {
      mlmix(lpa(y1:y5, k = 3), data, starts = 1, seed = 1, threads = threads, progress = FALSE)
    }, data = function() gaussian_profiles(1e5, 5, 3)),
    list(name = "2PL, 5,000 x 30", fit = function(data, threads) {
      mlmix(irt(u1:u30), data, starts = 1, seed = 1, threads = threads, progress = FALSE)
    }, data = function() factor_items(5000, 1, 30)),
    list(name = "logistic random intercept, 1,000 clusters of 20", fit = function(data, threads) {
      mlmix(mixture_model(outcome(yb ~ x + (1 | id), family = bernoulli())), data, starts = 1, seed = 1,
        threads = threads, progress = FALSE)
    }, data = function() clustered_outcome(1000, 20)),
    list(name = "latent transitions, 4 times, 4 classes, 5,000 x 20", fit = function(data, threads) {
      items <- lapply(1:4, function(t) paste0("t", t, "u", 1:5))
      mlmix(lta(items, k = 4, stationary = TRUE), data, starts = 1, seed = 1, threads = threads, progress = FALSE)
    }, data = function() occasions(5000, 4, 5, 4))
  )
}

measure_threads <- function(case, rounds = 3) {
  data <- case$data()
  wall <- function(threads) {
    gc(FALSE)
    system.time(suppressMessages(suppressWarnings(case$fit(data, threads))), gcFirst = FALSE)[["elapsed"]]
  }
  first <- wall(2)
  if (first > 10) rounds <- 1
  both <- vapply(seq_len(rounds), function(i) c(wall(1), wall(2)), numeric(2))
  cat(sprintf("%s: %.3g s on one thread, %.3g s on two\n", case$name, min(both[1, ]), min(both[2, ])))
  data.frame(case = case$name, one = min(both[1, ]), two = min(both[2, ]), ratio = stats::median(both[1, ] / both[2, ]))
}
