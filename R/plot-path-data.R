# The path diagram's content: which nodes and arrows a specification has, and the estimates on them.
#
# Within a level, arrows are the terms of the predictors. What crosses from clusters to units (a class variable, factor
# or covariate of clusters in the equation of a unit's variable) ends, as in Mplus, at a circle at the cluster level
# which stands for the part of that variable that varies over clusters; a dot marks the variable at the unit level.
#
# Nodes have keys: "outcome:y", "class:c", "latent:f", "covariate:x", "part:y" (the cluster part of y). Effects are rows
# {from, to, kind, part, name, estimate}: `part` is the class pattern or logit, `name` the parameter.

path_data <- function(fit, level, call, digits = 2) {
  digits <- check_count(digits, "digits", min = 0, call = call)
  theta <- fit$parameters$estimate
  effects <- path_effects(fit, theta)
  nodes <- path_nodes(fit, effects)
  groups <- path_groups(fit, nodes, effects)
  nodes <- collapse_nodes(nodes, groups, digits)
  nodes <- mark_inner_covariances(nodes, effects, groups)
  effects$from <- groups$id[match(effects$from, groups$key)]
  effects$to <- groups$id[match(effects$to, groups$key)]
  edges <- path_edges(effects, digits)
  varying <- sub("^part:", "", sub("#[0-9]+$", "", nodes$id[nodes$kind == "cluster part"]))
  nodes$random <- nodes$id %in% c(effects$to[effects$kind == "random"], paste0("outcome:", varying),
    paste0("class:", varying))
  place_nodes(nodes, edges)
}

# All terms of all equations as effects.
path_effects <- function(fit, theta) {
  spec <- fit$spec
  classes <- fit_classes(fit)
  sources <- column_sources(fit)
  node_of <- covariate_keys(fit, sources)
  levels <- path_levels(fit, node_of)
  equations <- c(
    lapply(spec$outcomes, function(o) list(key = paste0("outcome:", o$name), level = o$level, predictors = o$predictors,
      parts = predictor_names(fit, o))),
    lapply(spec$latents, function(l) list(key = paste0("latent:", l$name), level = l$level,
      predictors = list(l$predictor), parts = "")),
    lapply(spec$classes, function(c) list(key = paste0("class:", c$name), level = c$level, predictors = c$logits,
      parts = if (length(c$logits) > 1) paste0(c$name, "=", seq_along(c$logits)) else ""))
  )
  rows <- lapply(equations, function(equation) {
    lapply(seq_along(equation$predictors), function(p) {
      terms <- equation$predictors[[p]]$terms
      lapply(terms, term_effects, target = equation, part = equation$parts[[p]], fit = fit, theta = theta,
        node_of = node_of, levels = levels, classes = classes)
    })
  })
  out <- bind_rows(c(
    unlist(unlist(rows, recursive = FALSE), recursive = FALSE),
    list(class_mean_effects(fit, theta, classes, levels)), list(covariance_effects(fit, theta))
  ))
  if (nrow(out) == 0) empty_effects() else out
}

# What the predictors of an outcome with several are of: categories, or the extra zeros.
predictor_names <- function(fit, outcome) {
  n <- length(outcome$predictors)
  if (n == 1) return("")
  if (is_categorical(outcome)) category_labels_of(fit, outcome)[seq_len(n)] else c("", "zero")
}

empty_effects <- function() {
  none <- character(0)
  new_effects(none, none, none, none, none, numeric(0))
}

new_effects <- function(from, to, kind, part, name, estimate) {
  data.frame(from = from, to = to, kind = kind, part = part, name = name, estimate = estimate, stringsAsFactors = FALSE)
}

