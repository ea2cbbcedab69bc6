# start_values(): a first start for one model from the estimates of another.

#' Start values from another fit
#'
#' Parameters that two models share by name start at the estimates of the first. So a grade-of-membership model starts
#' from a latent class analysis with the same classes, a factor mixture from its classes alone, a model with a random
#' intercept from that without.
#'
#' Estimates held at a boundary start well inside it (logits and probits within 4 of 0). Where the first model has logit
#' items and the second probit items, intercepts, thresholds and loadings are converted (F(x) the same for intercepts
#' and thresholds; divided by 1.7 for loadings). Other parameters start at the value that [constrain()] gave them, or at
#' 1 (variances and dispersions), 0.5 (loadings), 0 (all others); variances of class logits in models that stack items
#' ([gom()]) at 4, since persons differ much there.
#'
#' @param model A model from [mixture_model()] or a one-line model.
#' @param data Data frame.
#' @param from A fit from [mlmix()], or a named numeric vector of values by parameter name.
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it.
#' @return A named numeric vector with one value for each parameter, for `mlmix_control(start_values = )`: the first
#'   start. Further starts are random as always.
#' @seealso [mlmix_control()], [parameters()].
#' @examples
#' classes <- mlmix(lca(item1:item5, k = 2), lsat, starts = c(5, 2), seed = 1)
#' model <- gom(item1:item5, k = 2)
#' first <- start_values(model, lsat, from = classes)
#' first
#' # mlmix(model, lsat, starts = 1, control = mlmix_control(start_values = first))
#' @export
start_values <- function(model, data, from, cluster = NULL) {
  frame <- rlang::current_env()
  resolved <- resolve_model(model, data, cluster, call = frame)
  table <- resolved$parameters
  values <- default_starts(table, !is.null(resolved$reshape))
  given <- if (inherits(from, "mlmix")) stats::setNames(from$parameters$estimate, from$parameters$name)
    else if (is.numeric(from) && !is.null(names(from))) from
    else abort_spec(c(
      "{.arg from} must be a fit from {.fn mlmix} or numbers with parameter names.", x = "You gave {describe(from)}."
    ))
  shared <- which(table$free & table$name %in% names(given))
  if (length(shared) == 0) {
    abort_spec(c(
      "{.arg from} shares no free parameter with the model.",
      x = "Its names: {.val {utils::head(names(given), 5)}}.",
      i = "The names must agree: class variables of the same name and items of the same name."
    ))
  }
  start <- given[table$name[shared]]
  if (inherits(from, "mlmix")) start <- converted_starts(start, table[shared, ], from, resolved)
  values[shared] <- inside_bounds(start, table[shared, ])
  stats::setNames(values, table$name)
}

default_starts <- function(table, stacked) {
  logit_variance <- stacked & table$kind == "variance" & grepl("#", table$target, fixed = TRUE)
  usual <- ifelse(logit_variance, 4, ifelse(table$kind %in% c("variance", "dispersion"), 1,
    ifelse(table$kind == "loading", 0.5, 0)))
  # thresholds must ascend
  threshold <- table$kind == "threshold"
  step <- suppressWarnings(as.numeric(sub("^.*\\|t([0-9]+).*$", "\\1", table$name)))
  usual[threshold] <- step[threshold] - 1.5
  ifelse(!table$free, table$value, ifelse(is.na(table$start), inside_bounds(usual, table), table$start))
}

# Away from bounds and from logits without end.
inside_bounds <- function(values, table) {
  steep <- table$kind %in% c("intercept", "threshold", "logit")
  values[steep] <- pmin(pmax(values[steep], -4), 4)
  low <- !is.na(table$lower) & values <= table$lower
  values[low] <- table$lower[low] + 0.1
  high <- !is.na(table$upper) & values >= table$upper
  values[high] <- pmax(table$upper[high] - 0.1, (table$lower[high] + table$upper[high]) / 2, na.rm = TRUE)
  unname(values)
}

# From the scale of one link to that of another: item by item.
converted_starts <- function(values, table, from, resolved) {
  link <- function(items) vapply(items, function(item) item$link %||% "none", "")
  before <- link(from$data$items)
  after <- link(resolved$items)
  item <- sub("#.*$", "", table$target)
  change <- paste(before[item], after[item])
  additive <- table$kind %in% c("intercept", "threshold")
  to_probit <- change == "logit probit"
  to_logit <- change == "probit logit"
  position <- function(from_cdf, to_quantile, x) to_quantile(from_cdf(pmin(pmax(x, -4), 4)))
  values[to_probit & additive] <- position(stats::plogis, stats::qnorm, values[to_probit & additive])
  values[to_logit & additive] <- position(stats::pnorm, stats::qlogis, values[to_logit & additive])
  scale <- table$kind %in% c("slope", "loading")
  values[to_probit & scale] <- values[to_probit & scale] / 1.7
  values[to_logit & scale] <- values[to_logit & scale] * 1.7
  values
}
