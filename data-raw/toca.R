# toca: a two-level latent transition data set, simulated. Run from the package's top folder with mlmix installed.
#
# Section 4 of Asparouhov and Muthén (2006) analyses teachers' ratings (TOCA-R) of pupils in fall and spring by ten binary
# items, with two classes on each occasion and a random intercept of each class over classrooms. Those ratings are
# not public, and the printed Table 1 was not at hand when this file was written. The values below are therefore NOT
# copied from that table. They are the estimates, rounded to two digits, of a reference data set that had been
# simulated near it (60 classrooms of 20 pupils; maximum of the likelihood found by an independent program:
# tests/testthat/reference/oracle/two_level_lta.json). Same model, same size and kind of effects, other numbers.

library(mlmix)

toca_model <- lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room")

# logits of the items in class 1 (rated as aggressive) and class 2; the same in fall and spring
high <- c(2.44, 3.09, 1.02, 0.34, 1.43, 1.28, 1.07, 1.46, 2.32, 1.32)
low <- c(-0.50, -0.90, -3.32, -3.57, -1.43, -2.47, -2.45, -2.13, -1.14, -1.99)

# a1j ~ N(-0.55, 1.90);  a2j = -1.33 + 0.38 a1j + e_j, e_j ~ N(0, 0.35);  gamma = 2.98 (section 4; the regression is equation 15).
# In mlmix random effects have mean zero, so the mean of a1j times 0.38 is in the intercepts of c2.
rest <- -1.33 + 0.38 * -0.55
toca_values <- c(
  stats::setNames(high, paste0("fall", 1:10, "~1[c1=1]")), stats::setNames(low, paste0("fall", 1:10, "~1[c1=2]")),
  "c1#1~1" = -0.55, "c2#1~1[c1=1]" = rest + 2.98, "c2#1~1[c1=2]" = rest, "c1#1@room~~c1#1@room" = 1.90,
  "c2#1@room~c1#1@room" = 0.38, "c2#1@room~~c2#1@room" = 0.35
)

toca <- simulate_data(toca_model, toca_values, n = c(clusters = 60, size = 20), seed = 2006)
toca[] <- lapply(toca, as.integer)
save(toca, file = "data/toca.rda", compress = "xz", version = 3)