# One term. Intercepts that differ by class are drawn by class_mean_effects(), except those of class logits and latents.
term_effects <- function(term, target, part, fit, theta, node_of, levels, classes) {
  latents <- unlist(term$latents)
  values <- coefficient_table(term$coefficient, fit, theta, classes)
  by <- unlist(term$coefficient$by)
  to <- function(from) if (crosses(from, target, levels)) part_key(target, part) else target$key
  effect <- function(from, kind) {
    new_effects(from, to(from), kind, join_parts(part, values$pattern), values$name, values$estimate)
  }
  by_keys <- paste0("class:", by, recycle0 = TRUE)
  if (length(latents) == 0 && is.null(term$covariate)) {
    if (length(by) == 0 || startsWith(target$key, "outcome:")) return(NULL)
    kind <- if (startsWith(target$key, "class:")) "transition" else "class"
    return(bind_rows(lapply(by_keys, effect, kind = kind)))
  }
  random <- latents[grepl("@", latents, fixed = TRUE)]
  others <- c(if (!is.null(term$covariate)) node_of[[term$covariate]],
    paste0("latent:", setdiff(latents, random), recycle0 = TRUE))
  is_unit <- isTRUE(all.equal(term$coefficient[["constant"]], 1, check.attributes = FALSE))
  none <- rep(NA_real_, length(others))
  if (length(random) == 1 && target$level == "within" && is_unit) {
    if (length(others) == 0) return(new_effects(paste0("latent:", random), target$key, "random", "", NA, NA_real_))
    return(new_effects(others, vapply(others, to, ""), "slope", "", NA_character_, none))
  }
  # A slope that differs by a class of clusters varies over clusters.
  varies <- length(others) == 1 && !crosses(others, target, levels)
  if (length(by) > 0 && varies && all(vapply(by_keys, crosses, TRUE, target, levels))) {
    slope <- paste0(part_key(target, part), ".", sub("^[a-z]+:", "", others))
    return(rbind(
      bind_rows(lapply(by_keys, function(from) {
        new_effects(from, slope, "class", values$pattern, values$name, values$estimate)
      })),
      new_effects(others, to(others), "slope", "", NA_character_, NA_real_)
    ))
  }
  modifies <- bind_rows(lapply(by_keys, function(from) {
    new_effects(from, to(from), "modifies", "", NA_character_, NA_real_)
  }))
  from <- c(others, paste0("latent:", random, recycle0 = TRUE))
  rbind(bind_rows(lapply(from, effect, kind = "regression")), modifies)
}

# The cluster part of an outcome, or of one logit of a class variable.
part_key <- function(target, part) {
  name <- sub("^[a-z]+:", "", target$key)
  if (!startsWith(target$key, "class:")) return(paste0("part:", name))
  paste0("part:", name, "#", if (nzchar(part)) sub("^.*=", "", part) else 1)
}

join_parts <- function(part, pattern) {
  paste0(part, ifelse(nzchar(part) & nzchar(pattern), ", ", ""), pattern)
}

# The class patterns, parameter names and estimates of a coefficient.
coefficient_table <- function(coefficient, fit, theta, classes) {
  if (!is.null(coefficient[["constant"]])) {
    return(list(pattern = "", name = NA_character_, estimate = as.numeric(coefficient[["constant"]])))
  }
  index <- unlist(coefficient[["parameters"]] %||% coefficient[["parameter"]]) + 1
  by <- unlist(coefficient$by)
  list(
    pattern = if (length(by) == 0) "" else fit_pattern_labels(fit_patterns(classes[by])),
    name = fit$parameters$name[index], estimate = theta[index]
  )
}

# From class variables to outcomes: the mean, or the probability of a binary outcome, in each class where covariates and
# latent variables are 0.
class_mean_effects <- function(fit, theta, classes, levels) {
  bind_rows(lapply(fit$spec$outcomes, function(outcome) {
    by <- depends_on(outcome$predictors, if (is_categorical(outcome)) outcome$auxiliary else list(), classes)
    if (length(by) == 0) return(NULL)
    patterns <- fit_patterns(classes[by])
    single <- outcome$family$type != "nominal"
    values <- vapply(seq_len(nrow(patterns)), function(r) {
      pattern <- complete_pattern(as.list(patterns[r, , drop = FALSE]), classes)
      if (!single) return(NA_real_)
      if (!is_categorical(outcome)) return(reference_mean(outcome, theta, pattern, classes))
      p <- category_probabilities(outcome, theta, pattern, classes)
      if (length(p) == 2) p[[2]] else sum(p * seq_along(p))
    }, 0)
    target <- list(key = paste0("outcome:", outcome$name), level = outcome$level)
    bind_rows(lapply(by, function(name) {
      from <- paste0("class:", name)
      to <- if (crosses(from, target, levels)) paste0("part:", outcome$name) else target$key
      new_effects(from, to, "class", fit_pattern_labels(patterns), NA_character_, values)
    }))
  }))
}

