//! Complete separation: logits (of a class, of a categorical outcome) whose probabilities are all 0 or 1, so that their
//! coefficients run to infinity.

use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::Program;
use crate::em::space::Space;
use crate::family::Family;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::likelihood::table::{fill, Layout, Task};

/// Probabilities closer to 0 or 1 than this count as 0 or 1.
const CERTAIN: f64 = 1e-6;

/// Per coordinate, whether it stands in logits that the predictors separate completely.
pub fn separated(program: &Program, space: &Space, nodes: &Nodes, working: &[f64]) -> Vec<bool> {
    let mut parameters = vec![false; working.len()];
    if let Some(residuals) = Residuals::new(program, working) {
        let point = Point { program, parameters: working, residuals: &residuals };
        for f in program.factors.iter().chain(&program.cluster_factors) {
            if !f.covariates.is_empty() && is_categorical(program, f) && certain(&point, nodes, f) {
                f.parameters.iter().for_each(|&p| parameters[p] = true);
            }
        }
    }
    // a prior keeps its parameter finite
    space.priors.parameters().for_each(|p| parameters[p] = false);
    space.columns.iter().map(|c| c.iter().any(|(p, _)| parameters[*p])).collect()
}

fn is_categorical(program: &Program, f: &Factor) -> bool {
    match f.kind {
        FactorKind::Logits(_) => true,
        FactorKind::Outcome(o) => matches!(
            program.model.outcomes[o].family,
            Family::Bernoulli { .. } | Family::Ordinal { .. } | Family::Nominal { .. }
        ),
        _ => false,
    }
}

fn certain(point: &Point, nodes: &Nodes, f: &Factor) -> bool {
    let row = Layout::new(f).row();
    let mut workspace = Workspace::default();
    (0..f.patterns.n_designs()).all(|d| {
        let values = f.patterns.values_of((d, d + 1));
        let mut table = vec![0.0; (values.1 - values.0) * row];
        fill(Task { point, nodes, f, designs: (d, d + 1) }, &mut table, &mut workspace)
            && table.iter().all(|l| l.exp() < CERTAIN || l.exp() > 1.0 - CERTAIN)
    })
}
