# Response patterns with their frequencies: tables of a database are counted there before anything is loaded.

#' Count response patterns
#'
#' Rows that agree in every variable of a model say the same to the likelihood, so that a table of the different rows
#' (response patterns) and how often each occurs is all that a fit needs. For a table in a database the counting is
#' done by the database: ten million rows of ten binary items arrive as at most 1,024 rows.
#'
#' [mlmix()] does this by itself when its `data` is such a table. Call it yourself to fit several models of the same
#' variables to patterns that are counted once, to join class memberships to the table (`augment(fit, patterns)` has a
#' row for each pattern), or to shorten a large data frame.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()]. It says which variables count.
#' @param data A table in a database, `dplyr::tbl(connection, "name")` or any dplyr query on one (which needs the
#'   packages dplyr and dbplyr, and the driver of the database). Or a data frame.
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it. Patterns are then
#'   counted within clusters.
#' @param frequency Text or `NULL` (default): a variable that says how often each row was observed already.
#' @param keep Names of further variables that tell rows apart, default none: sampling weights, or a group.
#' @return A data frame, one row per pattern, sorted: the variables of the model and `keep`, and `frequency`. The
#'   counts are exact; the fit of a model is the same as with all rows, standard errors too.
#' @details Continuous variables hardly repeat and are not made fewer by counting. At most one million patterns are
#'   loaded from a database; `options(mlmix.max_patterns = 5e6)` changes that.
#'
#'   Tables of 'Spark' and of cloud warehouses work in the same way as far as dbplyr knows their dialect.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models. Identical rows are powers in the
#'   likelihood.
#' @seealso [mlmix()], whose argument `frequency` takes the counts.
#' @examples
#' patterns <- count_patterns(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma)
#' head(patterns)
#' mlmix(lca(c(A, B, C, D, E, F, G), k = 2), patterns, frequency = "frequency", starts = c(5, 2),
#'   seed = 1)
#' @examplesIf all(vapply(c("dplyr", "dbplyr", "RSQLite", "DBI"), rlang::is_installed, NA))
#' # the same from a database
#' connection <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
#' DBI::dbWriteTable(connection, "slides", carcinoma)
#' slides <- dplyr::tbl(connection, "slides")
#' mlmix(lca(c(A, B, C, D, E, F, G), k = 2), slides, starts = c(5, 2), seed = 1)
#' DBI::dbDisconnect(connection)
#' @export
count_patterns <- function(model, data, cluster = NULL, frequency = NULL, keep = NULL) {
  frame <- rlang::current_env()
  if (!is.null(frequency)) check_string(frequency, "frequency", "the name of one variable", call = frame)
  if (!is.null(keep) && !is.character(keep)) {
    abort_spec(c("{.arg keep} must be names of variables.", x = "You gave {describe(keep)}."), call = frame)
  }
  patterns_of(model, data, cluster, frequency, keep, frame)
}

# A table whose rows are elsewhere: dbplyr's, and what is built on it (sparklyr, bigrquery, ...).
is_lazy_table <- function(data) inherits(data, c("tbl_lazy", "tbl_sql"))

# What mlmix() puts in the place of a table in a database: its patterns, with the column `frequency`. `weighting`: the
# quosures of frequency, weights and cluster_weights.
collect_patterns <- function(model, data, cluster, weighting, call) {
  need_dplyr(call)
  known <- colnames(data)
  named <- Map(function(quo, arg) weight_name(quo, known, arg, call), weighting, names(weighting))
  patterns <- patterns_of(model, data, cluster, named$frequency, c(named$weights, named$cluster_weights), call)
  cases <- sum(patterns$frequency)
  clusters <- if (length(setdiff(model$cluster %||% cluster, model$reshape$cluster)) == 0) "" else " within clusters"
  inform_data(c(i = paste0(
    "{big_number(cases)} row{cli::qty(cases)}{?s} of the table {?was/were} counted in the database: ",
    "{big_number(nrow(patterns))} different {cli::qty(nrow(patterns))}one{?s}", clusters, "."
  )))
  patterns
}

need_dplyr <- function(call) {
  rlang::check_installed(c("dplyr", "dbplyr"), "to count the patterns of a table in a database.", call = call)
}

# Weights of rows that are not here can only be named.
weight_name <- function(quo, known, arg, call) {
  if (rlang::quo_is_null(quo)) return(NULL)
  expr <- rlang::quo_get_expr(quo)
  name <- if (rlang::is_symbol(expr) && rlang::as_string(expr) %in% known) rlang::as_string(expr) else
    tryCatch(rlang::eval_tidy(quo), error = function(e) NULL)
  if (!(is.character(name) && length(name) == 1 && name %in% known)) {
    label <- rlang::as_label(quo)
    abort_data(c(
      "With a table in a database {.arg {arg}} must name one of its variables.",
      x = "You gave {.code {label}}.",
      suggest_names(label, known, "Variables")
    ), call = call)
  }
  name
}