covariance_effects <- function(fit, theta) {
  latents <- vapply(fit$spec$latents, function(l) l$name, "")
  classes <- fit_classes(fit)
  key <- function(name) paste0(if (name %in% latents) "latent:" else "outcome:", name)
  bind_rows(lapply(fit$spec$covariances, function(pair) {
    values <- coefficient_table(pair$value, fit, theta, classes)
    new_effects(key(pair$a), key(pair$b), "covariance", values$pattern, values$name, values$estimate)
  }))
}

# Whether an effect goes from the cluster level to a variable of units.
crosses <- function(from, target, levels) target$level == "within" && identical(levels[[from]], "between")

# The node of every covariate column: all columns from the same variables share one.
covariate_keys <- function(fit, sources) {
  used <- unique(unlist(lapply(
    c(unlist(lapply(fit$spec$outcomes, function(o) o$predictors), recursive = FALSE),
      unlist(lapply(fit$spec$classes, function(c) c$logits), recursive = FALSE),
      lapply(fit$spec$latents, function(l) l$predictor)),
    function(p) lapply(p$terms, function(term) term$covariate)
  )))
  names <- vapply(used, function(column) {
    variables <- sources$variables[sources$column == column]
    if (length(variables) == 0) column else paste(variables[[1]], collapse = ":")
  }, "")
  stats::setNames(as.list(paste0("covariate:", as.character(names), recycle0 = TRUE)), used)
}

# The level of everything that has one; a covariate is of clusters if none of its columns varies within them.
path_levels <- function(fit, node_of) {
  cluster <- fit$data$cluster
  keys <- vapply(node_of, identity, "")
  columns_of <- if (length(keys) > 0) split(names(node_of), keys) else list()
  covariates <- lapply(columns_of, function(columns) {
    varies <- is.null(cluster) || any(vapply(fit$data$columns[columns], varies_within, TRUE, cluster = cluster + 1L))
    if (varies) "within" else "between"
  })
  named <- function(parts, prefix) {
    stats::setNames(lapply(parts, function(part) part$level), paste0(prefix,
      vapply(parts, function(part) part$name, ""), recycle0 = TRUE))
  }
  c(named(fit$spec$outcomes, "outcome:"), named(fit$spec$classes, "class:"), named(fit$spec$latents, "latent:"),
    covariates)
}

# One node for each outcome, class variable, latent variable, covariate and cluster part.
path_nodes <- function(fit, effects) {
  spec <- fit$spec
  theta <- fit$parameters$estimate
  classes <- fit_classes(fit)
  levels <- path_levels(fit, covariate_keys(fit, column_sources(fit)))
  node <- function(key, kind, level, label, low = NA_real_, high = NA_real_, text = "") {
    data.frame(key = key, kind = kind, level = level, label = label, low = low, high = high, text = text,
      stringsAsFactors = FALSE)
  }
  range_of <- function(coefficient) range(coefficient_table(coefficient, fit, theta, classes)$estimate)
  outcomes <- lapply(spec$outcomes, function(o) {
    v <- if (has_residual_variance(o$family$type)) range_of(o$auxiliary[[1]]) else c(NA_real_, NA_real_)
    node(paste0("outcome:", o$name), "outcome", o$level, o$name, v[[1]], v[[2]])
  })
  latents <- lapply(spec$latents, function(l) {
    v <- range_of(l$variance)
    random <- grepl("@", l$name, fixed = TRUE)
    node(paste0("latent:", l$name), if (random) "random effect" else "factor", l$level, sub("@.*$", "", l$name),
      v[[1]], v[[2]])
  })
  sizes <- class_sizes(fit)
  class_nodes <- lapply(spec$classes, function(cl) {
    share <- sizes$proportion[sizes$variable == cl$name]
    text <- if (length(share) > 3) plural(length(share), "class", "classes") else
      paste0(paste(round(100 * share), collapse = "/"), " %")
    node(paste0("class:", cl$name), "class", cl$level, cl$name, text = text)
  })
  keys <- unique(c(effects$from, effects$to))
  covariates <- lapply(keys[startsWith(keys, "covariate:")], function(key) {
    node(key, "covariate", levels[[key]], sub("^covariate:", "", key))
  })
  # The cluster part of a variable is its random intercept, where it has one.
  parts <- lapply(keys[startsWith(keys, "part:")], function(key) {
    node(key, "cluster part", "between", sub("^part:", "", key))
  })
  bind_rows(c(outcomes, latents, class_nodes, covariates, parts))
}

