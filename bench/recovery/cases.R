# The thirteen models of the recovery study, each with its size or covariates and the true values.
#
# case()  name         what it stands for in the table
#         model        a model of mlmix
#         size         `n` or `data` of simulate_data(): a number of units, c(clusters =, size =), or a data frame
#         truth        true value of every free parameter, by name
#         integration  the default; where two dimensions are numeric adaptive points at once, without the common grid
#                      that the default tries before them. 11 points instead of 15 change the log-likelihood of the
#                      two-level transition model by less than 0.001.

case <- function(name, model, size, truth, integration = mlmix::quadrature()) {
  list(name = name, model = model, size = size, truth = truth, integration = integration)
}

# Named values of one coefficient of several outcomes: numbered("u%d~1[c=1]", values).
numbered <- function(pattern, values) stats::setNames(values, sprintf(pattern, seq_along(values)))

# Covariates: standard normal quantiles in a fixed random order, so that every run has the same rows.
covariate <- function(n, seed) {
  set.seed(seed)
  sample(stats::qnorm((seq_len(n) - 0.5) / n))
}

clusters_of <- function(n_clusters, size) rep(seq_len(n_clusters), each = size)

recovery_cases <- function() {
  cases <- c(latent_class_cases(), transition_cases(), regression_cases(), factor_cases())
  order <- c(
    "lca", "lca_mixed", "profiles", "lta", "growth_mixture", "model5", "model6", "two_level_lca", "two_level_lta",
    "two_level_factor", "irt_2pl", "fma", "gom"
  )
  cases[order]
}

latent_class_cases <- function() {
  six <- c(
    numbered("u%d~1[c=1]", c(1.5, 1.2, 1.8, 1, 1.5, 1.3)), numbered("u%d~1[c=2]", c(-1.2, -1.5, -1, -1.3, -0.8, -1.6))
  )
  mixed <- mlmix::mixture_model(
    latent_class("c", 2, ~ x), outcome(u1:u3 ~ c, family = bernoulli()), outcome(o ~ c, family = ordinal()),
    outcome(m ~ c, family = nominal()), outcome(k ~ c, family = poisson())
  )
  list(
    lca = case("Latent classes, 6 binary items", mlmix::lca(u1:u6, k = 2), 500, c(six, "c#1~1" = 0.3)),
    lca_mixed = case(
      "Latent classes, binary, ordinal, nominal and count items, a covariate", mixed, data.frame(x = covariate(600, 1)),
      c(
        numbered("u%d~1[c=1]", c(1.2, 1.5, 1)), numbered("u%d~1[c=2]", c(-1, -1.2, -1.5)),
        "o|t1[c=1]" = -1.5, "o|t2[c=1]" = 0.2, "o|t1[c=2]" = 0.3, "o|t2[c=2]" = 1.5,
        "m#1~1[c=1]" = 0.8, "m#1~1[c=2]" = -0.5, "m#2~1[c=1]" = 0.3, "m#2~1[c=2]" = -0.4,
        "k~1[c=1]" = 0.3, "k~1[c=2]" = 1.2, "c#1~1" = 0.2, "c#1~x" = 0.7
      )
    ),
    profiles = case(
      "Latent profiles, 4 items, 3 profiles", mlmix::lpa(y1:y4, k = 3), 500,
      c(
        numbered("y%d~1[c=1]", c(2, 2, 1.5, 0)), numbered("y%d~1[c=2]", c(0, 0, 0, 2)),
        numbered("y%d~1[c=3]", c(-2, 0.5, -1.5, -0.5)), numbered("y%d~~y%1$d", c(1, 0.8, 1.2, 1)),
        "c#1~1" = 0.3, "c#2~1" = -0.2
      )
    ),
    two_level_lca = case(
      "Two-level latent classes, within and between", mlmix::multilevel_lca(u1:u6, k = 2, cluster = "id", k_between = 2),
      c(clusters = 80, size = 15), c(six, "d#1~1" = 0.2, "c#1~1[d=1]" = 1.2, "c#1~1[d=2]" = -1)
    )
  )
}

transition_cases <- function() {
  shared <- c(
    numbered("u%d~1[a=1]", c(1.5, 1.2, 1.8, 1, 1.4)), numbered("u%d~1[a=2]", c(-1.2, -1.5, -1, -1.4, -1.3)),
    "a#1~1" = 0.2, "b#1~1[a=1]" = 1.2, "b#1~1[a=2]" = -0.8
  )
  list(
    lta = case(
      "Latent transitions, two occasions, equal items", mlmix::lta(list(a = u1:u5, b = v1:v5), k = 2), 500, shared
    ),
    two_level_lta = case(
      "Two-level latent transitions, random intercepts", mlmix::lta(list(a = u1:u5, b = v1:v5), k = 2, cluster = "id"),
      c(clusters = 150, size = 10),
      c(shared, "a#1@id~~a#1@id" = 1, "b#1@id~a#1@id" = 0.7, "b#1@id~~b#1@id" = 1),
      integration = mlmix::quadrature(points = 11)
    )
  )
}

