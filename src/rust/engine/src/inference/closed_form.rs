//! Observed information in closed form (Louis 1982), where that costs less than differences of gradients.

use super::states::{n_patterns, n_states};
use super::{louis, pairs, unit_pairs};
use crate::compiled::factor::Factor;
use crate::compiled::{Group, Program};
use crate::em::space::Space;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::likelihood::residuals::Residuals;
use crate::likelihood::table::Layout;

/// In optimiser coordinates, [n × n]; over the parameters where a way has just worked it out.
pub struct Exact {
    /// −∂² log L / ∂x ∂xᵀ
    pub information: Vec<f64>,
    /// Σ weight² s sᵀ over independent clusters, s the score of one; where they come with it.
    pub scores: Option<Vec<f64>>,
}

/// How it is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Scores of every unit in every class cell.
    Cells,
    /// Products of features, for units that show few values.
    Pairs,
    /// The same for units that are independent of each other.
    UnitPairs,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Cells, Way::Pairs, Way::UnitPairs];

    /// The one that costs least, if that is less than differences.
    fn cheapest(program: &Program) -> Option<Way> {
        let mut best = (None, steps_of_differences(program));
        for way in Way::ALL.into_iter().filter(|w| w.is_possible(program)) {
            let steps = way.steps(program);
            if steps < best.1 {
                best = (Some(way), steps);
            }
        }
        best.0
    }

    pub fn is_possible(self, program: &Program) -> bool {
        match self {
            Way::Cells => louis::is_possible(program),
            Way::Pairs => pairs::is_possible(program),
            Way::UnitPairs => unit_pairs::is_possible(program),
        }
    }

    /// What it costs, in steps of loops.
    fn steps(self, program: &Program) -> usize {
        match self {
            Way::Cells => louis::steps(program),
            Way::Pairs => pairs::steps(program),
            Way::UnitPairs => unit_pairs::steps(program),
        }
    }

    /// `None` where the parameters are not admissible.
    pub fn information(self, program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Exact> {
        let working = space.to_working(x);
        let residuals = Residuals::new(program, &working)?;
        let point = Point { program, parameters: &working, residuals: &residuals };
        let Exact { information, scores } = match self {
            Way::Cells => louis::information(&point, nodes),
            Way::Pairs => pairs::information(&point, nodes),
            Way::UnitPairs => unit_pairs::information(&point, nodes),
        }?;
        let coordinates = |m: Vec<f64>| space.matrix(&m, working.len());
        Some(Exact { information: coordinates(information), scores: scores.map(coordinates) })
    }
}

/// Steps for each state of a class and its separator, and for each value of a density: exponentials, quotients.
const CELL: usize = 8;

/// Of one gradient per parameter.
fn steps_of_differences(program: &Program) -> usize {
    // forward and back: rows that units look up, class cells, rows that clusters add up
    let lookups = |g: &Group| g.row() * (g.tree.roots.len() + g.local.len());
    let of_pattern = program.groups.iter().map(lookups).sum::<usize>()
        + CELL * program.n_outer() * program.elimination.total_cells();
    let of_clusters = match program.sharing.as_ref().and_then(|s| s.clusters.as_ref()) {
        Some(sums) => sums.tree.roots.len() * program.units.n_clusters(),
        None => program.units.n_units(),
    };
    let densities = |f: &Factor| f.patterns.n_values() * Layout::new(f).row() * CELL;
    let of_tables: usize = program.factors.iter().filter(|f| f.patterns.local.is_some()).map(densities).sum();
    let (outer, _) = n_states(program);
    2 * (n_patterns(program) * of_pattern + of_tables + outer * of_clusters) * program.model.parameters.len()
}

/// `None` where differences cost less or nothing else is possible.
pub fn information(program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Exact> {
    Way::cheapest(program)?.information(program, space, nodes, x)
}
