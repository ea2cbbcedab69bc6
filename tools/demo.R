# The demo: real models fitted to shipped data. Prints tables and draws a plot.
# Rscript tools/demo.R [folder the plot goes to]
suppressPackageStartupMessages(library(mlmix))
folder <- commandArgs(TRUE)[1]
if (is.na(folder)) folder <- "demo-output"
dir.create(folder, showWarnings = FALSE)

title <- function(text) cat("\n", strrep("=", 78), "\n", text, "\n", strrep("=", 78), "\n", sep = "")
# Parameters at the boundary are marked in every table: no need for the warning as well.
quietly <- function(fit) suppressWarnings(fit, classes = "mlmix_warning_boundary")

pathologists <- lca(c(A, B, C, D, E, F, G), k = 3)

title("How many classes of slides do seven pathologists see? (carcinoma, N = 118)")
print(quietly(enumerate_classes(pathologists, carcinoma, k = 1:4, seed = 1)))

title("Three latent classes of slides")
slides <- quietly(mlmix(pathologists, carcinoma, seed = 1))
print(summary(slides))

title("P(carcinoma) by pathologist and class, with delta-method intervals")
probabilities <- as.data.frame(estimates(slides, scale = "probability"))
shown <- c("target", "class", "estimate", "std.error", "conf.low", "conf.high", "status")
probabilities <- probabilities[probabilities$term == "1", shown]
numeric <- vapply(probabilities, is.numeric, NA)
probabilities[numeric] <- lapply(probabilities[numeric], round, 3)
print(probabilities, row.names = FALSE)

title("Two-parameter logistic model, five items of the LSAT (lsat, N = 1,000)")
test <- mlmix(irt(item1:item5, type = "2pl"), lsat, seed = 1)
print(test)
print(as.data.frame(estimates(test))[c("target", "term", "estimate", "std.error")], digits = 3, row.names = FALSE)

title("Factor mixture: five dentists, 3,869 teeth, from a table of frequencies (dentistry)")
print(mlmix(fma(dentist1:dentist5, k = 2), dentistry, frequency = "frequency", starts = c(10, 3), seed = 1))

if (requireNamespace("ggplot2", quietly = TRUE)) {
  file <- file.path(folder, "carcinoma-profiles.png")
  ggplot2::ggsave(file, plot(slides, type = "profile"), width = 7, height = 4.5, dpi = 150)
  cat("\nThe profile plot is in ", file, "\n", sep = "")
} else {
  cat("\nggplot2 is not installed: no plot was drawn\n")
}
