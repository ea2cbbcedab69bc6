//! Monte Carlo quadrature: independent normal draws, equally weighted.

use crate::rng::Stream;

/// The stream of a seed that draws Monte Carlo nodes, and nothing else.
const STREAM: u64 = 0x7175_6164_7261_7475;

/// `[points × dims]`, node-major.
pub fn nodes(points: usize, dims: usize, seed: u64) -> Vec<f64> {
    let mut rng = Stream::new(seed, STREAM);
    (0..points * dims).map(|_| rng.normal()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_points_extend_the_same_sequence() {
        assert_eq!(nodes(10, 2, 5), nodes(20, 2, 5)[..20]);
    }
}