# Which nodes share one place: outcomes of one family with arrows from the same places, and so the random effects and
# cluster parts of such outcomes. data.frame(key, id).
path_groups <- function(fit, nodes, effects) {
  family <- vapply(fit$spec$outcomes, function(o) paste(o$family$type, o$level), "")
  names <- vapply(fit$spec$outcomes, function(o) o$name, "")
  # A cluster part merges into the random intercept of the same variable.
  merged <- nodes$key
  for (i in which(nodes$kind == "cluster part")) {
    name <- nodes$label[[i]]
    own <- paste0("latent:", name, "@", fit$data$cluster_name)
    if (own %in% nodes$key) merged[[i]] <- own
  }
  # Logits of a class variable that vary over clusters only through the same predictors share a circle.
  parts <- nodes$kind == "cluster part" & merged == nodes$key & grepl("#", nodes$key, fixed = TRUE)
  merged[parts] <- sub("#.*$", "", nodes$key[parts])
  signature <- vapply(names, function(name) {
    key <- paste0("outcome:", name)
    into <- effects[effects$to %in% c(key, paste0("part:", name)) & !effects$kind %in% c("random", "covariance"), ,
      drop = FALSE]
    partners <- sum(effects$kind == "covariance" & (effects$from == key | effects$to == key))
    random <- effects$from[effects$to == key & effects$kind == "random"]
    shared <- vapply(random, function(r) sum(effects$from == r & effects$kind == "random") > 1, TRUE)
    paste(sort(unique(c(paste(into$from, into$kind), random[shared], sub(name, "", random[!shared], fixed = TRUE)))),
      partners, collapse = "|")
  }, "")
  signature <- paste(family, signature)
  least <- if (length(names) > 8) 2 else if (length(names) > 5) 3 else 4
  group <- stats::setNames(names, names)
  for (s in unique(signature)) {
    members <- names[signature == s]
    runs <- split_runs(members, names)
    for (run in runs) if (length(run) >= least) group[run] <- run[[1]]
  }
  id <- merged
  for (i in seq_along(nodes$key)) {
    key <- merged[[i]]
    name <- sub("^[a-z]+:", "", key)
    target <- target_of(name, names, fit)
    if (!is.null(target) && group[[target]] != target) {
      id[[i]] <- sub(target, group[[target]], key, fixed = TRUE)
      if (!id[[i]] %in% merged) id[[i]] <- key
    }
  }
  data.frame(key = nodes$key, id = id, stringsAsFactors = FALSE)
}

# Members that stand next to one another among all names, so that a box is one range.
split_runs <- function(members, names) {
  place <- match(members, names)
  split(members, cumsum(c(0, diff(place) != 1)))
}

# The outcome that a node belongs to: itself, or the one whose random effect or cluster part it is.
target_of <- function(name, outcomes, fit) {
  if (name %in% outcomes) return(name)
  latent <- fit$data$latents
  target <- latent$target[latent$name == name]
  if (length(target) == 1 && target %in% outcomes) target
}

collapse_nodes <- function(nodes, groups, digits) {
  nodes$id <- groups$id
  bind_rows(lapply(unique(nodes$id), function(id) {
    part <- nodes[nodes$id == id, , drop = FALSE]
    own <- part[part$kind != "cluster part", , drop = FALSE]
    if (nrow(own) > 0) part <- own
    variance <- if (all(is.na(part$low))) "" else paste0("var ", number_range(c(part$low, part$high), digits))
    data.frame(
      id = id, label = node_label(part), detail = if (nzchar(variance)) variance else part$text[[1]],
      kind = part$kind[[1]], level = part$level[[1]], members = nrow(part), stringsAsFactors = FALSE
    )
  }))
}

# Covariances among the members of a box have no arrow; the box says that there are some.
mark_inner_covariances <- function(nodes, effects, groups) {
  pairs <- effects[effects$kind == "covariance", , drop = FALSE]
  from <- groups$id[match(pairs$from, groups$key)]
  inside <- nodes$id %in% from[from == groups$id[match(pairs$to, groups$key)]]
  nodes$detail[inside] <- paste0(nodes$detail[inside], "; covary")
  nodes
}

# Logits of a class variable in one circle go by its name.
node_label <- function(part) {
  logits <- part$kind[[1]] == "cluster part" && grepl("#", part$label[[1]], fixed = TRUE)
  if (logits) sub("#.*$", "", part$label[[1]]) else compress_names(part$label)
}

number_range <- function(x, digits) {
  text <- formatC(range(x), format = "f", digits = digits)
  text <- sub("^-(0(\\.0*)?)$", "\\1", text)
  if (text[[1]] == text[[2]]) text[[1]] else paste(text, collapse = " to ")
}

