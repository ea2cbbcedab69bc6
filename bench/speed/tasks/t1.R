# T1: latent class analysis, three classes, ten starts.

speed_task("T1", "LCA, 3 classes, 10 starts", "7,326 x 17 binary", speed_variant(
  "", "t1", -59417.0829,
  c(
    ours(function(data, ...) mlmix(lca(u1:u17, k = 3), data, ...), starts = c(10, 2)),
    list(
      stepmix("StepMix, n_init = 10", item_names(17), 3, 10, "binary",
        rule = "10 starts; mean log-likelihood changes by less than 1e-10; no standard errors"),
      stepmix("StepMix, one start", item_names(17), 3, 1, "binary", less = TRUE,
        rule = "1 start; mean log-likelihood changes by less than 1e-10; no standard errors"),
      polca(17, 3, starts = 10, se = TRUE),
      glca_lca(17, 3, starts = 10),
      as_less(multilev_lca(17, 3)),
      as_less(slca_lca(17, 3)),
      random_lca(17, 3, starts = 20),
      as_less(mdirt(17, 3)),
      flexmix_binary(17, 3, starts = 10)
    )
  ),
  goals = list(faster_than(NULL, 15)),
  elsewhere = c(
    "StepMix 3.0.0, n_init = 10" = 0.70, "poLCA 1.6.0.2, nrep = 10" = 0.94, "glca 1.4.2, n.init = 10" = 0.96,
    "randomLCA 1.1.4, 20 starts" = 1.7
  )
))
