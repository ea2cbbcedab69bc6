# T3: non-parametric multilevel latent class analysis, three classes within two classes of clusters.

speed_task("T3", "Multilevel LCA, 3 within x 2 between classes", "100 clusters x 50, 10 binary items", speed_variant(
  "", "t3", -27396.0884,
  c(
    ours(function(data, ...) mlmix(multilevel_lca(u1:u10, k = 3, cluster = "cluster", k_between = 2), data, ...),
      starts = c(1, 1)),
    list(
      glca_lca(10, 3, starts = 1, cluster = "cluster", between = 2),
      multilev_lca(10, 3, cluster = "cluster", between = 2)
    )
  ),
  goals = list(faster_than(NULL, 10)),
  elsewhere = c("glca 1.4.2, one start" = 0.35, "multilevLCA 2.1.2" = 0.41)
))
