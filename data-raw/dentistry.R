# dentistry: five dentists and 3,869 X-rays of teeth, as patterns with frequencies.
# Published in Qu, Tan and Kutner (1996, Biometrics 52, 797-810).
# 1 = carious, 0 = sound.
# Run from the package root: Rscript data-raw/dentistry.R
source("data-raw/frequency-table.R")

dentistry <- pattern_table(
  items = paste0("dentist", 1:5),
  patterns = c(
    "00000", "00001", "00010", "00011", "00100", "00101",
    "00110", "00111", "01000", "01001", "01010", "01011",
    "01100", "01101", "01110", "01111", "10000", "10001",
    "10010", "10011", "10100", "10101", "10110", "10111",
    "11000", "11001", "11010", "11011", "11100", "11101",
    "11110", "11111"
  ),
  frequency = c(
    1880, 789, 43, 75, 23, 63,
    8, 22, 188, 191, 17, 67,
    15, 85, 8, 56, 22, 26,
    6, 14, 1, 20, 2, 17,
    2, 20, 6, 27, 3, 72,
    1, 100
  )
)

save_data("dentistry")
