//! How the climb behaves: EM-gradient steps never decrease, and the number of E-steps stays small.

mod common;

use common::single_level::class_chain_of;
use common::two_level::{linear_mixed_model, random_logits_of};
use common::{all_cases, near_truth, Case, Shape};
use mlmix_engine::em::problem::{Problem, Silent};
use mlmix_engine::optim::maximise::{maximise, Manner, Maximum, Settings, Status};
use mlmix_engine::rng::Stream;

fn climb(case: &Case, spread: f64, settings: Settings) -> Maximum {
    let p = case.prepared();
    let x = near_truth(case, &p, &mut Stream::new(21, 0), spread);
    maximise(&Problem::new(&p.program, &p.space, &p.nodes, &Silent), x, settings)
}

#[test]
fn em_gradient_steps_never_decrease() {
    for case in all_cases() {
        let m = climb(&case, 0.1, Settings { max_iterations: 25, tolerance: 1e-8, manner: Manner::EmOnly });
        assert!(m.value.f.is_finite(), "{}: {:?}", case.name, m.status);
        for pair in m.trace.windows(2) {
            assert!(pair[1] >= pair[0] - 1e-11 * pair[0].abs(), "{}: from {} to {}", case.name, pair[0], pair[1]);
        }
        assert!(m.trace.last() > m.trace.first(), "{}: no gain at all", case.name);
    }
}

/// Its maximum is where a covariance matrix on its natural scale turns singular, beyond which steps must be cut.
const SINGULAR: &str = "random effects of equal variance";

/// A full step is the rule: halvings mean that the scaling matrix is wrong.
#[test]
fn em_gradient_steps_are_rarely_halved() {
    for case in all_cases().into_iter().filter(|c| c.name != SINGULAR) {
        let m = climb(&case, 0.1, Settings { max_iterations: 15, tolerance: 1e-8, manner: Manner::EmOnly });
        assert!(
            m.evaluations <= 2 * m.iterations + 6,
            "{}: {} evaluations in {} iterations",
            case.name,
            m.evaluations,
            m.iterations
        );
    }
}

/// Evaluations until convergence from a fixed start. A change that needs more is a loss of efficiency: look before raising a bound.
#[test]
fn evaluations_to_convergence_stay_small() {
    let cases = [
        (class_chain_of(3, 2, Shape::Rows(400)), 60),
        (linear_mixed_model(), 22),
        (random_logits_of(Shape::Clusters(150)), 82),
    ];
    for (case, most) in cases {
        let m = climb(&case, 0.05, Settings { max_iterations: 500, tolerance: 1e-8, manner: Manner::FromAfar });
        assert_eq!(m.status, Status::Converged, "{}", case.name);
        assert!(m.evaluations <= most, "{}: {} evaluations, at most {most} expected", case.name, m.evaluations);
    }
}
