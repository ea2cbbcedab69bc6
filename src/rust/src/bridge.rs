//! Where R meets Rust's threads, panics and errors; everything that could end the R session is caught here.
//!
//! Three rules: only R's main thread touches R; no Rust panic leaves an `extern "C"` function;
//! no R `longjmp` crosses a Rust frame that owns anything.
use extendr_api::prelude::*;
use mlmix_engine::{EngineError, Monitor};
use std::any::Any;
use std::ffi::{c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long the main thread waits for the result before it looks for Ctrl-C.
const POLL: Duration = Duration::from_millis(20);
/// Shortest time between two calls of the R progress function.
const REPORT: Duration = Duration::from_millis(100);

/// A condition to be raised by R: `kind` is "spec", "data", "engine", "interrupt" or "bug".
#[derive(Debug)]
pub struct Condition {
    pub kind: &'static str,
    pub message: String,
}

impl Condition {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    fn interrupt() -> Self {
        Self::new("interrupt", "interrupted by the user")
    }

    fn panic(payload: Box<dyn Any + Send>) -> Self {
        let text =
            payload.downcast_ref::<&str>().map(|s| s.to_string()).or_else(|| payload.downcast_ref::<String>().cloned());
        Self::new("bug", text.unwrap_or_else(|| "no message".into()))
    }
}

impl From<EngineError> for Condition {
    fn from(error: EngineError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

pub type Outcome<T> = std::result::Result<T, Condition>;

/// Always returns a plain list, `list(ok = value)` or `list(err = list(kind, message))`;
/// R raises the condition. Rust never calls `Rf_error`.
pub fn boundary(body: impl FnOnce() -> Outcome<Robj>) -> Robj {
    let condition = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return list!(ok = value).into(),
        Ok(Err(condition)) => condition,
        Err(payload) => Condition::panic(payload),
    };
    let message = condition.message.replace('\0', "\\0"); // R strings cannot hold NUL
    list!(err = list!(kind = condition.kind, message = message)).into()
}

/// What the workers and R's main thread share: a flag one way, the latest report the other way.
#[derive(Default)]
struct Watch {
    cancel: AtomicBool,
    start: AtomicUsize,
    iteration: AtomicUsize,
    best_bits: AtomicU64,
    reported: AtomicBool,
}

impl Monitor for Watch {
    fn cancelled(&self) -> bool {
        self.cancel.load(Relaxed)
    }

    fn report(&self, start: usize, iteration: usize, best: f64) {
        self.start.store(start, Relaxed);
        self.iteration.store(iteration, Relaxed);
        self.best_bits.store(best.to_bits(), Relaxed);
        self.reported.store(true, Relaxed);
    }
}

impl Watch {
    /// Calls `progress(start, iteration, best)`; false when the user wants to stop
    /// (the function returned `FALSE`, or Ctrl-C was pressed inside it).
    fn tell(&self, progress: &Function) -> bool {
        if !self.reported.swap(false, Relaxed) {
            return true;
        }
        let start = self.start.load(Relaxed) as f64;
        let iteration = self.iteration.load(Relaxed) as f64;
        let best = f64::from_bits(self.best_bits.load(Relaxed));
        match progress.call(pairlist!(start, iteration, best)) {
            Ok(answer) => answer.as_bool() != Some(false),
            Err(_) => false,
        }
    }
}

extern "C" {
    fn R_CheckUserInterrupt();
    fn R_ToplevelExec(run: extern "C" fn(*mut c_void), data: *mut c_void) -> c_int;
}

extern "C" fn check_interrupt(_: *mut c_void) {
    // SAFETY: called by R_ToplevelExec on R's main thread; owns nothing a longjmp could skip.
    unsafe { R_CheckUserInterrupt() }
}

/// Has Ctrl-C been pressed? R's main thread only; the longjmp stays inside `R_ToplevelExec`.
fn interrupt_pending() -> bool {
    // SAFETY: both functions are part of R's C interface and this is R's main thread.
    unsafe { R_ToplevelExec(check_interrupt, std::ptr::null_mut()) == 0 }
}

/// Runs `work` on a private pool of `threads` while R's main thread polls for Ctrl-C and
/// calls the R function `progress(start, iteration, best log-likelihood)`, if there is one.
///
/// The pool is private because the global one hangs after a fork (`parallel::mclapply()`).
pub fn run_with_progress<T: Send>(
    threads: usize,
    progress: &Robj,
    work: impl FnOnce(&dyn Monitor) -> std::result::Result<T, EngineError> + Send,
) -> Outcome<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .thread_name(|i| format!("mlmix-{i}"))
        .build()
        .map_err(|e| Condition::new("engine", format!("the threads could not be started: {e}")))?;
    let progress = progress.as_function();
    let watch = Watch::default();
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let (watch, pool) = (&watch, &pool);
        scope.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| pool.install(|| work(watch))));
            let _ = sender.send(result);
        });
        let mut last = Instant::now();
        let result = loop {
            match receiver.recv_timeout(POLL) {
                Ok(result) => break result,
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break Err(Box::new("the worker thread ended without a result"));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if watch.cancelled() {
                continue; // told to stop: wait for the workers to notice
            }
            let mut stop = interrupt_pending();
            if let (false, Some(function), true) = (stop, &progress, last.elapsed() >= REPORT) {
                last = Instant::now();
                stop = !watch.tell(function);
            }
            if stop {
                watch.cancel.store(true, Relaxed);
            }
        };
        match result {
            Err(payload) => Err(Condition::panic(payload)),
            Ok(_) if watch.cancelled() => Err(Condition::interrupt()),
            Ok(result) => result.map_err(Condition::from),
        }
    })
}
