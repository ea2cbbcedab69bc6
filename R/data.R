# Documentation of the data sets; data-raw/ holds the typed tables and their sources.

#' Five items of the Law School Admission Test
#'
#' The answers of 1,000 persons to five items of section 6 of the LSAT, the
#' standard small example of item response theory.
#'
#' @format A data frame with 1,000 rows, one per person, and five integer
#'   columns `item1` to `item5`: 1 = right, 0 = wrong.
#' @source Bock, R. D., & Lieberman, M. (1970). Fitting a response model for *n*
#'   dichotomously scored items. *Psychometrika*, 35(2), 179–197. Their
#'   frequencies of response patterns, one row per person here.
#' @examples
#' colMeans(lsat)
"lsat"

#' Seven pathologists judge 118 slides
#'
#' Seven pathologists each said whether slides of the uterine cervix show
#' carcinoma. The standard small example of latent class analysis.
#'
#' @format A data frame with 118 rows, one per slide, and seven integer columns
#'   `A` to `G`, one per pathologist: 1 = carcinoma, 0 = no carcinoma.
#' @source Agresti, A. (2002). *Categorical data analysis* (2nd ed., Table
#'   13.1). Wiley. The frequencies of the 20 patterns that occur, one row per
#'   slide here.
#' @examples
#' colMeans(carcinoma)
"carcinoma"

#' Role conflict: universalistic and particularistic answers
#'
#' 216 students said what they would do in four situations in which a duty to
#' a friend conflicts with a duty to society.
#'
#' @format A data frame with 16 rows, one per response pattern, and the integer
#'   columns
#'   \describe{
#'     \item{`A`, `B`, `C`, `D`}{the four situations: 1 = universalistic (duty to
#'       society), 0 = particularistic (duty to the friend)}
#'     \item{`frequency`}{number of students with this pattern; 216 in all}
#'   }
#' @source Stouffer, S. A., & Toby, J. (1951). Role conflict and personality.
#'   *American Journal of Sociology*, 56(5), 395–406. The frequencies as in
#'   Goodman, L. A. (1974). Exploratory latent structure analysis using both
#'   identifiable and unidentifiable models. *Biometrika*, 61(2), 215–231.
#' @examples
#' sum(stouffer_toby$frequency)
"stouffer_toby"

#' Five dentists judge 3,869 teeth
#'
#' Five dentists each judged from X-rays whether a tooth is carious. Used to show that latent
#' classes alone may not explain the agreement of raters, so that a factor
#' within classes (a random effect of the tooth) is needed.
#'
#' @format A data frame with 32 rows, one per response pattern, and the integer
#'   columns
#'   \describe{
#'     \item{`dentist1`, `dentist2`, `dentist3`, `dentist4`, `dentist5`}{judgement: 1 = carious, 0 = sound}
#'     \item{`frequency`}{number of teeth with this pattern; 3,869 in all}
#'   }
#' @source Qu, Y., Tan, M., & Kutner, M. H. (1996). Random effects models in
#'   latent class analysis for evaluating accuracy of diagnostic tests.
#'   *Biometrics*, 52(3), 797–810.
#' @examples
#' with(dentistry, sum(frequency[dentist5 == 1]) / sum(frequency))
"dentistry"

#' Cheating among students
#'
#' 319 undergraduates said whether they had ever cheated in four ways.
#'
#' @format A data frame with 319 rows, one per student, and four integer
#'   columns: 1 = has done it, 0 = has not.
#'   \describe{
#'     \item{`lie_exam`}{lied to avoid taking an exam}
#'     \item{`lie_paper`}{lied to avoid handing in a term paper on time}
#'     \item{`fraud`}{bought a term paper, or had a copy of an exam beforehand}
#'     \item{`copy_exam`}{copied answers during an exam}
#'   }
#' @source Dayton, C. M. (1998). *Latent class scaling analysis*. Sage. The
#'   frequencies of the 16 patterns, one row per student here.
#' @examples
#' colMeans(cheating)
"cheating"

#' Pupils rated by their teachers in fall and spring (simulated)
#'
#' A two-level latent transition data set: 1,200 pupils in 60 classrooms, ten binary ratings of aggressive behaviour in
#' fall and the same ten in spring. **Simulated**, after the example of section 4 of Asparouhov and Muthén (2006), whose
#' ratings (TOCA-R) are not public. The values from which the data were drawn are of the kind and size of their Table
#' 1, but are not the published numbers; they are in the examples and in `data-raw/toca.R`.
#'
#' @format A data frame with 1,200 rows, one per pupil, and the integer columns
#'   \describe{
#'     \item{`room`}{classroom, 1 to 60, with 20 pupils each}
#'     \item{`fall1`, `fall2`, `fall3`, `fall4`, `fall5`, `fall6`, `fall7`, `fall8`, `fall9`, `fall10`}{ratings in
#'       fall: 1 = shows the behaviour, 0 = does not}
#'     \item{`spring1`, `spring2`, `spring3`, `spring4`, `spring5`, `spring6`, `spring7`, `spring8`, `spring9`,
#'       `spring10`}{the same ratings in spring}
#'   }
#' @source Drawn with [simulate_data()]. Values: rounded maximum likelihood estimates, found by an independent program,
#'   for a reference data set of this project that had been simulated near the published estimates.
#'
#'   Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 4, equation (15) and Table 1.
#' @examples
#' # how many of the ratings are 1
#' colMeans(toca[-1])
#' # the model and the values behind the data
#' model <- lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room")
#' values <- c("c1#1~1" = -0.55, "c2#1~1[c1=1]" = 1.441, "c2#1~1[c1=2]" = -1.539,
#'   "c1#1@room~~c1#1@room" = 1.90, "c2#1@room~c1#1@room" = 0.38, "c2#1@room~~c2#1@room" = 0.35)
"toca"
