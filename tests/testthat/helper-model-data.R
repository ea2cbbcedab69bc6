# Small data of the right shape for model tests, and the free parameters of a resolved model.

binary_data <- function(names, n = 60, seed = 1) {
  withr::with_seed(seed, {
    data <- as.data.frame(lapply(names, function(name) sample(rep(0:1, length.out = n))))
    names(data) <- names
    data
  })
}

two_level_data <- function(items = paste0("u", 1:8), clusters = 12, size = 6, seed = 2) {
  withr::with_seed(seed, {
    n <- clusters * size
    data <- binary_data(items, n, seed)
    data$id <- rep(seq_len(clusters), each = size)
    data$x <- rnorm(n)
    data$w <- rep(rnorm(clusters), each = size)
    data$y <- rnorm(n)
    data
  })
}

ordinal_data <- function(names, categories = 4, n = 60, seed = 3) {
  withr::with_seed(seed, {
    data <- as.data.frame(lapply(names, function(name) sample(rep(seq_len(categories), length.out = n))))
    names(data) <- names
    data
  })
}

free_names <- function(model, data) {
  table <- resolve_model(model, data)$parameters
  table$name[table$free]
}

n_free <- function(model, data) length(free_names(model, data))
