# Reference cases of an independent program (tests/testthat/reference/oracle): data, model in mlmix's words, and the
# program's estimates in the order and parametrisation of parameters().

# data, model  what mlmix() needs
# translate    function from their estimates (a named list) to ours by name (variances from Cholesky factors, ...)
# reference    the file: logLik, npar, estimates, se, robust_se (named lists), min_information_eigenvalue
# theirs       their estimates as a named vector;  table: our parameters()
oracle_case <- function(name) {
  case <- oracle_models()[[name]]
  path <- function(ending) testthat::test_path("reference", "oracle", paste0(name, ending))
  case$data <- utils::read.csv(path(".csv"))
  if (!is.null(case$prepare)) case$data <- case$prepare(case$data)
  text <- gsub("NaN", "null", readLines(path(".json"), warn = FALSE), fixed = TRUE)
  case$reference <- jsonlite::fromJSON(text)
  case$theirs <- unlist(case$reference$estimates)
  case$table <- suppressMessages(parameters(case$model, case$data))
  case
}

# Our free parameters from theirs.
ours_from <- function(case, theirs) {
  name <- case$table$name[case$table$free]
  values <- case$translate(as.list(theirs))
  unlist(values)[name]
}

# Our whole table at their estimates.
oracle_start <- function(case) {
  values <- case$table$value
  values[case$table$free] <- ours_from(case, case$theirs)
  values
}

# Standard errors of their parameters from the covariance matrix of ours.
oracle_errors <- function(case, vcov) {
  slopes <- numDeriv::jacobian(function(theirs) ours_from(case, theirs), case$theirs)
  back <- solve(slopes)
  stats::setNames(sqrt(diag(back %*% vcov %*% t(back))), names(case$theirs))
}

# Items: `prefix`_class<k>_item<p> becomes u<p>~1[<class>=k].
oracle_items <- function(theirs, prefix, class = "c") {
  found <- theirs[grepl(paste0("^", prefix, "_class[0-9]+_item"), names(theirs))]
  ours <- sub("^.*_class([0-9]+)_item([0-9]+)$", paste0("u\\2~1[", class, "=\\1]"), names(found))
  stats::setNames(found, ours)
}

oracle_loadings <- function(theirs, what = "~f") {
  found <- theirs[grepl("^lambda_item", names(theirs))]
  stats::setNames(found, paste0(sub("^lambda_item", "u", names(found)), what))
}

