# Loads the definitions of the benchmark; the tasks are those in bench/speed/tasks.

for (file in c("simulate.R", "define.R", "peers_lca.R")) source(file.path("bench", "speed", file))

speed_task_ids <- function() {
  ids <- toupper(sub("\\.R$", "", list.files(file.path("bench", "speed", "tasks"))))
  ids[order(as.integer(sub("^T", "", ids)))]
}

# The value of a task's file is the task.
read_task <- function(id) source(file.path("bench", "speed", "tasks", paste0(tolower(id), ".R")), local = TRUE)$value
