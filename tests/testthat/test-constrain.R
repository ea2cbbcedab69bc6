data <- two_level_data()
model_with <- function(...) {
  mixture_model(latent_class("c", 2), latent_factor("f"), outcome(u1:u4 ~ c + f, family = bernoulli()), constrain(...))
}
table_with <- function(...) resolve_model(model_with(...), data)$parameters

test_that("values are fixed, freed, started and bounded by name", {
  table <- table_with(
    fix("u1~1[c=1]" = -15), start("u2~f" = 0.5), bound("u3~f" = c(0, Inf)), fix("f~~f" = NA), fix("u1~f" = 1)
  )
  row <- function(name) table[table$name == name, ]
  expect_false(row("u1~1[c=1]")$free)
  expect_equal(row("u1~1[c=1]")$value, -15)
  expect_equal(row("u2~f")$start, 0.5)
  expect_equal(c(row("u3~f")$lower, row("u3~f")$upper), c(0, NA))
  expect_true(row("f~~f")$free)
  expect_equal(row("f~~f")$lower, 0)
})

test_that("a star stands for any text, a vector for several names", {
  expect_equal(sum(!table_with(fix("*~f" = 1))$free), 5)
  expect_equal(sum(!table_with(fix(c("u1~f", "u2~f"), 1))$free), 3)
})

test_that("a star does not reach variances unless the pattern has ~~", {
  table <- table_with(fix("f~~f" = NA, "u1~f" = 1), equal("*~f"))
  expect_equal(table$name[table$kind == "loading"], "u1~f")
  expect_true(table$free[table$name == "f~~f"])
  expect_equal(table_with(fix("*~~*" = 2))$value[table_with()$name == "f~~f"], 2)
})

test_that("equal parameters share an index and keep the first name", {
  resolved <- resolve_model(model_with(equal("u1~f", "u2~f", "u3~f")), data)
  expect_false("u2~f" %in% resolved$parameters$name)
  loading <- function(p) resolved$spec$outcomes[[p]]$predictors[[1]]$terms[[2]]$coefficient$parameter
  expect_equal(loading(1), loading(2))
  expect_equal(resolved$spec$parameters[[loading(3) + 1]]$name, "u1~f")
  expect_equal(resolved$spec$parameters[[loading(4) + 1]]$name, "u4~f")
  expect_equal(table_with(equal("*~f"), fix("u3~f" = 2))$value[3], 2)
})

test_that("linear equalities are read", {
  spec <- resolve_model(model_with(linear("u1~1[c=1] - 2 * u2~1[c=1] + 3 = 1 + u1~1[c=2]")), data)$spec
  names <- vapply(spec$parameters, `[[`, "", "name")
  weights <- do.call(rbind, spec$constraints[[1]]$weights)
  expect_equal(names[weights[, 1] + 1], c("u1~1[c=1]", "u2~1[c=1]", "u1~1[c=2]"))
  expect_equal(weights[, 2], c(1, -2, -1))
  expect_equal(spec$constraints[[1]]$value, -2)
})

test_that("mistakes are explained", {
  expect_snapshot(error = TRUE, {
    constrain("u1~f")
    constrain(fix(1))
    constrain(fix("u1~f" = "a"))
    constrain(bound("u1~f" = c(1, 0)))
    constrain(linear("a - b"))
    constrain(linear("a = b = 1"))
    table_with(fix("u1~g" = 1))
    table_with(equal("u1~f", "u1~f"))
    table_with(fix("f~~f" = -1))
    table_with(start("f~~f" = 2))
    table_with(linear("u1~f - nothing = 0"))
    table_with(fix("u1~f" = 1, "u2~f" = 2), equal("u1~f", "u2~f"))
  })
})
