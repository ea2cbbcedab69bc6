# classification_table(): how well classes separate, and how often units are assigned to a wrong one.
#
# With posterior probabilities p_ik, weights v_i and the assignment a_is (modal: 1 for the most probable class;
# proportional: p_is), the probability of being assigned to s when truly in k is (Bolck, Croon and Hagenaars 2004,
# Vermunt 2010, eq. 6)
#
#   D_ks = P(W = s | C = k) = sum_i v_i p_ik a_is / sum_i v_i p_ik

#' How well the classes separate
#'
#' @param fit A fit from [mlmix()].
#' @param type Text: `"posterior"` (default), the average posterior probabilities of those assigned to each class;
#'   `"assignment"`, the probability of being assigned to each class given the true class, which is what
#'   [three_step()] corrects for; `"quality"`, one line of measures for each class.
#' @param assignment Text: `"modal"` (default), to the most probable class; `"proportional"`, to every class with its
#'   probability. For `type = "assignment"` only.
#' @return A data frame, whose numbers count weights and frequencies.
#'   * `"posterior"`: `variable` (class variable), `modal` (the class that units or clusters are assigned to), `n` (how
#'     many), and `p1`, `p2`, ...: the average probability of every class among them.
#'   * `"assignment"`: `variable`, `class` (the true one), `n` (expected number), and `a1`, `a2`, ...: the probability
#'     of being assigned to every class. The error rate is 1 minus the number of the own class.
#'   * `"quality"`: `variable`, `class`, `proportion` (estimated by the model), `modal_proportion`,
#'     `average_posterior` (of the class among those assigned to it), `correct` (assigned to it, of those in it),
#'     `odds_correct` (odds of correct classification: the odds of `average_posterior` over those of `proportion`;
#'     above 5 in every class is often asked for), `entropy` (1 minus the average uncertainty of those assigned
#'     to it over that of equal probabilities: 1 when all are certain).
#'
#'   `NA` where nobody is assigned to a class.
#' @references Nagin, D. S. (2005). *Group-based modeling of development*, section 5.5. Harvard University Press.
#'
#'   Vermunt, J. K. (2010). Latent class modeling with covariates: Two improved three-step approaches. *Political
#'   Analysis*, 18, 450-469.
#' @seealso [posterior()], [class_sizes()], [three_step()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' classification_table(fit)
#' classification_table(fit, "assignment")
#' classification_table(fit, "quality")
#' @export
classification_table <- function(fit, type = c("posterior", "assignment", "quality"),
                                 assignment = c("modal", "proportional")) {
  check_fit(fit)
  type <- check_choice(type, c("posterior", "assignment", "quality"), "type")
  assignment <- check_choice(assignment, c("modal", "proportional"), "assignment")
  classes <- fit_classes(fit)
  most <- max(0, vapply(classes, function(cl) cl$k, 1))
  readable(bind_rows(lapply(classes, function(class) {
    part <- list(
      p = class_posterior(fit, class$name),
      weight = if (class$level == "within") unit_weight(fit) else cluster_weight(fit)
    )
    switch(type,
      posterior = average_posteriors(class, part, most),
      assignment = assignment_table(class, part, assignment, most),
      quality = class_quality(class, part, as.numeric(fit$class_prob[[class$name]]))
    )
  })))
}

# [assigned x class] mean posterior, and the numbers assigned.
modal_averages <- function(p, weight) {
  modal <- modal_class(p)
  n <- vapply(seq_len(ncol(p)), function(k) sum(weight[modal == k]), 0)
  average <- matrix(NA_real_, ncol(p), ncol(p))
  for (k in which(n > 0)) average[k, ] <- colSums((p * weight)[modal == k, , drop = FALSE]) / n[[k]]
  list(average = average, n = n)
}

average_posteriors <- function(class, part, most) {
  found <- modal_averages(part$p, part$weight)
  wide_rows(data.frame(variable = class$name, modal = class$labels, n = found$n), found$average, "p", most)
}

assignment_table <- function(class, part, assignment, most) {
  error <- assignment_errors(part$p, part$weight, assigned(part$p, assignment))
  n <- colSums(part$p * part$weight)
  wide_rows(data.frame(variable = class$name, class = class$labels, n = n), error, "a", most)
}

wide_rows <- function(rows, matrix, letter, most) {
  wide <- matrix(NA_real_, nrow(matrix), most)
  wide[, seq_len(ncol(matrix))] <- matrix
  colnames(wide) <- paste0(letter, seq_len(most), recycle0 = TRUE)
  data.frame(rows, wide, stringsAsFactors = FALSE)
}

# The assignment a_is: [n x k].
assigned <- function(p, assignment) {
  if (assignment == "proportional") return(p)
  diag(ncol(p))[modal_class(p), , drop = FALSE]
}

# D: [true class x assigned class]; a class that nobody can be in has NA.
assignment_errors <- function(p, weight, assigned) {
  n <- colSums(p * weight)
  crossprod(p * weight, assigned) / ifelse(n > 0, n, NA_real_)
}

class_quality <- function(class, part, proportion) {
  found <- modal_averages(part$p, part$weight)
  correct <- diag(assignment_errors(part$p, part$weight, assigned(part$p, "modal")))
  own <- diag(found$average)
  modal <- modal_class(part$p)
  entropy <- vapply(seq_len(class$k), function(k) {
    if (found$n[[k]] == 0 || class$k < 2) return(NA_real_)
    at <- modal == k
    uncertainty <- classification_uncertainty(part$p[at, , drop = FALSE], part$weight[at])
    1 - uncertainty / (found$n[[k]] * log(class$k))
  }, 0)
  data.frame(
    variable = class$name, class = class$labels, proportion = proportion,
    modal_proportion = found$n / sum(part$weight), average_posterior = own, correct = correct,
    odds_correct = na_if_nan(own / (1 - own) / (proportion / (1 - proportion))), entropy = entropy,
    stringsAsFactors = FALSE
  )
}
