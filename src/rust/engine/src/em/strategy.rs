//! Chooses the rule of integration where the user left it open.
//!
//! Nodes common to all clusters let equal data patterns share their densities, so a fine common grid is often cheaper
//! than adaptive nodes; it is tried first where patterns are shared and kept only while halving its step hardly changes
//! the log-likelihood. Otherwise nodes are adapted; in one dimension, a poor integral is repeated on ever finer grids.
//! From four dimensions on the points are quasi-random.

use super::options::{Quadrature, QuadratureRequest};
use crate::compiled::Program;
use crate::quadrature::Method;

/// Points per dimension of the rule for random starts in two and more dimensions.
const COARSE_POINTS: usize = 7;
/// Most dimensions for a grid by default.
const MAX_GRID: usize = 3;
/// Points of common grids to fall back on in one dimension.
const FINER_POINTS: [usize; 2] = [401, 1601];
/// Integration error above which they are tried.
pub const POOR: f64 = 0.005;
/// Integration error of the finest of several common grids that is accepted without adaptation.
pub const ACCEPTED: f64 = 0.1;
/// Integration error of moved random points above which the maximum belongs to the points and not to the model.
pub const EXPLOITED: f64 = 1.0;
/// A finer common grid must bring the error down to this share for an even finer one to be tried.
pub const SHRINKING: f64 = 0.4;
/// Change of the log-likelihood under a finer common grid that is accepted without adaptation.
pub const COMMON_TOLERANCE: f64 = 2e-3;

/// Rules of a rough search.
#[derive(Clone, Copy, Debug)]
pub struct Coarse {
    /// For the short climbs of all starts.
    pub first: Quadrature,
    /// For those that are continued.
    pub last: Quadrature,
}

#[derive(Clone, Debug)]
pub struct Strategy {
    /// Common grids to try first, ever finer, if the compiled program shares patterns.
    pub common: Vec<Quadrature>,
    /// Coarse common grids for the random starts, whose different ends then climb on the first of `common`.
    pub coarse: Option<Coarse>,
    /// What to use otherwise.
    pub main: Quadrature,
    /// A coarse adaptive rule for the random starts, whose best then climbs on `main`.
    pub coarse_main: Option<Quadrature>,
    /// Ever finer common grids for integrands too steep for all of these (a class logit whose variance is very large).
    pub finer: Vec<Quadrature>,
}

impl Strategy {
    /// `dims`: numeric dimensions between and within.
    pub fn new(request: &QuadratureRequest, dims: (usize, usize)) -> Strategy {
        let total = dims.0 + dims.1;
        let method = request.method.unwrap_or(if total <= MAX_GRID { Method::Rectangular } else { Method::Sobol });
        // the climb exploits few random points once they are moved
        let adaptive = request.adaptive.unwrap_or(!matches!(method, Method::MonteCarlo | Method::Graded));
        let grid = matches!(method, Method::Rectangular | Method::Graded | Method::GaussHermite);
        let usual = match (grid, total) {
            (true, 0 | 1) => 31,
            (true, _) => 15,
            (false, _) if dims.0 > 0 && dims.1 > 0 => 300,
            (false, _) => 2000,
        };
        let main =
            Quadrature { method, points: request.points.unwrap_or(usual), adaptive, max_nodes: request.max_nodes };
        let open = request.method.is_none() && request.points.is_none() && request.adaptive.is_none();
        let points: &[usize] = match total {
            1 if open => &[49, 201],
            2 if open => &[25, 49, 121],
            _ => &[],
        };
        let grid_of = |points: usize| Quadrature { points, adaptive: false, ..main };
        let common: Vec<Quadrature> = points.iter().map(|&p| grid_of(p)).collect();
        let coarse = (open && total == 2).then(|| Coarse { first: grid_of(15), last: grid_of(21) });
        let costly = total >= 1 && grid && adaptive && main.points > COARSE_POINTS;
        let coarse_main = costly.then_some(Quadrature { method: Method::GaussHermite, points: COARSE_POINTS, ..main });
        let finer = FINER_POINTS.iter().filter(|_| open && total == 1);
        let finer = finer.map(|&points| Quadrature { method: Method::Rectangular, points, adaptive: false, ..main });
        Strategy { common, coarse, main, coarse_main, finer: finer.collect() }
    }
}

/// Whether a program with common nodes shares enough to be worth trying.
pub fn shares_patterns(program: &Program) -> bool {
    let by_node = program.factors.iter().filter(|f| f.axis.between() || f.axis.within());
    let table: usize = by_node.clone().map(|f| f.patterns.n_values() * f.n_cells() * f.n_nodes()).sum();
    let tables_are_shared = by_node.clone().all(|f| f.patterns.local.is_none()) && table <= 1 << 22;
    tables_are_shared
        && (program.sharing.is_some()
            || program.plan.count(crate::spec::Level::Between, crate::compiled::plan::How::Numeric) == 0)
}
