# Section 7 on real data: latent classes against grade of membership for antisocial behaviour, NLSY79 in 1980.
#
#   MLMIX_REFERENCE=/path/to/reference Rscript data-raw/gom_nlsy79.R          (about six minutes of one core)
#
# Reads MLMIX_REFERENCE/published/gom_nlsy79/data.csv: response patterns of 11,453 persons to 15 of the paper's 17 items
# (NLSY79 public-use data, Bureau of Labor Statistics; two drug items and the paper's selection of 7,326 persons are not
# in it). The data stay there; what is kept, in vignettes/gom-nlsy79-results.rds, are the results:
#   fits      a row for each model: log-likelihood, parameters, criteria, how well integrated and replicated
#   two       the fits of the two-class models without anything of the persons: estimates, for plot() (Figure 4)
#   scores    distribution of the persons' membership scores in the smaller of two classes: share of persons by tenths
#   commit    of the sources (MLMIX_COMMIT where these are not a git checkout)

library(mlmix)

folder <- Sys.getenv("MLMIX_REFERENCE", "../shared/reference")
data <- utils::read.csv(file.path(folder, "published", "gom_nlsy79", "data.csv"))
items <- setdiff(names(data), "freq")
target <- "vignettes/gom-nlsy79-results.rds"
commit <- Sys.getenv("MLMIX_COMMIT")
if (!nzchar(commit)) commit <- system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE)

quiet <- function(expr) suppressMessages(suppressWarnings(expr))
fit_quietly <- function(model, ...) {
  quiet(mlmix(model, data, frequency = freq, seed = 1, threads = 1, progress = FALSE, ...))
}
fixed_points <- function(n) quadrature("rectangular", n, adaptive = FALSE)
from <- function(model, fit, ...) {
  first <- quiet(start_values(model, data, fit))
  changed <- c(...)
  first[names(changed)] <- changed
  mlmix_control(start_values = first)
}

fits <- list()
seconds <- list()
keep <- function(name, fit) {
  seconds[[name]] <<- system.time(fits[[name]] <<- fit)[["elapsed"]]
  message(sprintf("%-28s %12.2f %4d parameters, %6.0f s", name, fits[[name]]$log_likelihood, fits[[name]]$n_free,
    seconds[[name]]))
}

for (k in 2:4) {
  keep(paste("LCA", k), fit_quietly(lca(items, k = k, family = bernoulli("probit")), starts = c(20, 5)))
}
two <- gom(items, k = 2)
keep("GoM 2", fit_quietly(two, starts = c(6, 2), control = from(two, fits[["LCA 2"]])))
logit <- gom(items, k = 2, link = "logit")
keep("GoM 2, logit", fit_quietly(logit, starts = 1, control = from(logit, fits[["GoM 2"]])))
factor <- gom(items, k = 3, random = "factor")
keep("GoM 3, one factor", fit_quietly(factor, starts = c(6, 2),
  control = from(factor, fits[["LCA 3"]], "c#1~eta" = 2, "c#2~eta" = 1)))
# Four classes, and still one dimension. (The default rule takes many minutes here.)
four <- gom(items, k = 4, random = "factor")
keep("GoM 4, one factor", fit_quietly(four, starts = c(6, 2), integration = fixed_points(481),
  control = from(four, fits[["LCA 4"]], "c#1~eta" = 2, "c#2~eta" = 1, "c#3~eta" = -1)))
free <- gom(items, k = 3)
keep("GoM 3, free", fit_quietly(free, starts = 1, se = "none", control = from(free, fits[["LCA 3"]])))

table <- data.frame(
  model = names(fits), log_likelihood = vapply(fits, function(f) f$log_likelihood, 0),
  parameters = vapply(fits, function(f) f$n_free, 0), AIC = vapply(fits, stats::AIC, 0),
  BIC = vapply(fits, stats::BIC, 0),
  persons = sum(data$freq), integration_error = vapply(fits, function(f) f$integration$error, 0),
  converged = vapply(fits, function(f) f$convergence$status == "converged", NA),
  replicated = vapply(fits, function(f) f$replicated, 0L), starts = vapply(fits, function(f) nrow(f$starts), 0L),
  boundary = vapply(fits, function(f) sum(f$parameters$status == "boundary"), 0L), seconds = unlist(seconds),
  row.names = NULL
)
# Classes in the order of their size, the large one first. Of the fit what is of persons is left out.
by_size <- function(name) order_classes(fits[[name]], "size")
without_persons <- function(fit) {
  of_persons <- c("columns", "row_used", "cluster", "cluster_ids", "frequency", "designs", "cluster_weights", "counted")
  fit$data[of_persons] <- NULL
  fit$latents <- lapply(fit$latents, function(latent) latent[setdiff(names(latent), c("mean", "sd"))])
  fit[c("call", "posterior_within", "log_likelihood_clusters")] <- NULL
  fit
}
scores <- memberships(by_size("GoM 2"))[["c=2"]]
tenth <- cut(scores, seq(0, 1, 0.1), include.lowest = TRUE)
results <- list(
  fits = table, two = lapply(c(gom = "GoM 2", lca = "LCA 2"), function(name) without_persons(by_size(name))),
  scores = data.frame(tenth = levels(tenth), share = as.numeric(stats::xtabs(data$freq ~ tenth)) / sum(data$freq)),
  commit = commit
)
saveRDS(results, target, version = 3)
print(results[c("fits", "scores")])
