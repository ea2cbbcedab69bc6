//! Table of ∂ log f / ∂ parameter for every entry of a factor's table, from which scores of single clusters are summed.

use super::gaussian;
use super::predictor::{latents, Workspace};
use super::rows;
use super::table::{at, each_cell, set_view, Layout, Task};
use crate::compiled::factor::FactorKind;

/// [entries of the table × slots]; entries follow `table::Layout`, starting at the first value of the first design.
pub fn derivative_table(task: Task, w: &mut Workspace) -> Vec<f64> {
    let Task { point, nodes, f, designs } = task;
    let layout = Layout::new(f);
    let m = f.parameters.len();
    let all = f.patterns.values_of(designs);
    let mut out = vec![0.0; (all.1 - all.0) * layout.row() * m];
    if m == 0 {
        return out;
    }
    if rows::applies(f) {
        rows::derivatives(task, &mut out, w);
    }
    let FactorKind::Gaussian(group) = &f.kind else { return out };
    for design in designs.0..designs.1 {
        set_view(point.program, nodes, f, design, w);
        let at = at(f, design, true);
        let values = f.patterns.values_of((design, design + 1));
        each_cell(point.program, f, w, |w, cw, cb| {
            latents(point, &f.latents, &at, w);
            gaussian::scores(point, group, f, &at, values, layout.n_nodes, w, |v, q, score| {
                let entry = layout.start(v - all.0, cw, cb) + q;
                out[entry * m..(entry + 1) * m].copy_from_slice(score);
            });
            true
        });
    }
    out
}
