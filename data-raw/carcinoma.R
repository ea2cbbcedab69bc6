# carcinoma: seven pathologists and 118 slides.
# Published in Agresti (2002, Categorical Data Analysis, 2nd ed., Wiley), Table 13.1.
# 1 = carcinoma in the uterine cervix, 0 = no carcinoma.
# Run from the package root: Rscript data-raw/carcinoma.R
source("data-raw/frequency-table.R")

carcinoma <- expand_persons(pattern_table(
  items = LETTERS[1:7],
  patterns = c(
    "0000000", "0000100", "0100000", "0100001", "0100100", "0100101",
    "1000000", "1010101", "1100000", "1100001", "1100100", "1100101",
    "1100111", "1101001", "1101101", "1101111", "1110101", "1110111",
    "1111101", "1111111"
  ),
  frequency = c(
    34, 2, 6, 1, 4, 5,
    2, 1, 2, 1, 2, 7,
    1, 1, 2, 3, 13, 5,
    10, 16
  )
))

save_data("carcinoma")
