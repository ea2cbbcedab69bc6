# T13: grade of membership, and its factor mixture; no other program maximises these likelihoods.

# mixedMem's variational bound of the model with Dirichlet memberships, which is another model with the same purpose.
mixedmem_gom <- function() {
  program(
    "mixedMem (another model: Dirichlet, bound)", "mixedMem",
    fit = function(data) {
      n <- nrow(data)
      items <- ncol(data)
      model <- mixedMem::mixedMemModel(Total = n, J = items, Rj = rep(1, items), Nijr = array(1, c(n, items, 1)), K = 2,
        Vj = rep(1, items), alpha = c(1, 1), theta = array(rep(c(.6, .4), each = items), c(items, 2, 1)),
        dist = rep("bernoulli", items), obs = array(as.matrix(data), c(n, items, 1, 1)))
      mixedMem::mmVarFit(model, printStatus = 0)
    },
    result = function(fit) list(log_likelihood = mixedMem::computeELBO(fit), parameters = 26, iterations = NA),
    rule = "one start; bound changes by less than 1e-6 of it", warm = FALSE
  )
}

speed_task("T13", "Grade of membership, 2 classes", "persons x binary items",
  speed_variant("GoM, 2,000 x 12", "t13", NA,
    c(ours(function(data, ...) mlmix(gom(u1:u12, k = 2), data, ...), starts = c(1, 1)), list(mixedmem_gom())),
    goals = list(within_seconds(0.5)), elsewhere = c("mixedMem 1.1.2 (variational bound)" = 6.6)),
  speed_variant("FMA-GoM, 7,326 x 17", "t1", NA,
    ours(function(data, ...) mlmix(fma_gom(u1:u17, k = 2), data, ...), starts = c(20, 5), warm = FALSE),
    goals = list(within_seconds(10)))
)