patterns_of <- function(model, data, cluster, frequency, keep, call) {
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c("{.arg model} must be a model.", x = "You gave {describe(model)}."), call = call)
  }
  lazy <- is_lazy_table(data)
  if (lazy) need_dplyr(call)
  first <- if (lazy) first_row(data) else check_data(data, call)
  check_columns(first, c(frequency, keep), "the call", call)
  variables <- pattern_variables(model, first, cluster, keep, call)
  if ("frequency" %in% variables) {
    abort_data(c(
      "The variable {.var frequency} is used by the model, but the counts need that name.",
      i = "Rename the variable."
    ), call = call)
  }
  counted <- if (lazy) count_lazily(data, variables, frequency, call) else count_here(first, variables, frequency, call)
  counted <- counted[do.call(order, unname(as.list(counted[variables]))), , drop = FALSE]
  rownames(counted) <- NULL
  counted
}

first_row <- function(data) plain_columns(dplyr::collect(utils::head(dplyr::ungroup(data), 1)))

# Names of the variables that tell patterns apart.
pattern_variables <- function(model, first, cluster, keep, call) {
  needs <- data_needs(with_plans(model, model_symbols(model), call), first, cluster, call)
  variables <- c(setdiff(needs$cluster, needs$made), needs$outcomes, needs$trials, needs$known, needs$covariates, keep)
  setdiff(unique(variables), needs$made)
}

# For several models of one table: a function that gives list(data, dots) for mlmix(), `dots` being quosures of its
# other arguments. A table in a database is counted once for all models of the same variables.
counted_once <- function(data, dots, call) {
  if (!is_lazy_table(data)) return(function(model) list(data = data, dots = dots))
  need_dplyr(call)
  first <- first_row(data)
  quo_of <- function(name) dots[[name]] %||% rlang::quo(NULL)
  weighting <- list(frequency = quo_of("frequency"), weights = quo_of("weights"),
    cluster_weights = quo_of("cluster_weights"))
  counted <- list()
  function(model) {
    cluster <- rlang::eval_tidy(quo_of("cluster"))
    variables <- paste(sort(pattern_variables(model, first, cluster, NULL, call)), collapse = " ")
    if (is.null(counted[[variables]])) {
      counted[[variables]] <<- collect_patterns(model, data, cluster, weighting, call)
    }
    dots$frequency <- rlang::quo("frequency")
    list(data = counted[[variables]], dots = dots)
  }
}

# One query: GROUP BY all variables, COUNT(*) or SUM(frequency).
count_lazily <- function(data, variables, frequency, call) {
  limit <- getOption("mlmix.max_patterns", 1e6)
  grouped <- dplyr::group_by(dplyr::ungroup(data), !!!rlang::syms(variables))
  counts <- if (is.null(frequency)) {
    list(frequency = rlang::expr(as.numeric(dplyr::n())))
  } else {
    value <- as.symbol(frequency)
    list(
      frequency = rlang::expr(sum(as.numeric(!!value), na.rm = TRUE)),
      .lowest = rlang::expr(min(!!value, na.rm = TRUE)),
      .missing = rlang::expr(sum(ifelse(is.na(!!value), 1, 0), na.rm = TRUE))
    )
  }
  query <- dplyr::summarise(grouped, !!!counts, .groups = "drop")
  counted <- plain_columns(dplyr::collect(utils::head(query, limit + 1)))
  if (nrow(counted) > limit) abort_many_patterns(variables, limit, call)
  if (!is.null(frequency)) {
    lowest <- if (all(is.na(counted$.lowest))) NA else min(counted$.lowest, na.rm = TRUE)
    check_frequency_sums(sum(counted$.missing), lowest, frequency, call)
  }
  counted[c(variables, "frequency")]
}

abort_many_patterns <- function(variables, limit, call) {
  abort_data(c(
    "The table has more than {big_number(limit)} different rows in the model's {length(variables)} variable{?s}.",
    x = "The variables: {.var {variables}}.",
    i = "Continuous variables hardly repeat: round them, leave them out, or draw a sample and {.fn dplyr::collect} it.",
    i = "{.code options(mlmix.max_patterns = )} sets the limit, if there is memory for more."
  ), call = call)
}

check_frequency_sums <- function(n_missing, lowest, frequency, call) {
  if (n_missing > 0 || is.na(lowest) || lowest < 0) {
    abort_data(c(
      "{.arg frequency} must be 0 or more in every row.",
      x = "{.var {frequency}} is {if (n_missing > 0) 'missing' else 'negative'} in some."
    ), call = call)
  }
}

# The same for a data frame: every row gets the number of its pattern.
count_here <- function(data, variables, frequency, call) {
  count <- if (is.null(frequency)) NULL else check_weight(data[[frequency]], nrow(data), "frequency", call)
  pattern <- rep(1, nrow(data))
  for (name in variables) {
    values <- unique(data[[name]])
    pattern <- (pattern - 1) * length(values) + match(data[[name]], values)
    # Numbers stay far below 2^53: where they grow they are numbered anew.
    if (max(pattern) > 1e9) pattern <- match(pattern, unique(pattern))
  }
  place <- match(pattern, unique(pattern))
  first <- which(!duplicated(pattern))
  counted <- data[first, variables, drop = FALSE]
  counted$frequency <- if (is.null(count)) as.numeric(tabulate(place, length(first))) else
    as.numeric(rowsum(count, place, reorder = TRUE))
  counted
}

# A plain data frame; drivers that send 64-bit integers bring the methods that make them numbers.
plain_columns <- function(data) {
  data <- as.data.frame(data)
  long <- vapply(data, inherits, NA, "integer64")
  data[long] <- lapply(data[long], as.numeric)
  data
}
