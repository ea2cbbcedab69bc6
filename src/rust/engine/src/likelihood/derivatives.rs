//! Table of ∂ log f / ∂ parameter for every entry of a factor's table, from which scores of single clusters are summed.

use super::gaussian;
use super::predictor::{latents, Affine, Workspace};
use super::table::{at, auxiliary, class_stride, each_cell, evaluate_predictors, log_softmax, set_view, Layout, Task};
use crate::compiled::factor::{FactorKind, NONE};

/// [entries of the table × slots]; entries follow `table::Layout`, starting at the first value of the first design.
pub fn derivative_table(task: Task, w: &mut Workspace) -> Vec<f64> {
    let Task { point, nodes, f, designs } = task;
    let program = point.program;
    let layout = Layout::new(f);
    let m = f.parameters.len();
    let all = f.patterns.values_of(designs);
    let mut out = vec![0.0; (all.1 - all.0) * layout.row() * m];
    if m == 0 {
        return out;
    }
    let n = layout.n_nodes;
    for design in designs.0..designs.1 {
        set_view(program, nodes, f, design, w);
        let at = at(f, design, true);
        let values = f.patterns.values_of((design, design + 1));
        each_cell(program, f, w, |w, cw, cb| {
            match &f.kind {
                FactorKind::Known(_) | FactorKind::Latent(_) => {}
                FactorKind::Outcome(o) => {
                    let o = &program.model.outcomes[*o];
                    latents(point, &f.latents, &at, w);
                    evaluate_predictors(point, o.predictors.iter(), &at, w);
                    let aux = auxiliary(o, &w.state, point.parameters);
                    let k = o.predictors.len();
                    let (mut eta, mut score) = (vec![0.0; k], vec![0.0; k + aux.len()]);
                    for v in values.0..values.1 {
                        let row = f.patterns.row[v] as usize;
                        let trials = o.trials.map_or(1.0, |t| program.sample.columns[t][row]);
                        for q in 0..n {
                            eta.iter_mut().zip(&w.predictors).for_each(|(e, p)| *e = p.value[q]);
                            o.family.score(program.sample.columns[o.column][row], trials, &eta, &aux, &mut score);
                            let entry = layout.start(v - all.0, cw, cb) + q;
                            let row = &mut out[entry * m..(entry + 1) * m];
                            add_predictors(&w.predictors[..k], q, &score, row);
                            for (a, s) in o.auxiliary.iter().zip(&score[k..]) {
                                if let Some(slot) = a.parameter(&w.state).map(|p| f.slot_of[p]).filter(|s| *s != NONE) {
                                    row[slot as usize] += s;
                                }
                            }
                        }
                    }
                }
                FactorKind::Logits(c) => {
                    if w.state[*c] != 0 {
                        return true;
                    }
                    let logits = &program.model.classes[*c].logits;
                    latents(point, &f.latents, &at, w);
                    evaluate_predictors(point, logits.iter(), &at, w);
                    let k = logits.len();
                    let log_p = log_softmax(&w.predictors[..k], n);
                    let stride = class_stride(program, f, *c);
                    let mut score = vec![0.0; k];
                    for state in 0..=k {
                        for q in 0..n {
                            for a in 0..k {
                                score[a] = f64::from(u8::from(a == state)) - log_p[a * n + q].exp();
                            }
                            let entry =
                                layout.start(values.0 - all.0, cw + state * stride.0, cb + state * stride.1) + q;
                            add_predictors(&w.predictors[..k], q, &score, &mut out[entry * m..(entry + 1) * m]);
                        }
                    }
                }
                FactorKind::Gaussian(group) => {
                    gaussian::scores(point, group, f, &at, values, n, w, |v, q, score| {
                        let entry = layout.start(v - all.0, cw, cb) + q;
                        out[entry * m..(entry + 1) * m].copy_from_slice(score);
                    });
                }
            }
            true
        });
    }
    out
}

fn add_predictors(predictors: &[Affine], q: usize, score: &[f64], row: &mut [f64]) {
    for (p, s) in predictors.iter().zip(score) {
        for (e, &slot) in p.slots.iter().enumerate() {
            row[slot as usize] += s * p.derivative_of(e)[q];
        }
    }
}
