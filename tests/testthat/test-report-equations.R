# Equations as MathML and LaTeX.

tex_of <- function(model, families = NULL) {
  sections <- model_equation_sections(model, families)
  unlist(lapply(sections, function(section) lapply(section$items, function(item) {
    vapply(item$equations, math_tex, "")
  })))
}

test_that("equations of the paper's models", {
  expect_snapshot({
    cat(tex_of(lca(u1:u8, k = 3, predictors = ~ x1 + x2)), sep = "\n")
    cat(tex_of(mixture_model(
      latent_class("c", 2, ~ (1 | school)), latent_factor("f", ~ c + (1 | school), scale = "loading"),
      outcome(u1:u5 ~ f, family = ordinal("logit"))
    )), sep = "\n")
    cat(tex_of(lta(list(fall = fall1:fall3, spring = spring1:spring3), k = 2, cluster = "room")), sep = "\n")
    cat(tex_of(growth_mixture(y ~ time + (1 + time | id), k = 2, residual = "varying")), sep = "\n")
    cat(tex_of(gom(u1:u17, k = 3, random = "factor")), sep = "\n")
    cat(tex_of(mixture_model(
      latent_class("d", 2, ~ w, level = "between"), latent_class("c", 3, ~ d + x + (1 | id)),
      outcome(n1 ~ c * log(z), family = zero_inflated("negbin", zero = ~ x)),
      outcome(v ~ d, level = "between"), outcome(m ~ c, family = nominal()),
      outcome(h ~ c, family = censored(lower = 0))
    )), sep = "\n")
  })
})

test_that("MathML is well formed and names are escaped", {
  model <- mixture_model(latent_class("c", 2), outcome(`y<1` ~ c * `a&b`))
  for (section in model_equation_sections(model)) for (item in section$items) for (equation in item$equations) {
    ml <- math_ml(equation)
    expect_false(grepl("y<1|a&b", ml))
    open <- regmatches(ml, gregexpr("<[a-z]+[^/>]*>", ml))[[1]]
    close <- regmatches(ml, gregexpr("</[a-z]+>", ml))[[1]]
    expect_length(close, length(open))
  }
  expect_match(math_tex(m_id("read_score")), "\\mathrm{read\\_score}", fixed = TRUE)
  expect_match(math_ml(m_sub(m_greek("sigma2"), list(m_id("c")))), "<msubsup><mi>\u03c3</mi>", fixed = TRUE)
})

test_that("families chosen from the data replace the unknown ones", {
  model <- lca(c(u, v, w), k = 2)
  families <- list(u = list(type = "bernoulli", link = "logit"), v = list(type = "ordinal", link = "logit"),
    w = list(type = "bernoulli", link = "logit"))
  tex <- tex_of(model, families)
  expect_length(tex, 3)
  expect_match(tex[[2]], "= 1 ) = \\nu_{p , c}", fixed = TRUE)
  expect_match(tex[[3]], "\\le m ) = \\tau_{m , c}", fixed = TRUE)
})
