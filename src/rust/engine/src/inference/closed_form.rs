//! Observed information in closed form (Louis 1982), where that costs less than differences of gradients.

use super::{louis, pairs};
use crate::compiled::Program;
use crate::em::space::Space;
use crate::likelihood::nodes::Nodes;

/// In optimiser coordinates, [n × n].
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
}

impl Way {
    /// The one that costs less than differences.
    fn cheapest(program: &Program) -> Option<Way> {
        if Way::Cells.is_possible(program) && louis::pays(program) {
            return Some(Way::Cells);
        }
        (Way::Pairs.is_possible(program) && pairs::pays(program)).then_some(Way::Pairs)
    }

    pub fn is_possible(self, program: &Program) -> bool {
        match self {
            Way::Cells => louis::is_possible(program),
            Way::Pairs => pairs::is_possible(program),
        }
    }

    /// `None` where the parameters are not admissible.
    pub fn information(self, program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Exact> {
        match self {
            Way::Cells => louis::information(program, space, nodes, x),
            Way::Pairs => pairs::information(program, space, nodes, x),
        }
    }
}

/// `None` where differences cost less or nothing else is possible.
pub fn information(program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Exact> {
    Way::cheapest(program)?.information(program, space, nodes, x)
}
