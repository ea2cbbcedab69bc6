# write_speed_table(): bench/speed.md from the measurements in bench/speed.csv.

write_speed_table <- function(results, file) {
  tasks <- lapply(intersect(speed_task_ids(), unique(results$task)), read_task)
  figures <- figures_elsewhere(tasks, results)
  lines <- c(
    "# Speed", "",
    paste0("Written by `bench/speed.R` from `bench/speed.csv`: ", machine_words(), "."), "",
    strwrap(paste(
      "Each program runs in a fresh process, all programs of a task in turn, round after round; a time is the median",
      "over the rounds (within a process: the median of up to five fits after an untimed one; those of mlmix and",
      "StepMix have seeds 1 to 5, since how long one random start takes is chance), a ratio the median of the ratios",
      "of one round.",
      "Times are of the whole call, from data frame to fit. The machine was shared: `load` is the mean number of",
      "running processes on its cores meanwhile, and only ratios count. `difference`: the lowest log-likelihood less",
      "the value that independent programs agree on; a goal is met only if it is above -0.001.",
      "`steps`: E-steps, those of the standard errors included (mlmix), or iterations (others). `MB`: peak memory,",
      "and in parentheses what the fit added to",
      "packages and data. mlmix uses", bench_threads(), "threads; StepMix may. Where more processes than cores wanted",
      "to run, waiting decides wall times: goals are then judged by CPU times, which count both threads against mlmix."
    ), 120), "",
    "## Goals", "", goal_lines(tasks, results, pace(figures)), "", "## All programs", "",
    unlist(lapply(tasks, program_lines, results = results)),
    "## Elsewhere", "", elsewhere_lines(figures)
  )
  writeLines(lines, file)
}

md_row <- function(...) paste0("| ", paste(c(...), collapse = " | "), " |")
md_table <- function(head, rows) c(md_row(head), md_row(rep("---", length(head))), rows)

show_seconds <- function(x) if (!is.finite(x)) "" else if (x < 0.1) sprintf("%.4f", x) else sprintf("%.3g", x)
show_number <- function(x, digits = 0) {
  if (is.finite(x)) formatC(x, format = "f", digits = digits, big.mark = ",") else ""
}
show_ratio <- function(x) if (is.finite(x)) sprintf("%.3g", x) else ""
middle <- function(x) if (any(is.finite(x))) stats::median(x[is.finite(x)]) else NA_real_

rows_of <- function(results, task, variant, program) {
  results[results$task == task$id & results$variant == variant$name & results$program == program, ]
}

# Peer over ours, paired by round.
paired_ratio <- function(peer, mine, column) middle(peer[[column]][match(mine$round, peer$round)] / mine[[column]])

difference <- function(rows, variant) middle(rows$log_likelihood) - variant$log_likelihood

# The goals -------------------------------------------------------------------------------------------------------

goal_lines <- function(tasks, results, pace) {
  rows <- unlist(lapply(tasks, function(task) {
    unlist(lapply(task$variants, function(variant) {
      lapply(variant$goals, function(goal) goal_row(task, variant, goal, results, pace))
    }))
  }))
  md_table(c("task", "variant", "difference", "our wall s", "goal", "yardstick here: wall s",
    "ratio of wall (CPU) times", "without our standard errors", "elsewhere: CPU s, over ours", "met",
    "faster than us here"), rows)
}

goal_row <- function(task, variant, goal, results, pace) {
  mine <- rows_of(results, task, variant, variant$programs[[1]]$name)
  bare <- rows_of(results, task, variant, variant$programs[[2]]$name)
  wall <- middle(mine$wall)
  reached <- is.na(variant$log_likelihood) || isTRUE(difference(mine, variant) > -1e-3)
  judged <- switch(goal$kind,
    ratio = judge_ratio(task, variant, goal, results, mine, bare, pace),
    seconds = list(
      goal = paste("within", goal$seconds, "s"), how = if (is_loaded(mine)) ", by CPU time" else "",
      met = (if (is_loaded(mine)) middle(mine$cpu) else wall) <= goal$seconds
    ),
    growth = judge_growth(task, variant, goal, results, mine)
  )
  quicker <- Filter(function(one) {
    peer <- rows_of(results, task, variant, one$name)
    isTRUE(paired_ratio(peer, mine, if (is_loaded(mine)) "cpu" else "wall") < 1)
  }, variant$programs[-(1:2)])
  met <- if (!is.finite(wall)) mine$status[1] else if (!reached) "no: log-likelihood" else words_met(judged)
  md_row(task$id, variant$name, show_number(difference(mine, variant), 4), show_seconds(wall), judged$goal,
    c(judged$yardstick, "")[[1]], c(judged$ratio, "")[[1]], c(judged$bare, "")[[1]], c(judged$elsewhere, "")[[1]], met,
    paste(vapply(quicker, `[[`, "", "name"), collapse = "; "))
}

