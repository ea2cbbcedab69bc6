# The demo: real models fitted to shipped data. Prints tables and draws a plot.
# Rscript tools/demo.R [folder the plot goes to]
library(mlmix)
folder <- commandArgs(TRUE)[1]
if (is.na(folder)) folder <- "demo-output"
dir.create(folder, showWarnings = FALSE)
title <- function(text) cat("\n", strrep("=", 78), "\n", text, "\n", strrep("=", 78), "\n", sep = "")

title("How many classes of slides do seven pathologists see? (carcinoma, N = 118)")
print(enumerate_classes(lca(A:G, k = 2), carcinoma, k = 1:4, seed = 1))

title("Three latent classes of slides")
slides <- mlmix(lca(A:G, k = 3), carcinoma, seed = 1)
print(summary(slides))

title("Their probabilities of a judgement 'carcinoma', with delta-method errors")
print(estimates(slides, scale = "probability"))

title("Role conflict, two classes, from a table of frequencies (stouffer_toby, N = 216)")
print(mlmix(lca(A:D, k = 2), stouffer_toby, frequency = "frequency", seed = 1))

if (requireNamespace("ggplot2", quietly = TRUE)) {
  file <- file.path(folder, "carcinoma-profiles.png")
  ggplot2::ggsave(file, plot(slides, type = "profile"), width = 7, height = 4.5, dpi = 150)
  cat("\nThe profile plot is in ", file, "\n", sep = "")
} else {
  cat("\nggplot2 is not installed: no plot was drawn\n")
}