regression_cases <- function() {
  list(
    growth_mixture = case(
      "Growth mixture, random intercept and slope", mlmix::growth_mixture(y ~ time + (1 + time | id), k = 2),
      data.frame(id = clusters_of(200, 5), time = 0:4),
      c(
        "y~1[c=1]" = 3, "y~1[c=2]" = 0, "y~time[c=1]" = 1, "y~time[c=2]" = -0.2, "y~~y" = 0.5, "y@id~~y@id" = 0.8,
        "y.time@id~~y.time@id" = 0.15, "y@id~~y.time@id" = 0.1, "c#1~1" = -0.4
      )
    ),
    model5 = case(
      "Mixture regression, classes of clusters (Model 5)",
      mlmix::mixture_regression(y ~ x + (1 | id), k = 2, level = "between"),
      data.frame(id = clusters_of(150, 8), x = covariate(1200, 2)),
      c(
        "y~1[c=1]" = 2, "y~1[c=2]" = 0, "y~x[c=1]" = 1, "y~x[c=2]" = -0.3, "y~~y" = 1, "y@id~~y@id" = 0.4,
        "c#1~1" = 0.3
      )
    ),
    model6 = case(
      "Mixture regression, random class logit and intercept (Model 6)",
      mlmix::mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id))),
      data.frame(id = clusters_of(120, 12), x = covariate(1440, 3)),
      c(
        "y~1[c=1]" = 3, "y~1[c=2]" = 0, "y~x[c=1]" = 1, "y~x[c=2]" = -0.5, "y~~y" = 1, "y@id~~y@id" = 0.5,
        "c#1@id~~c#1@id" = 1, "c#1~1" = 0.3
      ),
      integration = mlmix::quadrature(points = 15)
    )
  )
}

factor_cases <- function() {
  list(
    two_level_factor = case(
      "Two-level factor model (closed form)",
      mlmix::mixture_model(
        latent_factor("fw"), latent_factor("fb", level = "between"), outcome(y1:y4 ~ fw + fb + (1 | id))
      ),
      c(clusters = 120, size = 8),
      c(
        numbered("y%d~1", c(0, 0.5, 1, -0.5)), numbered("y%d~fw", c(1, 0.8, 0.9, 0.7)),
        numbered("y%d~fb", c(0.8, 0.6, 0.7, 0.9)), numbered("y%d~~y%1$d", c(0.6, 0.8, 0.7, 0.5)),
        numbered("y%d@id~~y%1$d@id", c(0.3, 0.4, 0.3, 0.35))
      )
    ),
    irt_2pl = case(
      "Two-parameter logistic model, 8 items", mlmix::irt(u1:u8), 800,
      c(
        numbered("u%d~1", c(1, 0.5, 0, -0.5, -1, 0.8, -0.3, 0.2)),
        numbered("u%d~f", c(1, 1.3, 0.8, 1.5, 1.1, 0.9, 1.2, 1))
      )
    ),
    fma = case(
      "Factor mixture, 10 items", mlmix::fma(u1:u10, k = 2), 1000,
      c(
        numbered("u%d~1[c=1]", c(1.2, 1, 0.9, 1.3, 1.1, -0.9, -1.1, -1, -1.2, -0.8)),
        numbered("u%d~1[c=2]", c(-1, -0.8, -1.2, -0.9, -1.1, 1, 1.2, 0.8, 0.9, 1.1)),
        numbered("u%d~f", c(0.8, 0.6, 0.7, 0.9, 0.6, 0.7, 0.8, 0.6, 0.9, 0.7)), "c#1~1" = 0.2
      )
    ),
    gom = case(
      "Grade of membership, 15 items, two classes", mlmix::gom(u1:u15, k = 2), 1000,
      c(
        numbered("u%d~1[c=1]", c(0.9, 1, 0.7, 0.8, 1.1, 0.9, -1, -0.8, 0.7, 1, -0.9, 0.8, 1, -0.7, 0.9)),
        numbered("u%d~1[c=2]", c(-1, -0.8, -0.9, -1.1, -0.7, -0.8, 0.9, 1, -1, -0.9, 0.8, -1, -0.8, 0.9, -0.7)),
        "c#1@person~~c#1@person" = 4, "c#1~1" = 0.2
      )
    )
  )
}
