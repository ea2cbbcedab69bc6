# The path diagram drawn: rectangles, circles, frames, arrows and labels (Asparouhov and Muthen 2006, figure 1).

plot_path <- function(data, level) {
  nodes <- data$nodes
  edges <- edge_lines(data$edges, nodes)
  left <- min(nodes$x - nodes$width / 2) - 0.4
  right <- max(nodes$x + nodes$width / 2) + 0.4
  # Text is sized for a page of about seven by five inches, whose shape the plot gets.
  wide <- max(right - left, page_shape * (max(nodes$y) - min(nodes$y) + 1.6), 7)
  sides <- c(left, right) + c(-1, 1) * (wide - (right - left)) / 2
  inch <- 6.8 / wide
  two <- length(unique(nodes$level)) > 1
  boxes <- nodes[nodes$kind %in% c("outcome", "covariate"), , drop = FALSE]
  round <- nodes[!nodes$kind %in% c("outcome", "covariate"), , drop = FALSE]
  frames <- nodes[nodes$kind == "class", , drop = FALSE]
  labels <- edges[nzchar(edges$label), , drop = FALSE]
  dots <- path_dots(nodes, edges)
  divide <- if (two) path_divide(nodes, left, right)
  plot <- ggplot2::ggplot() +
    (if (two) ggplot2::geom_segment(ggplot2::aes(x = .data$x, y = .data$y, xend = .data$xend, yend = .data$yend),
      divide$line, colour = "grey60", linetype = "42")) +
    edge_layers(edges) +
    ggplot2::geom_polygon(
      ggplot2::aes(x = .data$x, y = .data$y, group = .data$id, fill = .data$kind), circle_shapes(round),
      colour = "black", linewidth = 0.4
    ) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$x - .data$width / 2, xmax = .data$x + .data$width / 2,
      ymin = .data$y - .data$height / 2, ymax = .data$y + .data$height / 2, fill = .data$kind), boxes, colour = "black",
      linewidth = 0.4) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$x - .data$width / 2 - 0.1, xmax = .data$x + .data$width / 2 + 0.1,
      ymin = .data$y - .data$height / 2 - 0.1, ymax = .data$y + .data$height / 2 + 0.1), frames, colour = "black",
      fill = NA, linetype = "22", linewidth = 0.4) +
    ggplot2::geom_point(ggplot2::aes(x = .data$x, y = .data$y), dots, size = 2.4) +
    ggplot2::geom_label(ggplot2::aes(x = .data$label_x, y = .data$label_y, label = .data$label), labels,
      size = 3.1 * min(1, sqrt(inch / 0.7)), label.size = 0, label.padding = ggplot2::unit(0.08, "lines"),
      lineheight = 0.9, fill = "white", alpha = 0.85) +
    node_texts(nodes, inch)
  plot +
    (if (two) ggplot2::geom_text(ggplot2::aes(x = .data$x, y = .data$y, label = .data$text), divide$words,
      hjust = divide$hjust, size = 3.2, fontface = "italic", colour = "grey30")) +
    ggplot2::scale_fill_manual(values = c(
      outcome = "white", covariate = "grey92", class = "#DCEBF7", factor = "#FBE9D9", `random effect` = "#E3F3EC",
      `cluster part` = "#E3F3EC"
    ), guide = "none") +
    ggplot2::coord_fixed(xlim = sides, clip = "off") +
    ggplot2::labs(title = "Path diagram", caption = wrap_text(path_caption(data), 95)) +
    ggplot2::theme_void(base_size = 12) +
    ggplot2::theme(plot.title = ggplot2::element_text(face = "bold"), plot.title.position = "plot",
      plot.caption = ggplot2::element_text(hjust = 0, colour = "grey30", size = 8.5), plot.caption.position = "plot",
      plot.margin = ggplot2::margin(6, 6, 6, 6))
}

path_caption <- function(data) {
  kinds <- data$edges$kind
  has_class <- any(kinds == "class" & grepl("^outcome:|^part:", data$edges$to) & nzchar(data$edges$label))
  many <- any(data$nodes$members > 1)
  paste0(
    "Rectangles: observed; circles: latent; broken frames: latent classes.",
    if (has_class) " From classes to outcomes: means, or probabilities of binary outcomes.",
    if (any(kinds == "transition" & nzchar(data$edges$label))) " Between class variables: difference of the logits.",
    if (sum(kinds == "transition") > 5) " Equal estimates are shown once.",
    if (many) " A range is over the outcomes of a box.",
    if (any(data$nodes$random, data$edges$random)) " Dots: random effects, which are the circles of the clusters."
  )
}

