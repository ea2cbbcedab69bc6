# stouffer_toby: four role conflict situations, 216 students, as patterns with frequencies.
# Published in Goodman (1974, Biometrika 61, 215-231); collected by Stouffer and Toby (1951).
# 1 = universalistic, 0 = particularistic.
# Run from the package root: Rscript data-raw/stouffer_toby.R
source("data-raw/frequency-table.R")

stouffer_toby <- pattern_table(
  items = LETTERS[1:4],
  patterns = c(
    "0000", "0001", "0010", "0011", "0100", "0101",
    "0110", "0111", "1000", "1001", "1010", "1011",
    "1100", "1101", "1110", "1111"
  ),
  frequency = c(
    20, 2, 9, 2, 6, 1,
    4, 1, 38, 7, 24, 6,
    25, 6, 23, 42
  )
)

save_data("stouffer_toby")
