# Bayes factors and probabilities of models from BIC.
#
# By Schwarz (1978) the log of the probability of the data under a model, its parameters integrated out, is about
# SIC = -BIC / 2. The Bayes factor of model A against B is then exp(SIC_A - SIC_B), and with equal prior probabilities
# the probability of A among the models compared is exp(SIC_A) / sum exp(SIC) (cmP; Masyn, 2013; Nylund-Gibson and
# Choi, 2018).

#' Bayes factors and correct-model probabilities
#'
#' Approximate, from BIC with the number of units, and for models that are equally probable beforehand.
#'
#' A Bayes factor of model A against model B between 1 and 3 is weak support for A, from 3 to 10 moderate, above 10
#' strong (Wasserman, 2000). The correct-model probability is that of a model being the right one if one of the models
#' compared is right.
#'
#' @param ... Fits from [mlmix()] to the same data, or one list of them, or one table from [compare_models()] or
#'   [enumerate_classes()].
#' @return `bayes_factors()`: a data frame with a row for every pair of models, the one with the lower BIC first:
#'   `model`, `against`, `bayes_factor`, `support` (`"weak"`, `"moderate"`, `"strong"`). [compare_models()] has the
#'   Bayes factor of every model against the next one and the correct-model probabilities.
#' @references
#' Schwarz, G. (1978). Estimating the dimension of a model. *Annals of Statistics*, 6, 461-464.
#'
#' Wasserman, L. (2000). Bayesian model selection and model averaging. *Journal of Mathematical Psychology*, 44, 92-107.
#'
#' Masyn, K. E. (2013). Latent class analysis and finite mixture modeling. In T. D. Little (Ed.), *The Oxford handbook
#' of quantitative methods* (Vol. 2, pp. 551-611). Oxford University Press.
#'
#' Nylund-Gibson, K. and Choi, A. Y. (2018). Ten frequently asked questions about latent class analysis. *Translational
#' Issues in Psychological Science*, 4, 440-461.
#' @seealso [compare_models()], [enumerate_classes()].
#' @examples
#' one <- mlmix(lca(c(A, B, C, D), k = 1), stouffer_toby, frequency = frequency, starts = 1,
#'   seed = 1)
#' two <- mlmix(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency, starts = c(5, 2),
#'   seed = 1)
#' bayes_factors(one, two)
#' @export
bayes_factors <- function(...) {
  given <- list(...)
  labels <- expression_labels(substitute(list(...)))
  table <- if (length(given) == 1 && inherits(given[[1]], "mlmix_comparison")) given[[1]] else
    comparison_of(given, labels, "bayes_factors", rlang::current_env())
  table <- table[!is.na(table$BIC), , drop = FALSE]
  if (nrow(table) < 2) {
    abort_spec(c("{.fn bayes_factors} compares two or more models.", x = "You gave {nrow(table)}."))
  }
  order <- order(table$BIC)
  pairs <- utils::combn(order, 2)
  factor <- exp((table$BIC[pairs[2, ]] - table$BIC[pairs[1, ]]) / 2)
  data.frame(
    model = table$model[pairs[1, ]], against = table$model[pairs[2, ]], bayes_factor = factor,
    support = c("weak", "moderate", "strong")[1 + (factor >= 3) + (factor > 10)], stringsAsFactors = FALSE
  )
}

# Of each model against the next one in the table.
successive_bayes_factors <- function(bic) exp((c(bic[-1], NA_real_) - bic) / 2)

# cmP: exp(SIC) over their sum; models that failed do not count.
model_probabilities <- function(bic) {
  if (all(is.na(bic))) return(bic)
  weight <- exp(-(bic - min(bic, na.rm = TRUE)) / 2)
  weight / sum(weight, na.rm = TRUE)
}