# Ends of arrows at the border of their nodes, and where their labels stand. Covariances and arrows between nodes of one
# row with others between them are arcs; other arrows bend where a node is in their way.
edge_lines <- function(edges, nodes) {
  from <- match(edges$from, nodes$id)
  to <- match(edges$to, nodes$id)
  up <- nodes$y[from] != nodes$y[to]
  ends <- lapply(seq_len(nrow(edges)), function(e) {
    a <- nodes[from[[e]], ]
    b <- nodes[to[[e]], ]
    blocking <- nodes[blocks(nodes, a, b), , drop = FALSE]
    if (!up[[e]] && (edges$kind[[e]] == "covariance" || nrow(blocking) > 0)) {
      return(arc_edge(a, b, below = any(nodes$level == a$level & nodes$y > a$y + 0.01)))
    }
    if (nrow(blocking) > 0) return(bent_edge(a, b, blocking[1, ]))
    start <- border(a, b$x, b$y)
    end <- border(b, a$x, a$y)
    # Near the end where fewer arrows meet.
    fan <- sum(from == from[[e]] & up) > sum(to == to[[e]] & up)
    list(path = rbind(start, end), label = start + (if (!up[[e]]) 0.5 else if (fan) 0.7 else 0.38) * (end - start))
  })
  edges$path <- lapply(ends, function(end) end$path)
  edges$label_x <- vapply(ends, function(end) end$label[[1]], 0)
  edges$label_y <- vapply(ends, function(end) end$label[[2]], 0)
  edges
}

# Which other nodes the straight line between two nodes passes through.
blocks <- function(nodes, a, b) {
  length2 <- (b$x - a$x)^2 + (b$y - a$y)^2
  t <- pmin(1, pmax(0, ((nodes$x - a$x) * (b$x - a$x) + (nodes$y - a$y) * (b$y - a$y)) / max(length2, 1e-9)))
  x <- abs(a$x + t * (b$x - a$x) - nodes$x)
  y <- abs(a$y + t * (b$y - a$y) - nodes$y)
  nodes$id != a$id & nodes$id != b$id & x < nodes$width / 2 & y < nodes$height / 2
}

# Where the line from the middle of a node towards (x, y) leaves it.
border <- function(node, x, y) {
  dx <- x - node$x
  dy <- y - node$y
  frame <- if (node$kind == "class") 0.1 else 0
  half <- c(node$width, node$height) / 2 + frame
  if (node$kind %in% c("outcome", "covariate", "class")) {
    t <- min(half[[1]] / max(abs(dx), 1e-9), half[[2]] / max(abs(dy), 1e-9))
  } else {
    t <- half[[1]] / sqrt(dx^2 + dy^2)
  }
  c(node$x + t * dx, node$y + t * dy)
}

# An arc over two nodes of one row, or under them where other nodes are above.
arc_edge <- function(a, b, below) {
  side <- if (below) -1 else 1
  height <- min(0.35 + 0.14 * abs(b$x - a$x), 0.9)
  middle <- c((a$x + b$x) / 2, a$y + side * (max(a$height, b$height) / 2 + 2 * height))
  start <- border(a, a$x + 0.35 * (middle[[1]] - a$x), middle[[2]])
  end <- border(b, b$x + 0.35 * (middle[[1]] - b$x), middle[[2]])
  curve_through(start, middle, end)
}

# A curve that passes a node on the side where it is nearer to the straight line.
bent_edge <- function(a, b, node) {
  t <- (node$y - a$y) / (b$y - a$y)
  side <- if (a$x + t * (b$x - a$x) >= node$x) 1 else -1
  aside <- node$x + side * (node$width / 2 + 0.35)
  middle <- c(2 * aside - (a$x + b$x) / 2, (a$y + b$y) / 2)
  curve_through(border(a, middle[[1]], middle[[2]]), middle, border(b, middle[[1]], middle[[2]]))
}

# A quadratic Bezier curve.
curve_through <- function(start, middle, end) {
  t <- seq(0, 1, length.out = 40)
  path <- outer((1 - t)^2, start) + outer(2 * t * (1 - t), middle) + outer(t^2, end)
  list(path = path, label = path[20, ])
}

edge_layers <- function(edges) {
  if (nrow(edges) == 0) return(list())
  paths <- bind_rows(lapply(seq_len(nrow(edges)), function(e) {
    data.frame(edge = e, x = edges$path[[e]][, 1], y = edges$path[[e]][, 2], kind = edges$kind[[e]])
  }))
  layer <- function(rows, ends, type, line) {
    if (nrow(rows) == 0) return(NULL)
    ggplot2::geom_path(ggplot2::aes(x = .data$x, y = .data$y, group = .data$edge), rows, linewidth = 0.4,
      linetype = line, arrow = ggplot2::arrow(length = ggplot2::unit(0.09, "inches"), type = type, ends = ends))
  }
  list(
    layer(paths[paths$kind %in% c("regression", "class", "transition"), ], "last", "closed", "solid"),
    layer(paths[paths$kind == "modifies", ], "last", "closed", "42"),
    layer(paths[paths$kind == "covariance", ], "both", "closed", "solid")
  )
}

