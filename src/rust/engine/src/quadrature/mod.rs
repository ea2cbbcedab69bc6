//! Quadrature rules that integrate against the standard normal density in one or more dimensions.

mod gauss_hermite;
mod graded;
mod monte_carlo;
mod rectangular;
mod sobol;

use thiserror::Error;

pub use graded::{follows, Grading, Step};

/// How the nodes are placed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Equally spaced nodes in every dimension (Asparouhov & Muthén 2006, section 10).
    Rectangular,
    /// As `Rectangular`, but crowded where a class logit is nearly a step (`graded`), which Gradings tell.
    Graded,
    /// Gauss–Hermite nodes in every dimension, exact for polynomials of degree 2 points − 1.
    GaussHermite,
    /// Pseudo-random normal nodes.
    MonteCarlo,
    /// Scrambled Sobol nodes, mapped to the normal.
    Sobol,
}

/// ∫ g(z) φ(z) dz ≈ Σ_q exp(`log_weights[q]`) g(z_q), with φ the standard normal density in `dims` dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Number of dimensions; 0 is a single node.
    pub dims: usize,
    /// Number of nodes.
    pub n_nodes: usize,
    /// `[n_nodes × dims]`, node-major: dimension k of node q is `nodes[q * dims + k]`.
    pub nodes: Vec<f64>,
    /// Log weights; the weights sum to 1.
    pub log_weights: Vec<f64>,
}

/// Why a rule cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RuleError {
    #[error("quadrature needs at least 1 point; points is 0")]
    NoPoints,
    #[error("Gauss-Hermite quadrature takes at most {most} points per dimension; points is {points}")]
    TooManyPoints { points: usize, most: usize },
    #[error(
        "{points} points in each of {dims} dimensions make {n_nodes} nodes, more than the {max_nodes} that max_nodes \
         allows: use fewer points, another method (monte_carlo, sobol), or raise max_nodes"
    )]
    TooManyGridNodes { points: usize, dims: usize, n_nodes: f64, max_nodes: usize },
    #[error(
        "points is {points}, more than the {max_nodes} nodes that max_nodes allows: use fewer points or raise max_nodes"
    )]
    TooManyNodes { points: usize, max_nodes: usize },
    #[error("Sobol points are available for at most {most} dimensions; the model has {dims}: use monte_carlo instead")]
    TooManyDimensions { dims: usize, most: usize },
}

/// Builds a rule in `dims` dimensions.
///
/// `points` counts nodes per dimension for the two grids and in total for `MonteCarlo` and `Sobol`; `seed` is used by
/// those two. With `dims` = 0 the rule is one node of weight 1.
///
/// # Errors
/// No points, more than `max_nodes` nodes, or more points or dimensions than the method offers.
pub fn build(method: Method, points: usize, dims: usize, seed: u64, max_nodes: usize) -> Result<Rule, RuleError> {
    if points == 0 {
        return Err(RuleError::NoPoints);
    }
    if dims == 0 {
        return Ok(Rule { dims, n_nodes: 1, nodes: Vec::new(), log_weights: vec![0.0] });
    }
    match method {
        Method::Rectangular | Method::Graded | Method::GaussHermite => {
            let n_nodes = (points as f64).powf(dims as f64);
            if n_nodes > max_nodes as f64 {
                return Err(RuleError::TooManyGridNodes { points, dims, n_nodes, max_nodes });
            }
        }
        Method::MonteCarlo | Method::Sobol => {
            if points > max_nodes {
                return Err(RuleError::TooManyNodes { points, max_nodes });
            }
        }
    }
    match method {
        Method::Rectangular | Method::Graded => Ok(tensor(&rectangular::line(points), dims)),
        Method::GaussHermite if points > gauss_hermite::MOST_POINTS => {
            Err(RuleError::TooManyPoints { points, most: gauss_hermite::MOST_POINTS })
        }
        Method::GaussHermite => Ok(tensor(&gauss_hermite::line(points), dims)),
        Method::MonteCarlo => Ok(equal_weights(monte_carlo::nodes(points, dims, seed), dims, points)),
        Method::Sobol if dims > sobol::MOST_DIMENSIONS => {
            Err(RuleError::TooManyDimensions { dims, most: sobol::MOST_DIMENSIONS })
        }
        Method::Sobol => Ok(equal_weights(sobol::nodes(points, dims, seed), dims, points)),
    }
}