words_met <- function(judged) {
  without <- if (isFALSE(judged$met) && isTRUE(judged$without_met)) "; yes without our standard errors" else ""
  paced <- if (isFALSE(judged$met) && isTRUE(judged$paced_met)) "; yes at today's pace (see Elsewhere)" else ""
  paste0(if (isTRUE(judged$met)) "yes" else if (isFALSE(judged$met)) "**no**" else "not known", judged$how, without,
    paced)
}

# Whether other work kept the cores busy: the load beyond mlmix's own threads.
is_loaded <- function(rows) isTRUE(middle(rows$load) > parallel::detectCores() + 1)

judge_ratio <- function(task, variant, goal, results, mine, bare, pace) {
  peers <- variant$programs[-(1:2)]
  named <- function(name) is.null(goal$peer) || startsWith(name, goal$peer)
  peers <- Filter(function(one) {
    rows <- rows_of(results, task, variant, one$name)
    good <- !is.null(goal$peer) || (!one$less && isTRUE(difference(rows, variant) > -0.01))
    named(one$name) && any(is.finite(rows$wall)) && good
  }, peers)
  elsewhere <- variant$elsewhere[vapply(names(variant$elsewhere), named, TRUE)]
  judged <- list(goal = paste0(goal$ratio, " x ", if (is.null(goal$peer)) "the fastest" else goal$peer))
  if (length(elsewhere) > 0) {
    least <- elsewhere[which.min(elsewhere)]
    over <- least / middle(if (is_loaded(mine)) mine$cpu else mine$wall)
    judged$elsewhere <- paste0(names(least), " ", least, ": ", show_ratio(over))
    judged$met <- over >= goal$ratio
    judged$without_met <- least / middle(if (is_loaded(mine)) bare$cpu else bare$wall) >= goal$ratio
    judged$how <- ", by the figure from elsewhere"
    judged$paced_met <- over * pace >= goal$ratio
  }
  if (length(peers) > 0) {
    walls <- vapply(peers, function(one) middle(rows_of(results, task, variant, one$name)$wall), 0)
    peer <- peers[[which.min(walls)]]
    rows <- rows_of(results, task, variant, peer$name)
    ratio <- paired_ratio(rows, mine, "wall")
    judged$yardstick <- paste0(peer$name, ": ", show_seconds(min(walls)))
    judged$ratio <- paste0(show_ratio(ratio), " (", show_ratio(paired_ratio(rows, mine, "cpu")), ")")
    judged$bare <- paste0(show_ratio(paired_ratio(rows, bare, "wall")), " (",
      show_ratio(paired_ratio(rows, bare, "cpu")), ")")
    loaded <- is_loaded(mine)
    judged$met <- (if (loaded) paired_ratio(rows, mine, "cpu") else ratio) >= goal$ratio
    judged$without_met <- paired_ratio(rows, bare, if (loaded) "cpu" else "wall") >= goal$ratio
    judged$how <- if (loaded) ", by CPU time" else ""
    judged$paced_met <- NULL
  }
  judged
}

judge_growth <- function(task, variant, goal, results, mine) {
  small <- Filter(function(other) other$name == goal$than, task$variants)[[1]]
  base <- rows_of(results, task, small, small$programs[[1]]$name)
  growth <- middle(mine$wall) / middle(base$wall)
  cpu <- middle(mine$cpu) / middle(base$cpu)
  list(
    goal = paste0("at most ", goal$ratio, " x ", goal$than),
    ratio = paste0(show_ratio(growth), " (", show_ratio(cpu), ")"),
    how = if (is_loaded(mine)) ", by CPU time" else "", met = (if (is_loaded(mine)) cpu else growth) <= goal$ratio
  )
}

