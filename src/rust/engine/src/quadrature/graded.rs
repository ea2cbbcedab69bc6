//! Nodes that crowd where an integrand rises steeply: a class logit α + σ z of large σ is a step in z at −α/σ.
//!
//! With z(t) strictly increasing, ∫ g(z) φ(z) dz = ∫ g(z(t)) φ(z(t)) z'(t) dt, and the trapezoid rule in t converges
//! geometrically for a smooth map (Takahasi & Mori 1974). Here dt/dz = ρ(z) is chosen as the density of nodes,
//! ρ(z) = smooth + Σ_s 1 / (Δ √(w_s² + (z − c_s)²)), so that the spacing is Δ w_s in the middle of step s and grows with
//! the distance from it: the number of nodes grows with log σ only.

use super::rectangular::{self, reach};
use super::{normalise, Line};

/// A logit `slope` × (z − `centre`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub centre: f64,
    pub slope: f64,
}

/// Nodes of one dimension.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Grading {
    /// Empty: equally spaced nodes.
    pub steps: Vec<Step>,
    /// The integrand also varies away from the steps, as smoothly as elsewhere.
    pub smooth: bool,
}

/// Width of a step in units of its logit.
const LOGIT_WIDTH: f64 = 2.0;
/// Δ at 31 points; it falls with the number of points.
const SPACING: f64 = 0.35;
const RANGE: f64 = 7.0;
/// Change of a logit between equally spaced nodes h apart that these still follow: the trapezoid rule errs by about
/// exp(−2π² / (slope h)), here 1e-7.
const FOLLOWED: f64 = 1.2;

/// Whether as many equally spaced nodes follow a logit of this slope.
pub fn follows(points: usize, slope: f64) -> bool {
    points > 1 && slope.abs() * 2.0 * reach(points) <= FOLLOWED * (points - 1) as f64
}

/// The rule in one dimension; `points` is what an equally spaced rule of the same accuracy would have for a smooth integrand.
pub fn line(points: usize, grading: &Grading) -> Line {
    if grading.steps.is_empty() || points < 2 {
        return rectangular::line(points);
    }
    let spacing = SPACING * 30.0 / (points - 1) as f64;
    let smooth = if grading.smooth { (points - 1) as f64 / (2.0 * reach(points)) } else { 0.0 };
    let width = |s: &Step| LOGIT_WIDTH / s.slope.abs();
    let t =
        |z: f64| smooth * z + grading.steps.iter().map(|s| ((z - s.centre) / width(s)).asinh() / spacing).sum::<f64>();
    let density = |z: f64| {
        let steps = grading.steps.iter().map(|s| 1.0 / (spacing * (z - s.centre).hypot(width(s))));
        smooth + steps.sum::<f64>()
    };
    let (first, last) = (t(-RANGE).ceil() as i64, t(RANGE).floor() as i64);
    let nodes: Vec<f64> = (first..=last)
        .map(|k| {
            let (mut low, mut high) = (-RANGE, RANGE);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if t(middle) < k as f64 {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            0.5 * (low + high)
        })
        .collect();
    let mut log_weights: Vec<f64> = nodes.iter().map(|&z| -0.5 * z * z - density(z).ln()).collect();
    normalise(&mut log_weights);
    Line { nodes, log_weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrate(line: &Line, g: impl Fn(f64) -> f64) -> f64 {
        line.nodes.iter().zip(&line.log_weights).map(|(z, w)| w.exp() * g(*z)).sum()
    }

    #[test]
    fn no_step_is_the_rectangular_rule() {
        let plain = rectangular::line(31);
        assert_eq!(line(31, &Grading::default()).nodes, plain.nodes);
    }

    /// E p^a (1 − p)^b with p = logistic(σ (z − c)) by a rule of 200,001 nodes; equal spacing of as many nodes is far off.
    #[test]
    fn steps_of_any_slope_are_integrated() {
        for slope in [3.0, 20.0, 500.0] {
            let grading = Grading { steps: vec![Step { centre: 0.7, slope }], smooth: false };
            let rule = line(31, &grading);
            assert!(rule.nodes.len() < 90, "{} nodes", rule.nodes.len());
            for (a, b) in [(1, 0), (5, 4), (9, 0)] {
                let g = |z: f64| {
                    let p = 1.0 / (1.0 + (-slope * (z - 0.7)).exp());
                    p.powi(a) * (1.0 - p).powi(b)
                };
                let n = 200_001;
                let h = 18.0 / (n - 1) as f64;
                let exact: f64 = (0..n)
                    .map(|k| -9.0 + h * k as f64)
                    .map(|z| h * g(z) * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt())
                    .sum();
                let error = (integrate(&rule, g) / exact - 1.0).abs();
                assert!(error < 2e-3, "slope {slope}, ({a}, {b}): {error}");
                let fine = (integrate(&line(61, &grading), g) / exact - 1.0).abs();
                assert!(fine < 1e-5, "slope {slope}, ({a}, {b}), finer: {fine}");
            }
        }
    }

    #[test]
    fn smooth_parts_keep_their_accuracy() {
        let grading = Grading { steps: vec![Step { centre: -1.0, slope: 40.0 }], smooth: true };
        let rule = line(31, &grading);
        assert!((integrate(&rule, |z| (0.8 * z).exp()) / (0.32f64).exp() - 1.0).abs() < 1e-6);
        assert!((integrate(&rule, |z| z * z) - 1.0).abs() < 1e-6);
    }
}