# Dots on nodes with a random intercept and on arrows with a random slope.
path_dots <- function(nodes, edges) {
  on_nodes <- nodes[nodes$random, , drop = FALSE]
  shift <- ifelse(on_nodes$kind == "class", 1 / sqrt(2), 1)
  slopes <- edges[edges$random, , drop = FALSE]
  at <- lapply(slopes$path, function(path) path[1, ] + 0.75 * (path[nrow(path), ] - path[1, ]))
  data.frame(
    x = c(on_nodes$x - shift * on_nodes$width / 2, vapply(at, function(p) p[[1]], 0)),
    y = c(on_nodes$y + (shift < 1) * shift * on_nodes$height / 2, vapply(at, function(p) p[[2]], 0))
  )
}

circle_shapes <- function(nodes, n = 72) {
  angle <- seq(0, 2 * pi, length.out = n)
  bind_rows(c(list(data.frame(id = character(), x = numeric(), y = numeric(), kind = character())),
    lapply(seq_len(nrow(nodes)), function(i) {
      node <- nodes[i, ]
      data.frame(id = node$id, x = node$x + node$width / 2 * cos(angle), y = node$y + node$height / 2 * sin(angle),
        kind = node$kind)
    })))
}

# Names and details inside the nodes, in the largest size that fits.
node_texts <- function(nodes, inch) {
  detailed <- nzchar(nodes$detail)
  size <- function(text, most, part) {
    lines <- strsplit(text, "\n", fixed = TRUE)
    longest <- vapply(lines, function(line) max(nchar(line), 4), 0)
    fits_width <- nodes$width * inch * 0.88 / (longest * 0.66) * 72
    fits_height <- nodes$height * inch * part * 72 / pmax(1, lengths(lines))
    pmin(most, fits_width, fits_height) / 2.845
  }
  # Several names, or a range of them, in more lines where that lets them be larger.
  label <- nodes$label
  names_size <- size(label, 12, ifelse(detailed, 0.36, 0.5))
  for (n in 2:4) {
    broken <- vapply(nodes$label, broken_names, "", n = n, USE.NAMES = FALSE)
    tried <- size(broken, 12, ifelse(detailed, 0.45, 0.85))
    better <- broken != nodes$label & tried > 1.15 * names_size & (n == 2 | !detailed)
    label[better] <- broken[better]
    names_size[better] <- tried[better]
  }
  names <- data.frame(
    x = nodes$x, y = nodes$y + ifelse(detailed, 0.2 * nodes$height, 0), text = label, size = names_size
  )
  details <- data.frame(
    x = nodes$x, y = nodes$y - 0.2 * nodes$height, text = nodes$detail, size = size(nodes$detail, 8.5, 0.28)
  )[detailed, , drop = FALSE]
  list(
    ggplot2::geom_text(ggplot2::aes(x = .data$x, y = .data$y, label = .data$text), names, size = names$size,
      lineheight = 0.85),
    if (nrow(details) > 0) ggplot2::geom_text(ggplot2::aes(x = .data$x, y = .data$y, label = .data$text), details,
      size = details$size, colour = "grey25")
  )
}

# "a, b, c" in at most n lines of about the same length; "u1:u9" in two.
broken_names <- function(label, n) {
  if (!grepl(", ", label, fixed = TRUE)) return(sub(":", ":\n", label, fixed = TRUE))
  parts <- strsplit(label, ", ", fixed = TRUE)[[1]]
  widths <- seq(max(nchar(parts)) + 1, nchar(label) + 2)
  for (width in widths) {
    lines <- wrapped(paste0(parts, c(rep(",", length(parts) - 1), "")), width)
    if (length(lines) <= n) return(paste(lines, collapse = "\n"))
  }
  label
}

# Words put together in lines of at most `width` characters.
wrapped <- function(words, width) {
  lines <- character(0)
  for (word in words) {
    last <- length(lines)
    longer <- if (last > 0) paste(lines[[last]], word)
    if (last > 0 && nchar(longer) <= width) lines[[last]] <- longer else lines <- c(lines, word)
  }
  lines
}

# The line between the levels and the words on its sides.
path_divide <- function(nodes, left, right) {
  within <- nodes[nodes$level == "within", , drop = FALSE]
  between <- nodes[nodes$level == "between", , drop = FALSE]
  low <- min(within$y - within$height / 2)
  high <- max(between$y + between$height / 2)
  if (low > high) {
    y <- (low + high) / 2
    line <- data.frame(x = left, xend = right, y = y, yend = y)
    return(list(line = line, words = data.frame(x = left, y = y + c(0.22, -0.22), text = c("Within", "Between")),
      hjust = 0))
  }
  x <- (max(within$x + within$width / 2) + min(between$x - between$width / 2)) / 2
  top <- max(nodes$y + nodes$height / 2) + 0.3
  line <- data.frame(x = x, xend = x, y = min(nodes$y - nodes$height / 2) - 0.2, yend = top)
  list(line = line, words = data.frame(x = x + c(-0.15, 0.15), y = top, text = c("Within", "Between")), hjust = c(1, 0))
}