# Effects with the same ends become one arrow with a label.
path_edges <- function(effects, digits) {
  effects <- effects[effects$kind != "random" & !is.na(effects$from) & !is.na(effects$to), , drop = FALSE]
  inside <- effects$from == effects$to
  effects <- effects[!inside, , drop = FALSE]
  key <- paste(effects$from, effects$to, effects$kind == "covariance", sep = "\r")
  edges <- lapply(unique(key), function(k) {
    rows <- effects[key == k, , drop = FALSE]
    valued <- rows[!rows$kind %in% c("modifies", "slope"), , drop = FALSE]
    kind <- if (nrow(valued) > 0) valued$kind[[1]] else if (all(rows$kind == "slope")) "regression" else "modifies"
    list(
      row = data.frame(
        from = rows$from[[1]], to = rows$to[[1]], kind = kind, label = edge_label(valued, kind, digits),
        random = any(rows$kind == "slope"), stringsAsFactors = FALSE
      ),
      estimates = stats::setNames(valued$estimate, ifelse(is.na(valued$name), valued$part, valued$name))
    )
  })
  out <- bind_rows(lapply(edges, function(edge) edge$row))
  if (nrow(out) == 0) {
    out <- data.frame(from = character(), to = character(), kind = character(), label = character(), random = logical())
  }
  out$estimates <- lapply(edges, function(edge) edge$estimates)
  thin_labels(out)
}

# In long chains of class variables estimates that are equal are shown once, and transitions without numbers.
thin_labels <- function(edges) {
  transition <- edges$kind == "transition"
  if (sum(transition) <= 5) return(edges)
  edges$label[transition & grepl("\n", edges$label)] <- ""
  same <- vapply(edges$estimates, function(x) paste(signif(unname(x), 6), collapse = " "), "")
  edges$label[edges$kind == "class" & duplicated(same)] <- ""
  edges
}

# The estimates of an arrow in at most four lines: one for each class pattern or logit, else their range. Between two
# class variables the difference of the logits, if the first has two classes; of more, but equally many, the
# probabilities of staying in the same class where covariates and random effects are 0; otherwise no number, since
# transitions() has them.
edge_label <- function(rows, kind, digits) {
  rows <- rows[!is.na(rows$estimate), , drop = FALSE]
  if (nrow(rows) == 0) return("")
  parts <- unique(rows$part)
  # Means by several class variables together belong to no arrow alone.
  if (kind == "class" && any(grepl(",", parts, fixed = TRUE))) return("")
  if (kind == "transition") {
    if (nrow(rows) == 2) return(number_range(rows$estimate[[1]] - rows$estimate[[2]], digits))
    return(difference_label(rows, digits) %||% stay_label(rows, digits))
  }
  if (length(parts) == 1) return(number_range(rows$estimate, digits))
  if (length(parts) > 4) return(number_range(rows$estimate, digits))
  lines <- vapply(parts, function(part) number_range(rows$estimate[rows$part == part], digits), "")
  paste(paste0(parts, ": ", lines), collapse = "\n")
}

# Of several logits that each differ between two classes: the difference of each.
difference_label <- function(rows, digits) {
  logit <- ifelse(grepl(", ", rows$part, fixed = TRUE), sub(", .*$", "", rows$part), "")
  if (any(!nzchar(logit)) || any(table(logit) != 2) || length(unique(logit)) > 4) return(NULL)
  by_logit <- split(rows$estimate, factor(logit, unique(logit)))
  lines <- vapply(by_logit, function(x) number_range(x[[1]] - x[[2]], digits), "")
  paste0(names(lines), ": ", lines, collapse = "\n")
}

stay_label <- function(rows, digits) {
  logit <- sub(",.*$", "", rows$part)
  pattern <- sub("^[^,]*, ", "", rows$part)
  if (any(grepl(",", pattern, fixed = TRUE)) || any(logit == pattern)) return("")
  k <- length(unique(pattern))
  if (k != length(unique(logit)) + 1 || nrow(rows) != k * (k - 1) || k > 5) return("")
  table <- matrix(rows$estimate, k) # a column for each logit
  stay <- vapply(seq_len(k), function(from) softmax(c(table[from, ], 0))[[from]], 0)
  paste(c("stay:", formatC(stay, format = "f", digits = digits)), collapse = "\n")
}
