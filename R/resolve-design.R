# Covariates: from the expressions of a formula to numeric columns, and again for new data.

# A store collects columns (name -> numeric vector) and the designs that made them.
new_store <- function(data, cluster) {
  store <- new.env(parent = emptyenv())
  store$data <- data
  store$cluster <- cluster # integer from 1, or NULL
  store$columns <- list()
  store$designs <- list()
  store$made <- list() # designs with their matrices, and what was asked for
  store
}

# Adds a column, reusing one of the same label and values; returns its name.
store_column <- function(store, label, values) {
  name <- label
  while (!is.null(store$columns[[name]])) {
    # an outcome of whole numbers may be of type integer
    if (identical(as.double(store$columns[[name]]), as.double(values))) {
      return(name)
    }
    name <- paste(name, "(predictor)")
  }
  store$columns[[name]] <- values
  name
}

# Expands the terms of a plan to rows {latents, label, column, sets, covariates}: one per numeric column; the
# constant has label and column NULL. Contrasts follow model.matrix() among terms with the same latents.
design_rows <- function(terms, plan, store, what, level, call) {
  keys <- vapply(terms, function(term) paste(term$latents, collapse = ":"), "")
  rows <- vector("list", length(terms))
  for (key in unique(keys)) {
    which <- which(keys == key)
    rows[which] <- expand_products(terms[which], plan, store, what, level, call)
  }
  unlist(rows, recursive = FALSE)
}

expand_products <- function(terms, plan, store, what, level, call) {
  constant <- lengths(lapply(terms, `[[`, "covariates")) == 0
  rows <- lapply(terms, function(term) list())
  rows[constant] <- lapply(terms[constant], function(term) {
    list(c(term, list(label = NULL, column = NULL)))
  })
  if (all(constant)) {
    return(rows)
  }
  products <- lapply(terms[!constant], `[[`, "covariates")
  # Equations often have the same predictors, in their random part too.
  asked <- list(products, any(constant), plan$env)
  known <- Position(function(made) identical(made$asked, asked), store$made)
  if (is.na(known)) {
    known <- length(store$made) + 1L
    design <- build_design(products, any(constant), plan, store$data, what, call)
    store$made[[known]] <- list(asked = asked, design = design)
  }
  design <- store$made[[known]]$design
  design$columns <- character(length(design$labels))
  for (j in seq_along(design$labels)) {
    label <- design$labels[[j]]
    values <- design$matrix[, j]
    if (level == "between") {
      check_constant(values, store$cluster, label, what, call)
    }
    column <- store_column(store, label, values)
    design$columns[[j]] <- column
    t <- which(!constant)[design$product[[j]]]
    rows[[t]] <- c(rows[[t]], list(c(terms[[t]], list(label = label, column = column))))
  }
  design$matrix <- NULL
  store$designs <- c(store$designs, list(design))
  rows
}

build_design <- function(products, intercept, plan, data, what, call) {
  calls <- lapply(products, function(labels) Reduce(function(a, b) base::call(":", a, b), unname(plan$exprs[labels])))
  rhs <- Reduce(function(a, b) base::call("+", a, b), c(list(if (intercept) 1 else 0), calls))
  formula <- stats::as.formula(base::call("~", rhs), env = plan$env)
  terms <- stats::terms(formula, keep.order = TRUE)
  built <- tryCatch({
    frame <- stats::model.frame(terms, data, na.action = stats::na.pass, drop.unused.levels = TRUE)
    list(terms = attr(frame, "terms"), matrix = stats::model.matrix(attr(frame, "terms"), frame), frame = frame)
  }, error = function(e) {
    abort_data(c(
      "The predictors of {what} cannot be computed.",
      x = "{conditionMessage(e)}"
    ), call = call)
  })
  keep <- attr(built$matrix, "assign") > 0
  matrix <- unname(built$matrix[, keep, drop = FALSE])
  labels <- colnames(built$matrix)[keep]
  if (!all(is.finite(matrix))) {
    bad <- labels[colSums(!is.finite(matrix)) > 0]
    abort_data(c(
      "The predictor {.code {bad[[1]]}} of {what} has values that are not finite numbers.",
      i = "A transformation such as {.fn log} of 0 gives them. Change the data or the formula."
    ), call = call)
  }
  categorical <- any(vapply(built$frame, function(x) is.factor(x) || is.character(x), TRUE))
  list(
    terms = built$terms,
    xlevels = if (categorical) stats::.getXlevels(built$terms, built$frame) else stats::setNames(list(), character(0)),
    contrasts = attr(built$matrix, "contrasts"), product = attr(built$matrix, "assign")[keep],
    labels = labels, matrix = matrix, variables = intersect(all.vars(terms), names(data))
  )
}

# Predictors that are nearly constant beside their mean, such as calendar years: an intercept is then a value far from
# the data, hardly told from the slope, and random starts seldom find the classes.
inform_far <- function(store) {
  names <- unique(unlist(lapply(store$designs, `[[`, "columns")))
  spread <- vapply(store$columns[names], stats::sd, 0)
  middle <- vapply(store$columns[names], mean, 0)
  constant <- names[!is.na(spread) & spread == 0]
  if (length(constant) > 0) {
    inform_data(c(
      i = "{.var {constant}}: one value only, so that its effect cannot be told from the intercept. Leave it out."
    ))
  }
  far <- which(is.finite(spread) & spread > 0 & abs(middle) > 50 * spread)
  if (length(far) == 0) return(invisible())
  first <- far[[1]]
  about <- signif(middle[[first]], 1 + max(0, ceiling(log10(abs(middle[[first]]) / spread[[first]]))))
  inform_data(c(
    i = "{.var {names[far]}}: values far from 0 for their spread, so that intercepts and classes are hard to find.",
    i = "Centre them: {.code I({names[[first]]} - {format(about, scientific = FALSE)})}."
  ))
}

check_constant <- function(values, cluster, label, what, call) {
  if (varies_within(values, cluster)) {
    abort_data(c(
      "{.var {label}} varies within clusters, but {what} is at the between level.",
      x = "One cluster has the values {.val {first_varying(values, cluster)}}.",
      i = "A between equation takes only what is constant within clusters; take for instance cluster means."
    ), call = call)
  }
}

# Up to three different values of the first cluster that has several.
first_varying <- function(values, cluster) {
  several <- Filter(function(one) length(unique(one[!is.na(one)])) > 1, split(values, cluster))
  signif(utils::head(unique(several[[1]]), 3), 4)
}

varies_within <- function(values, cluster) {
  observed <- !is.na(values)
  values <- values[observed]
  cluster <- cluster[observed]
  first <- values[match(cluster, cluster)]
  any(abs(values - first) > 1e-8 * pmax(1, abs(first)))
}

# The covariate columns of a resolved model for new data: same names, bases, levels and contrasts.
new_columns <- function(resolved, newdata) {
  columns <- list()
  for (design in resolved$designs) {
    frame <- stats::model.frame(design$terms, newdata, na.action = stats::na.pass, xlev = design$xlevels)
    matrix <- stats::model.matrix(design$terms, frame, contrasts.arg = design$contrasts)
    columns[design$columns] <- lapply(match(design$labels, colnames(matrix)), function(j) unname(matrix[, j]))
  }
  columns
}
