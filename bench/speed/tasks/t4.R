# T4: latent class analysis with two covariates of the class.

speed_task("T4", "LCA with two covariates on class", "5,000 x 10 binary, 3 classes", speed_variant(
  "", "t4", -24982.6063,
  c(
    ours(function(data, ...) mlmix(lca(u1:u10, k = 3, predictors = ~ x1 + x2), data, ...), starts = c(1, 1)),
    list(
      stepmix("StepMix, one step", item_names(10), 3, 1, "binary", c("x1", "x2"),
        rule = "1 start; mean log-likelihood changes by less than 1e-10; no standard errors"),
      polca(10, 3, starts = 1, se = TRUE, covariates = "x1 + x2"),
      multilev_lca(10, 3, covariates = c("x1", "x2")),
      glca_lca(10, 3, starts = 1, rhs = "x1 + x2")
    )
  ),
  goals = list(faster_than(NULL, 4)),
  elsewhere = c(
    "StepMix 3.0.0, one step" = 0.06, "poLCA 1.6.0.2" = 0.16, "multilevLCA 2.1.2, one step" = 0.24, "glca 1.4.2" = 1.4
  )
))
