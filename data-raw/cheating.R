# cheating: four questions on cheating, 319 students.
# Published in Dayton (1998, Latent Class Scaling Analysis, Sage), frequencies of the 16 patterns.
# 1 = has done it, 0 = has not.
# Run from the package root: Rscript data-raw/cheating.R
source("data-raw/frequency-table.R")

cheating <- expand_persons(pattern_table(
  items = c("lie_exam", "lie_paper", "fraud", "copy_exam"),
  patterns = c(
    "0000", "0001", "0010", "0011", "0100", "0101",
    "0110", "0111", "1000", "1001", "1010", "1011",
    "1100", "1101", "1110", "1111"
  ),
  frequency = c(
    207, 46, 7, 5, 13, 4,
    1, 2, 10, 3, 1, 2,
    11, 4, 1, 2
  )
))

save_data("cheating")