/// A grid with nodes graded dimension by dimension; `points` as for `Rectangular` where a dimension has no steps.
///
/// # Errors
/// No points or more than `max_nodes` nodes.
pub fn build_graded(points: usize, dims: &[Grading], max_nodes: usize) -> Result<Rule, RuleError> {
    if points == 0 {
        return Err(RuleError::NoPoints);
    }
    let lines: Vec<Line> = dims.iter().map(|g| graded::line(points, g)).collect();
    let n_nodes = lines.iter().map(|l| l.nodes.len() as f64).product::<f64>();
    if n_nodes > max_nodes as f64 {
        return Err(RuleError::TooManyGridNodes { points, dims: dims.len(), n_nodes, max_nodes });
    }
    Ok(product(&lines.iter().collect::<Vec<_>>()))
}

/// Drops the nodes whose weight is below `tolerance` times the largest, and rescales the others to sum to 1.
pub fn prune(rule: &mut Rule, tolerance: f64) {
    let largest = rule.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = largest + tolerance.ln();
    let kept: Vec<usize> = (0..rule.n_nodes).filter(|&q| rule.log_weights[q] >= least).collect();
    rule.nodes = kept.iter().flat_map(|&q| rule.nodes[q * rule.dims..(q + 1) * rule.dims].iter().copied()).collect();
    rule.log_weights = kept.iter().map(|&q| rule.log_weights[q]).collect();
    rule.n_nodes = kept.len();
    normalise(&mut rule.log_weights);
}

/// A rule in one dimension.
struct Line {
    nodes: Vec<f64>,
    log_weights: Vec<f64>,
}

/// The product of one line with itself; the first dimension varies fastest.
fn tensor(line: &Line, dims: usize) -> Rule {
    product(&vec![line; dims])
}

/// The product of lines, one per dimension; the first varies fastest.
fn product(lines: &[&Line]) -> Rule {
    let dims = lines.len();
    let n_nodes = lines.iter().map(|l| l.nodes.len()).product();
    let mut nodes = Vec::with_capacity(n_nodes * dims);
    let mut log_weights = Vec::with_capacity(n_nodes);
    for q in 0..n_nodes {
        let (mut rest, mut log_weight) = (q, 0.0);
        for line in lines {
            let points = line.nodes.len();
            nodes.push(line.nodes[rest % points]);
            log_weight += line.log_weights[rest % points];
            rest /= points;
        }
        log_weights.push(log_weight);
    }
    Rule { dims, n_nodes, nodes, log_weights }
}

fn equal_weights(nodes: Vec<f64>, dims: usize, n_nodes: usize) -> Rule {
    Rule { dims, n_nodes, nodes, log_weights: vec![-(n_nodes as f64).ln(); n_nodes] }
}

