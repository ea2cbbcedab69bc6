# lsat: LSAT section 6, five items, 1,000 persons.
# Published in Bock and Lieberman (1970, Psychometrika 35, 179-197), frequencies of the 30 patterns that occur.
# 1 = right, 0 = wrong.
# Run from the package root: Rscript data-raw/lsat.R
source("data-raw/frequency-table.R")

lsat <- expand_persons(pattern_table(
  items = paste0("item", 1:5),
  patterns = c(
    "00000", "00001", "00010", "00011", "00100", "00101",
    "00110", "00111", "01000", "01001", "01011", "01101",
    "01110", "01111", "10000", "10001", "10010", "10011",
    "10100", "10101", "10110", "10111", "11000", "11001",
    "11010", "11011", "11100", "11101", "11110", "11111"
  ),
  frequency = c(
    3, 6, 2, 11, 1, 1,
    3, 4, 1, 8, 16, 3,
    2, 15, 10, 29, 14, 81,
    3, 28, 15, 80, 16, 56,
    21, 173, 11, 61, 28, 298
  )
))

save_data("lsat")