oracle_models <- function() {
  list(
    lca_covariate_missing = list(
      model = lca(u1:u8, k = 3, predictors = ~ x1 + x2),
      translate = function(e) {
        c(oracle_items(e, "nu"), list(
          "c#1~1" = e$alpha_class1, "c#1~x1" = e$beta_x1_class1, "c#1~x2" = e$beta_x2_class1,
          "c#2~1" = e$alpha_class2, "c#2~x1" = e$beta_x1_class2, "c#2~x2" = e$beta_x2_class2
        ))
      }
    ),
    fma = list(
      model = fma(u1:u18, k = 2),
      translate = function(e) c(oracle_items(e, "tau"), oracle_loadings(e), list("c#1~1" = e$alpha_1))
    ),
    growth_mixture = list(
      model = growth_mixture(y ~ time + (1 + time | id), k = 2),
      prepare = function(data) {
        stats::reshape(data, direction = "long", varying = paste0("y", 0:4), v.names = "y", timevar = "time",
          times = 0:4, idvar = "id")
      },
      translate = function(e) {
        list(
          "y~1[c=1]" = e$i_1, "y~1[c=2]" = e$i_2, "y~time[c=1]" = e$s_1, "y~time[c=2]" = e$s_2, "y~~y" = e$theta,
          "y@id~~y@id" = e$L11^2, "y.time@id~~y.time@id" = e$L21^2 + e$L22^2, "y@id~~y.time@id" = e$L11 * e$L21,
          "c#1~1" = e$alpha_1
        )
      }
    ),
    mixreg_model5 = list(
      model = mixture_regression(y ~ x + (1 | id), k = 2, level = "between"),
      translate = function(e) {
        list(
          "y~1[c=1]" = e$mu_1, "y~1[c=2]" = e$mu_2, "y~x[c=1]" = e$beta_1, "y~x[c=2]" = e$beta_2, "y~~y" = e$theta,
          "y@id~~y@id" = e$v, "c#1~1" = e$alpha_1
        )
      }
    ),
    mixreg_model6 = list(
      model = mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id))),
      translate = function(e) {
        list(
          "y~1[c=1]" = e$mu_1, "y~1[c=2]" = e$mu_2, "y~x[c=1]" = e$beta_1, "y~x[c=2]" = e$beta_2, "y~~y" = e$theta,
          "y@id~~y@id" = e$v, "c#1@id~~c#1@id" = e$sd_alpha^2, "c#1~1" = e$alpha
        )
      }
    ),
    two_level_lta = list(
      model = mixture_model(
        latent_class("c1", 2, ~ (1 | room)), latent_class("c2", 2, ~ c1 + (1 | room)),
        outcome(fall1:fall10 ~ c1, family = bernoulli()),
        outcome(spring1:spring10 ~ c2, family = bernoulli(), like = fall1:fall10),
        between(c2 ~ c1)
      ),
      # their C2 logit is a2j + gamma [C1 = 1] with a2j = mu + beta a1j + e; a1j has a mean there, our effects have 0
      translate = function(e) {
        items <- oracle_items(e, "nu", class = "c1")
        names(items) <- sub("^u", "fall", names(items))
        rest <- e$mu_a2 + e$beta_a2_on_a1 * e$mean_a1
        c(items, list(
          "c2#1@room~c1#1@room" = e$beta_a2_on_a1, "c1#1@room~~c1#1@room" = e$sd_a1^2,
          "c2#1@room~~c2#1@room" = e$sd_e2^2, "c1#1~1" = e$mean_a1,
          "c2#1~1[c1=1]" = rest + e$gamma_c2_on_c1, "c2#1~1[c1=2]" = rest
        ))
      }
    ),
    within_and_between = list(
      model = mixture_model(
        latent_class("d", 2, ~ w, level = "between"), latent_class("c", 3, ~ d + x + (1 | id)),
        outcome(u1:u8 ~ c, family = bernoulli())
      ),
      translate = function(e) {
        c(oracle_items(e, "nu"), list(
          "d#1~1" = e$alpha_d1, "d#1~w" = e$beta_d1_w,
          "c#1~1[d=1]" = e$alpha_c1 + e$gamma_c1_d1, "c#1~1[d=2]" = e$alpha_c1, "c#1~x" = e$beta_c1_x,
          "c#2~1[d=1]" = e$alpha_c2 + e$gamma_c2_d1, "c#2~1[d=2]" = e$alpha_c2, "c#2~x" = e$beta_c2_x,
          "c#1@id~~c#1@id" = e$L11^2, "c#1@id~~c#2@id" = e$L11 * e$L21, "c#2@id~~c#2@id" = e$L21^2 + e$L22^2
        ))
      }
    ),
    ordinal_two_level_factor_mixture = list(
      model = mixture_model(
        latent_class("c", 2, ~ (1 | id)), latent_factor("f", ~ c + (1 | id), scale = "loading"),
        outcome(u1:u5 ~ f, family = ordinal("logit"))
      ),
      translate = function(e) {
        tau <- e[grepl("^tau", names(e))]
        names(tau) <- sub("^tau_item([0-9])_([0-9])$", "u\\1|t\\2", names(tau))
        c(tau, oracle_loadings(e), list(
          "f~1[c=1]" = e$mean_f_class1, "f~~f" = e$sd_f^2, "f@id~~f@id" = e$sd_fb^2, "c#1@id~~c#1@id" = e$sd_alpha^2,
          "c#1~1" = e$alpha_1
        ))
      }
    ),
    gom2 = list(
      model = gom(u1:u12, k = 2),
      translate = function(e) {
        c(oracle_items(e, "tau"), list(
          "c#1@person~~c#1@person" = e$sd_1^2, "c#1~1" = e$alpha_1
        ))
      }
    ),
    gom3_factor = list(
      model = gom(u1:u15, k = 3, random = "factor"),
      translate = function(e) {
        c(oracle_items(e, "tau"), list(
          "c#1~1" = e$alpha_1, "c#1~eta" = e$lambda_1, "c#2~1" = e$alpha_2, "c#2~eta" = e$lambda_2
        ))
      }
    ),
    gom3_free = list(
      model = gom(u1:u15, k = 3),
      translate = function(e) {
        c(oracle_items(e, "tau"), list(
          "c#1@person~~c#1@person" = e$L11^2, "c#1@person~~c#2@person" = e$L11 * e$L21,
          "c#2@person~~c#2@person" = e$L21^2 + e$L22^2, "c#1~1" = e$alpha_1, "c#2~1" = e$alpha_2
        ))
      }
    ),
    fma_gom = list(
      model = fma_gom(u1:u18, k = 2),
      translate = function(e) {
        c(oracle_items(e, "tau"), oracle_loadings(e), list(
          "c#1@person~~c#1@person" = e$sd_1^2, "c#1~1" = e$alpha_1
        ))
      }
    ),
    irt3pl = list(
      model = irt(u1:u12, type = "3pl"),
      translate = function(e) {
        tau <- e[grepl("^tau", names(e))]
        names(tau) <- sub("^tau_item([0-9]+)$", "u\\1~1[guess=2]", names(tau))
        gamma <- e[grepl("^gamma", names(e))]
        names(gamma) <- sub("^gamma_item", "guess#1~itemu", names(gamma))
        c(tau, gamma, oracle_loadings(e, "~f[guess=2]"))
      }
    )
  )
}