/// Subtracts a constant so that the weights sum to 1.
fn normalise(log_weights: &mut [f64]) {
    let total = crate::numeric::log_sum_exp(log_weights);
    for log_weight in log_weights {
        *log_weight -= total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 5] =
        [Method::Rectangular, Method::Graded, Method::GaussHermite, Method::MonteCarlo, Method::Sobol];

    /// Σ weight × g(node).
    fn integrate(rule: &Rule, g: impl Fn(&[f64]) -> f64) -> f64 {
        (0..rule.n_nodes).map(|q| rule.log_weights[q].exp() * g(&rule.nodes[q * rule.dims..(q + 1) * rule.dims])).sum()
    }

    #[test]
    fn weights_sum_to_one_and_shapes_agree() {
        for method in METHODS {
            for dims in 0..4 {
                let rule = build(method, 7, dims, 1, 10_000).unwrap();
                assert_eq!(rule.nodes.len(), rule.n_nodes * dims);
                assert_eq!(rule.log_weights.len(), rule.n_nodes);
                assert!((integrate(&rule, |_| 1.0) - 1.0).abs() < 1e-14);
            }
            assert_eq!(build(method, 7, 0, 1, 1).unwrap().n_nodes, 1);
        }
    }

    /// E exp(Σ a_k z_k) = exp(Σ a_k²/2) and E z₁² z₂² = 1, to the accuracy of each method.
    #[test]
    fn methods_integrate_smooth_functions() {
        for (method, points, tolerance) in [
            (Method::Rectangular, 15, 1e-4),
            (Method::GaussHermite, 15, 1e-10),
            (Method::MonteCarlo, 20_000, 0.05),
            (Method::Sobol, 4_096, 5e-3),
        ] {
            let rule = build(method, points, 2, 3, 100_000).unwrap();
            let exponential = integrate(&rule, |z| (0.5 * z[0] - 0.8 * z[1]).exp());
            let want = (0.5 * (0.25 + 0.64f64)).exp();
            assert!((exponential / want - 1.0).abs() < tolerance, "{method:?}: {exponential}");
            let squares = integrate(&rule, |z| z[0] * z[0] * z[1] * z[1]);
            assert!((squares - 1.0).abs() < 2.0 * tolerance, "{method:?}: {squares}");
        }
    }

    #[test]
    fn first_dimension_varies_fastest() {
        let rule = build(Method::GaussHermite, 3, 2, 0, 9).unwrap();
        assert_eq!(rule.nodes[1], rule.nodes[3]);
        assert_ne!(rule.nodes[0], rule.nodes[2]);
    }

    #[test]
    fn pruning_keeps_the_mass() {
        let mut rule = build(Method::GaussHermite, 15, 3, 0, 10_000).unwrap();
        let full = rule.n_nodes;
        prune(&mut rule, 1e-8);
        assert!(rule.n_nodes < full / 2);
        assert_eq!(rule.nodes.len(), 3 * rule.n_nodes);
        assert!((integrate(&rule, |_| 1.0) - 1.0).abs() < 1e-13);
        assert!((integrate(&rule, |z| z[2] * z[2]) - 1.0).abs() < 1e-5);
        let mut all = build(Method::Sobol, 64, 2, 0, 64).unwrap();
        let before = all.clone();
        prune(&mut all, 1e-8);
        assert_eq!(all.nodes, before.nodes);
    }

    #[test]
    fn refusals_name_the_number_and_the_limit() {
        let grid = build(Method::Rectangular, 15, 6, 0, 100_000).unwrap_err();
        assert!(grid.to_string().contains("11390625 nodes"), "{grid}");
        assert!(grid.to_string().contains("100000"), "{grid}");
        assert_eq!(build(Method::Sobol, 0, 1, 0, 10), Err(RuleError::NoPoints));
        for (method, points, dims) in [
            (Method::Sobol, 11, 1),
            (Method::MonteCarlo, 11, 1),
            (Method::Sobol, 8, 1_000),
            (Method::GaussHermite, 10, 400),
        ] {
            assert!(build(method, points, dims, 0, 10).is_err());
        }
        assert!(build(Method::GaussHermite, 201, 1, 0, 1_000).is_err());
    }

    #[test]
    fn seeds_decide_random_rules() {
        for method in [Method::MonteCarlo, Method::Sobol] {
            let rule = |seed| build(method, 50, 3, seed, 100).unwrap();
            assert_eq!(rule(1), rule(1));
            assert_ne!(rule(1), rule(2));
        }
    }
}
