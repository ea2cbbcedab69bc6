//! Rectangular quadrature: equally spaced nodes on ±2.7 (points − 1)^¼, weights proportional to the normal density.
//!
//! The range balances what is cut off, about exp(−reach²/2), against the spacing h = 2 reach / (points − 1), whose error
//! falls as exp(−c / h) with a c that depends on how far the integrand is from normal.

use super::{normalise, Line};

/// Largest node.
pub fn reach(points: usize) -> f64 {
    2.7 * ((points - 1) as f64).sqrt().sqrt()
}

/// The rule in one dimension (Asparouhov & Muthén 2006, section 10). Because the weights are proportional to φ and
/// sum to 1, this is the trapezoid rule, which converges geometrically for smooth integrands with normal tails.
pub fn line(points: usize) -> Line {
    let reach = reach(points);
    let nodes: Vec<f64> = (0..points)
        .map(|q| {
            if points == 1 {
                0.0
            } else {
                // Written so that nodes are exactly symmetric about 0.
                reach * (2.0 * q as f64 - (points - 1) as f64) / (points - 1) as f64
            }
        })
        .collect();
    let mut log_weights: Vec<f64> = nodes.iter().map(|z| -0.5 * z * z).collect();
    normalise(&mut log_weights);
    Line { nodes, log_weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_symmetric_with_the_stated_reach() {
        let rule = line(15);
        assert!((rule.nodes[14] - 2.7 * 14f64.powf(0.25)).abs() < 1e-15);
        assert_eq!(rule.nodes[7], 0.0);
        for q in 0..15 {
            assert_eq!(rule.nodes[q], -rule.nodes[14 - q]);
        }
        assert_eq!(line(1).nodes, [0.0]);
        assert_eq!(line(1).log_weights, [0.0]);
    }

    #[test]
    fn moments_converge() {
        for (points, tolerance) in [(15, 2e-5), (31, 1e-7), (61, 1e-10)] {
            let rule = line(points);
            for (power, want) in [(2, 1.0), (4, 3.0)] {
                let got: f64 = rule.nodes.iter().zip(&rule.log_weights).map(|(z, w)| w.exp() * z.powi(power)).sum();
                assert!((got - want).abs() < 30.0 * tolerance, "{points}: {got}");
            }
        }
    }
}
