# T12: two-level latent transition analysis (Asparouhov and Muthen, 2006, section 4), 15 x 15 points; nobody else can.

two_level_lta <- function(data, ...) {
  model <- lta(list(fall = fall1:fall10, spring = spring1:spring10), k = 2, cluster = "room")
  mlmix(model, data, integration = quadrature("rectangular", points = 15, adaptive = TRUE), ...)
}

speed_task("T12", "Two-level LTA, 15 x 15 points", "classrooms x 20 pupils x 20 binary items",
  speed_variant("60 classrooms", "t12", -11191.4027, ours(two_level_lta, starts = c(1, 1)),
    goals = list(within_seconds(5))),
  speed_variant("600 classrooms", "t12x", NA, ours(two_level_lta, starts = c(1, 1), warm = FALSE),
    goals = list(grows_less("60 classrooms", 11)))
)