# Every program ---------------------------------------------------------------------------------------------------

program_lines <- function(task, results) {
  unlist(lapply(task$variants, function(variant) {
    rows <- lapply(variant$programs, function(one) program_row(one, rows_of(results, task, variant, one$name), variant))
    some <- results[results$task == task$id & results$variant == variant$name, ]
    if (nrow(some) == 0) return(character(0))
    c(
      paste0("### ", task$id, " ", task$title, if (nzchar(variant$name)) paste0(", ", variant$name)), "",
      paste0(task$size, "; ", format(max(some$date)), ", commit ", paste(unique(some$commit), collapse = " "), ", ",
        max(some$round), " round(s), load ", paste(unique(format(range(some$load), nsmall = 1)), collapse = " to "),
        "."),
      "",
      md_table(c("program", "log-likelihood", "difference", "parameters", "steps", "wall s", "CPU s", "MB (added)",
        "rule"), unlist(rows)), ""
    )
  }))
}

program_row <- function(one, rows, variant) {
  if (nrow(rows) == 0) {
    return(md_row(one$name, "not installed here", rep("", 6), one$rule))
  }
  name <- paste0(one$name, if (nzchar(rows$version[1])) paste0(" (", rows$version[1], ")"))
  if (!any(is.finite(rows$wall))) return(md_row(name, rows$status[1], rep("", 6), one$rule))
  odd <- setdiff(rows$status, c("ok", "converged"))
  md_row(name, show_number(middle(rows$log_likelihood), 4), show_number(difference(rows, variant), 4),
    show_number(middle(rows$parameters)), show_number(middle(rows$iterations)), show_seconds(middle(rows$wall)),
    show_seconds(middle(rows$cpu)),
    paste0(show_number(middle(rows$peak_mb)), " (", show_number(middle(rows$added_mb)), ")"),
    paste0(one$rule, if (length(odd) > 0) paste0("; **", paste(odd, collapse = ", "), "**")))
}

# Other machines' figures -----------------------------------------------------------------------------------------

# CPU seconds here of the same version of a program that is named with it ("lme4 1.1.31, 15 adaptive points").
cpu_here <- function(task, variant, name, results) {
  version <- "[0-9]+([.][0-9]+)+"
  rows <- rows_of(results, task, variant, sub(paste0(" ", version), "", name))
  same <- grepl(version, name) & rows$version %in% regmatches(name, regexpr(version, name))
  middle(rows$cpu[same])
}

# Programs' CPU seconds elsewhere, and here where they ran.
figures_elsewhere <- function(tasks, results) {
  do.call(rbind, lapply(tasks, function(task) {
    do.call(rbind, lapply(task$variants, function(variant) {
      names <- names(variant$elsewhere)
      here <- vapply(names, cpu_here, 0, task = task, variant = variant, results = results)
      data.frame(task = rep(task$id, length(names)), variant = rep(variant$name, length(names)), name = names,
        cpu = unname(variant$elsewhere), here = here)
    }))
  }))
}

over_elsewhere <- function(figures) (figures$here / figures$cpu)[is.finite(figures$here)]

# How many times as long programs take here.
pace <- function(figures) middle(over_elsewhere(figures))

elsewhere_lines <- function(figures) {
  over <- over_elsewhere(figures)
  c(strwrap(paste0(
    "CPU seconds of packages as they were measured on another occasion, on two cores of the same kind under a changing ",
    "load (they vary by half), with the same data. They are no ratios of one run; they stand in where a package is not ",
    "installed.",
    if (length(over) > 0) {
      paste0(" The ", length(over), " that ran here too, in the same version, took ", show_ratio(pace(figures)),
        " times as long here (median; ", show_ratio(min(over)), " to ", show_ratio(max(over)),
        "): today's pace. Figures from elsewhere times this are what the other programs would need here.")
    }
  ), 120), "", md_table(c("task", "variant", "program", "CPU s", "here"), unlist(Map(md_row, figures$task,
    figures$variant, figures$name, figures$cpu, vapply(figures$here, show_seconds, "")))))
}
