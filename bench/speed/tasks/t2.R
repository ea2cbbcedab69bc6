# T2: latent class analysis of a large sample, five classes, one start.

speed_task("T2", "LCA, 5 classes, 1 start", "100,000 x 20 items of 4 categories", speed_variant(
  "", "t2", -2370320.2542,
  c(
    ours(function(data, ...) mlmix(lca(u1:u20, k = 5), data, ...), starts = c(1, 1), prepare = as_factors),
    list(
      stepmix("StepMix, n_init = 1", item_names(20), 5, 1, "categorical",
        rule = "1 start; mean log-likelihood changes by less than 1e-10; no standard errors"),
      glca_lca(20, 5, starts = 1, se = FALSE),
      multilev_lca(20, 5),
      slca_lca(20, 5),
      mdirt(20, 5)
    )
  ),
  goals = list(faster_than(NULL, 8)),
  elsewhere = c(
    "StepMix 3.0.0, n_init = 1" = 2.1, "poLCA 1.6.0.2, its EM alone" = 2.8, "glca 1.4.2" = 5.4, "mirt 1.45.1 (local optimum)" = 6.5,
    "multilevLCA 2.1.2" = 80, "slca 1.4.0" = 152
  )
))
