# Where the nodes of a path diagram stand: rows for each level, outcomes on top, classes and factors below them,
# covariates at the bottom; units above clusters.

# list(nodes, edges) with x, y, width and height of every node, in units of which a circle is about one. Clusters stand
# below units, or beside them where that uses the page better.
place_nodes <- function(nodes, edges) {
  nodes$x <- nodes$y <- NA_real_
  boxes <- nodes$kind %in% c("outcome", "covariate")
  nodes$width <- ifelse(boxes, if (sum(boxes) > 7) 1.6 else 2, 1.15)
  nodes$height <- ifelse(nodes$kind %in% c("outcome", "covariate"), 0.75, 1.15)
  nodes$row <- node_rows(nodes, edges)
  for (level in unique(nodes$level)) {
    y <- 0
    for (row in sort(unique(nodes$row[nodes$level == level]))) {
      here <- which(nodes$level == level & nodes$row == row)
      nodes$x[here] <- row_positions(nodes, edges, here)
      nodes$y[here] <- y
      y <- y - row_gap(nodes, edges, here)
    }
  }
  nodes <- place_levels(nodes)
  nodes$row <- NULL
  rownames(nodes) <- NULL
  list(nodes = nodes, edges = edges)
}

place_levels <- function(nodes) {
  within <- nodes$level == "within"
  if (all(within) || !any(within)) return(nodes)
  extent <- function(which) {
    c(min((nodes$x - nodes$width / 2)[which]), max((nodes$x + nodes$width / 2)[which]),
      min((nodes$y - nodes$height / 2)[which]), max((nodes$y + nodes$height / 2)[which]))
  }
  a <- extent(within)
  b <- extent(!within)
  below <- a[[3]] - 1.2
  beside <- a[[2]] + 1.6
  wide <- c(max(a[[2]], b[[2]]) - min(a[[1]], b[[1]]), a[[2]] - a[[1]] + b[[2]] - b[[1]] + 1.6)
  high <- c(a[[4]] - a[[3]] + b[[4]] - b[[3]] + 1.2, max(a[[4]] - a[[3]], b[[4]] - b[[3]]))
  page <- pmax(wide, page_shape * high, 7)
  if (page[[1]] <= page[[2]]) {
    nodes$y[!within] <- nodes$y[!within] + below - b[[4]]
  } else {
    nodes$x[!within] <- nodes$x[!within] + beside - b[[1]]
    nodes$y[!within] <- nodes$y[!within] + (a[[3]] + a[[4]] - b[[3]] - b[[4]]) / 2
  }
  nodes
}

# Width over height of the page a diagram is laid out for.
page_shape <- 1.45

# Rows from the top: 1 outcomes, random effects and cluster parts; 2 classes and factors; 3 covariates. A covariate with
# arrows to outcomes only stands in row 2.
node_rows <- function(nodes, edges) {
  row <- c(outcome = 1, `random effect` = 1, `cluster part` = 1, class = 2, factor = 2, covariate = 3)[nodes$kind]
  for (i in which(nodes$kind == "covariate")) {
    targets <- edges$to[edges$from == nodes$id[[i]]]
    if (all(row[match(targets, nodes$id)] == 1)) row[[i]] <- 2
  }
  unname(row)
}

# Each node under the middle of what it points to (or, at the cluster level, of what it belongs to), at least a node's
# width and a gap apart.
row_positions <- function(nodes, edges, here) {
  wanted <- vapply(here, function(i) {
    placed <- nodes$id[!is.na(nodes$x)]
    if (nodes$kind[[i]] %in% c("random effect", "cluster part")) {
      own <- owner_position(nodes, nodes$id[[i]])
      if (!is.na(own)) return(own)
    }
    near <- unique(c(edges$to[edges$from == nodes$id[[i]]], edges$from[edges$to == nodes$id[[i]]]))
    near <- intersect(near, placed)
    if (length(near) == 0) NA_real_ else mean(nodes$x[match(near, nodes$id)])
  }, 0)
  none <- is.na(wanted)
  if (all(none)) wanted <- seq_along(here) * 2.7
  wanted[none & is.na(wanted)] <- max(wanted, na.rm = TRUE) + 0.01
  spread(wanted, pmax(nodes$width[here] + label_room(nodes, edges, here), label_width(nodes, edges, here)))
}

# Room on the right of a node for the label of an arrow to a neighbour in its row.
label_room <- function(nodes, edges, here) {
  ids <- nodes$id[here]
  base <- if (length(here) > 8) 0.4 else 0.7
  vapply(ids, function(id) {
    labels <- edges$label[(edges$from == id & edges$to %in% ids) | (edges$to == id & edges$from %in% ids)]
    if (length(labels) == 0 || all(!nzchar(labels))) base else 0.9 + 0.16 * max(nchar(unlist(strsplit(labels, "\n"))))
  }, 0)
}

# Room that the labels of a node's other arrows need, which stand a third of the way along them.
label_width <- function(nodes, edges, here) {
  ids <- nodes$id[here]
  vapply(ids, function(id) {
    labels <- edges$label[edges$from == id & !edges$to %in% ids]
    if (length(labels) > 2) return(0)
    0.12 * sum(vapply(strsplit(labels, "\n"), function(lines) max(0, nchar(lines)), 0)) / 0.7
  }, 0)
}

# A random effect stands under the variable it belongs to; slopes a little to the right.
owner_position <- function(nodes, id) {
  stem <- sub("^[a-z]+:", "", sub("@.*$", "", id))
  keys <- sub("^[a-z]+:", "", nodes$id)
  candidates <- which(!is.na(nodes$x) & nodes$level == "within" &
    (keys == stem | keys == sub("#.*$", "", stem) | startsWith(stem, paste0(keys, "."))))
  if (length(candidates) == 0) return(NA_real_)
  at <- candidates[which.max(nchar(keys[candidates]))]
  nodes$x[[at]] + (if (keys[[at]] == stem) 0 else 0.01 * (1 + nchar(stem)))
}

# Positions as near to those wanted as their sizes allow, in that order, around the same middle.
spread <- function(wanted, size) {
  order <- order(wanted)
  x <- wanted[order]
  size <- size[order]
  for (i in seq_along(x)[-1]) x[[i]] <- max(x[[i]], x[[i - 1]] + (size[[i]] + size[[i - 1]]) / 2)
  x <- x - mean(x) + mean(wanted)
  out <- numeric(length(x))
  out[order] <- x
  out
}

# Room below a row for the labels of the arrows from the next one, and for arrows that fan out not to be flat.
row_gap <- function(nodes, edges, here) {
  into <- edges$to %in% nodes$id[here] & !edges$from %in% nodes$id[here]
  lines <- if (any(into)) max(lengths(strsplit(edges$label[into], "\n")), 1) else 1
  ids <- nodes$id[here]
  arcs <- sum(edges$from %in% ids & edges$to %in% ids) > length(ids) - 1 ||
    any(vapply(which(edges$from %in% ids & edges$to %in% ids), function(e) {
      ends <- nodes$x[match(c(edges$from[[e]], edges$to[[e]]), nodes$id)]
      any(nodes$x[here] > min(ends) + 0.01 & nodes$x[here] < max(ends) - 0.01)
    }, TRUE))
  span <- if (any(into)) diff(range(nodes$x[here])) else 0
  1.9 + 0.28 * max(0, lines - 1) + 0.1 * max(0, span - 6) + 0.7 * arcs
}
