# Mathematics as a small tree of plain lists, written as MathML (for web pages) or LaTeX (for R Markdown).
#
# A node is list(kind, ...): "id" (a name), "greek", "number", "op", "text", "row" (parts side by side), "sub" (base,
# index).

# Names of Greek letters and operators: what MathML shows, and LaTeX's command.
math_symbols <- list(
  alpha = c("\u03b1", "\\alpha"), beta = c("\u03b2", "\\beta"), gamma = c("\u03b3", "\\gamma"),
  delta = c("\u03b4", "\\delta"), epsilon = c("\u03b5", "\\varepsilon"), zeta = c("\u03b6", "\\zeta"),
  kappa = c("\u03ba", "\\kappa"), lambda = c("\u03bb", "\\lambda"), nu = c("\u03bd", "\\nu"),
  psi = c("\u03c8", "\\psi"), Psi = c("\u03a8", "\\Psi"), sigma2 = c("\u03c3", "\\sigma^2"),
  tau = c("\u03c4", "\\tau"),
  "<=" = c("\u2264", "\\le"), "~" = c("\u223c", "\\sim"), "-" = c("\u2212", "-"), "/" = c("/", "/"),
  apply = c("", "\\,"), "..." = c("\u2026", "\\ldots"), space = c("\u2003", "\\quad ")
)

m_id <- function(name) list(kind = "id", name = name)
m_greek <- function(letter) list(kind = "greek", name = letter)
m_number <- function(x) list(kind = "number", text = as.character(x))
m_op <- function(op) list(kind = "op", op = op)
m_text <- function(text) list(kind = "text", text = text)
# A function's name, with the space that it keeps from its argument.
m_function <- function(name) m_row(m_id(name), m_op("apply"))
m_space <- function() m_op("space")
m_row <- function(...) list(kind = "row", parts = Filter(Negate(is.null), list(...)))
m_rows <- function(parts) list(kind = "row", parts = parts)

# A base with an index; no index, the base alone.
m_sub <- function(base, index) {
  if (length(index) == 0) return(base)
  list(kind = "sub", base = base, index = if (is.null(index$kind)) m_rows(index) else index)
}

# Parts with an operator between them.
m_join <- function(parts, op) {
  out <- list()
  for (i in seq_along(parts)) out <- c(out, if (i > 1) list(m_op(op)), list(parts[[i]]))
  m_rows(out)
}

m_normal <- function(variance) {
  m_row(m_id("N"), m_op("("), m_number(0), m_op(","), variance, m_op(")"))
}

# MathML: a `<math>` element in a block of its own.
math_ml <- function(node) {
  paste0("<math display=\"block\">", node_ml(node), "</math>")
}

sigma_ml <- "<mi>\u03c3</mi>"

node_ml <- function(node) {
  switch(node$kind,
    id = paste0("<mi>", escape_html(node$name), "</mi>"),
    greek = if (node$name == "sigma2") paste0("<msup>", sigma_ml, "<mn>2</mn></msup>") else
      paste0("<mi>", math_symbols[[node$name]][[1]], "</mi>"),
    number = paste0("<mn>", escape_html(node$text), "</mn>"),
    op = switch(node$op,
      space = "<mspace width=\"1.2em\"/>", apply = "<mspace width=\"0.2em\"/>",
      paste0("<mo>", escape_html(symbol_text(node$op, 1)), "</mo>")
    ),
    text = paste0("<mtext>", escape_html(node$text), "</mtext>"),
    row = paste0("<mrow>", paste(vapply(node$parts, node_ml, ""), collapse = ""), "</mrow>"),
    sub = if (identical(node$base$name, "sigma2")) {
      paste0("<msubsup>", sigma_ml, node_ml(node$index), "<mn>2</mn></msubsup>")
    } else {
      paste0("<msub>", node_ml(node$base), node_ml(node$index), "</msub>")
    }
  )
}

# Equations as LaTeX, without dollar signs.
math_tex <- function(node) {
  switch(node$kind,
    id = id_tex(node$name),
    greek = math_symbols[[node$name]][[2]],
    number = node$text,
    op = symbol_text(node$op, 2),
    text = paste0("\\text{", escape_tex(node$text), "}"),
    row = paste(vapply(node$parts, math_tex, ""), collapse = " "),
    sub = paste0(math_tex(node$base), "_{", math_tex(node$index), "}")
  )
}

symbol_text <- function(name, which) {
  known <- math_symbols[[name]]
  if (is.null(known)) name else known[[which]]
}

id_tex <- function(name) {
  if (nchar(name) == 1 && grepl("[A-Za-z]", name)) name else paste0("\\mathrm{", escape_tex(name), "}")
}

escape_tex <- function(text) {
  text <- gsub("([#$%&_{}])", "\\\\\\1", gsub("\\", "/", text, fixed = TRUE))
  gsub("^", "\\hat{ }", gsub("~", "\\sim ", text, fixed = TRUE), fixed = TRUE)
}
