//! The maximiser on functions with known maxima: bounds, curvature that its scaling does not know, walls, cancelling.

use mlmix_engine::optim::maximise::{maximise, Manner, Maximum, Settings, Status};
use mlmix_engine::optim::{Objective, Value};

const SETTINGS: Settings = Settings { max_iterations: 500, tolerance: 1e-8, manner: Manner::FromAfar };

/// f(x), its gradient, and a diagonal scaling.
type Function = fn(&[f64]) -> (f64, Vec<f64>, Vec<f64>);

struct Boxed {
    function: Function,
    lower: Vec<f64>,
    upper: Vec<f64>,
    cancel_after: usize,
}

impl Objective for Boxed {
    fn evaluate(&self, x: &[f64], want_scaling: bool) -> Value {
        let (f, gradient, diagonal) = (self.function)(x);
        let n = x.len();
        let mut scaling = vec![0.0; n * n];
        (0..n).for_each(|i| scaling[i * n + i] = diagonal[i]);
        Value { f, gradient, scaling: want_scaling.then_some(scaling), touching: None }
    }
    fn lower(&self) -> &[f64] {
        &self.lower
    }
    fn upper(&self) -> &[f64] {
        &self.upper
    }
    fn cancelled(&self, iteration: usize, _best: f64) -> bool {
        iteration >= self.cancel_after
    }
}

fn run(function: Function, x: &[f64], lower: &[f64], upper: &[f64]) -> Maximum {
    maximise(
        &Boxed { function, lower: lower.to_vec(), upper: upper.to_vec(), cancel_after: usize::MAX },
        x.to_vec(),
        SETTINGS,
    )
}

const FREE: [f64; 2] = [f64::INFINITY; 2];
const FREE_BELOW: [f64; 2] = [f64::NEG_INFINITY; 2];

/// −½ (x − (1, 2))ᵀ A (x − (1, 2)) with A = (2, 1.8; 1.8, 2): the diagonal scaling misses the correlation.
fn correlated(x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let (a, b) = (x[0] - 1.0, x[1] - 2.0);
    let g = vec![-(2.0 * a + 1.8 * b), -(1.8 * a + 2.0 * b)];
    (0.5 * (a * g[0] + b * g[1]), g, vec![4.0, 4.0])
}

/// Rosenbrock's valley, upside down.
fn valley(x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
    (-(a * a + 100.0 * b * b), vec![2.0 * a + 400.0 * b * x[0], -200.0 * b], vec![802.0, 200.0])
}

/// log(x₀) − x₀ − (x₁ − x₀)²: not admissible where x₀ ≤ 0.
fn wall(x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    if x[0] <= 0.0 {
        return (f64::NEG_INFINITY, vec![0.0; 2], vec![1.0; 2]);
    }
    let d = x[1] - x[0];
    (x[0].ln() - x[0] - d * d, vec![1.0 / x[0] - 1.0 + 2.0 * d, -2.0 * d], vec![0.3, 2.0])
}

/// Nearly flat in x₀, which has its maximum far beyond the bound; x₁ has an ordinary one.
fn flat_towards_the_bound(x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let e = (-x[0]).exp();
    let d = x[1] - 3.0;
    (-1000.0 * e - d * d, vec![1000.0 * e, -2.0 * d], vec![1000.0 * e, 3.0])
}

fn assert_at(m: &Maximum, want: [f64; 2]) {
    assert_eq!(m.status, Status::Converged, "{m:?}");
    for (got, want) in m.x.iter().zip(want) {
        assert!((got - want).abs() < 1e-3, "{:?} instead of {want:?}", m.x);
    }
}

#[test]
fn curvature_is_learnt() {
    let m = run(correlated, &[-3.0, 5.0], &FREE_BELOW, &FREE);
    assert_at(&m, [1.0, 2.0]);
    assert!(m.evaluations <= 30, "{} evaluations", m.evaluations);
}

#[test]
fn a_curved_valley_is_followed() {
    let m = run(valley, &[-1.2, 1.0], &FREE_BELOW, &FREE);
    assert_at(&m, [1.0, 1.0]);
    assert!(m.trace.windows(2).all(|t| t[1] >= t[0] - 1e-10));
}

#[test]
fn steps_over_a_wall_are_halved() {
    assert_at(&run(wall, &[4.0, 0.5], &FREE_BELOW, &FREE), [1.0, 1.0]);
}

#[test]
fn the_maximum_on_a_bound_is_found_and_left_again() {
    // unconstrained (1, 2); with x₁ ≤ 1 the maximum over x₀ is 1 + 0.9
    assert_at(&run(correlated, &[-3.0, 0.0], &FREE_BELOW, &[f64::INFINITY, 1.0]), [1.9, 1.0]);
    // starts on a bound that is not active at the maximum
    assert_at(&run(correlated, &[-3.0, -5.0], &[-10.0, -5.0], &FREE), [1.0, 2.0]);
}

/// Starting a hair from the bound must neither stall the other coordinate nor cost many halvings.
#[test]
fn a_coordinate_a_hair_from_its_bound_does_no_harm() {
    for hair in [1e-3, 1e-6, 1e-9, 1e-12] {
        let m = run(flat_towards_the_bound, &[15.0 - hair, 0.0], &FREE_BELOW, &[15.0, f64::INFINITY]);
        assert_at(&m, [15.0, 3.0]);
        assert!(m.evaluations <= 60, "{hair}: {} evaluations", m.evaluations);
    }
}

#[test]
fn limits_and_cancelling_are_statuses() {
    let few = Settings { max_iterations: 3, ..SETTINGS };
    let objective =
        |cancel_after| Boxed { function: valley, lower: FREE_BELOW.to_vec(), upper: FREE.to_vec(), cancel_after };
    let m = maximise(&objective(usize::MAX), vec![-1.2, 1.0], few);
    assert_eq!((m.status, m.iterations), (Status::MaxIterations, 3));
    assert_eq!(maximise(&objective(2), vec![-1.2, 1.0], SETTINGS).status, Status::Cancelled);
    let outside = run(wall, &[-1.0, 0.0], &FREE_BELOW, &FREE);
    assert_eq!(outside.status, Status::Stalled);
}
