# integration_plan(): what a fit would integrate numerically, and with how many nodes, before it is made.

#' Plan of the numerical integration
#'
#' Says which latent variables of a model have a closed form for the data at hand and which need numerical integration,
#' why, and how many nodes that takes. No model is fitted.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()].
#' @param data Data frame.
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it.
#' @param integration From [quadrature()].
#' @return A list of class `mlmix_integration` as from [integration()], with `error` `NA`. More nodes than `max_nodes`
#'   are an error that names the alternatives. Where [quadrature()] leaves everything open, a fit with one or two
#'   dimensions may in the end use a finer grid that is not adaptive; [integration()] tells.
#' @seealso [quadrature()], [integration()] after a fit.
#' @examples
#' integration_plan(irt(item1:item5, type = "2pl"), lsat)
#' @export
integration_plan <- function(model, data, cluster = NULL, integration = quadrature()) {
  frame <- rlang::current_env()
  options <- fit_options(1, 1, "none", integration, 1, mlmix_control(), frame)
  resolved <- separate_robust_cluster(resolve_model(model, data, cluster, call = frame))
  new_integration(raw_plan(
    resolved$spec, resolved$columns, resolved$cluster,
    options = engine_options(options, resolved$robust_cluster), call = frame
  ))
}
