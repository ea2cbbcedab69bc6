//! Predictors of gaussian outcomes as coefficients of the factor's columns X (`compiled::linear`), for one class cell
//! and all nodes, with derivatives: predictor = Σ_m X_m (b_m0 + Σ_k b_mk z_k), z the analytic residuals.
//!
//! Values are `Affine` with components m × (1 + analytic residuals) + k: those of one monomial stand together.

use super::predictor::{add_residual, axpy, multiply, Affine, At, Components, Point, Workspace};
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::compiled::linear::Linear;
use crate::spec::Term;

/// What is evaluated: slots of the parameters, and how many analytic between residuals there are.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub slot_of: &'a [u32],
    pub n_between: usize,
    pub derivatives: bool,
}

/// Coefficients of the factor's outcomes at the states and nodes of the workspace, [outcomes].
pub(super) fn evaluate(point: &Point, f: &Factor, frame: Frame, w: &mut Workspace, out: &mut Vec<Affine>) {
    let (FactorKind::Gaussian(group), Some(linear)) = (&f.kind, &f.linear) else { return };
    let model = &point.program.model;
    let at = At {
        row: 0,
        slot_of: frame.slot_of,
        components: Components { within: &f.analytic, n_between: frame.n_between },
        derivatives: frame.derivatives,
    };
    let c = at.components.count();
    if w.latents.len() < model.latents.len() {
        w.latents.resize(model.latents.len(), Affine::default());
    }
    for &l in &f.latents {
        let (before, rest) = w.latents.split_at_mut(l);
        rest[0].reset(w.view.n, linear.n_monomials() * c);
        for t in &model.latents[l].predictor.terms {
            add_term(&mut rest[0], t, point, &at, linear, &w.state, before);
        }
        // the residual stands at the first monomial, the constant
        add_residual(&mut rest[0], l, point, &at, &w.state, &w.view);
    }
    out.resize_with(group.len(), Affine::default);
    for (i, (&o, out)) in group.iter().zip(out).enumerate() {
        out.reset(w.view.n, linear.n_columns * c);
        for t in &model.outcomes[o].predictors[0].terms {
            add_term(out, t, point, &at, linear, &w.state, &w.latents);
        }
        centre(out, linear, c, linear.outcome_centre[i]);
    }
}

/// From coefficients of the raw columns to those of centred ones, for the outcome less its own centre.
fn centre(out: &mut Affine, linear: &Linear, c: usize, of_outcome: f64) {
    let (n, size) = (out.n, out.size());
    let shift = |values: &mut [f64]| {
        let (constant, rest) = values.split_at_mut(c * n);
        for (block, &by) in rest.chunks_exact(c * n).zip(&linear.centre[1..]) {
            axpy(constant, by, block);
        }
    };
    shift(&mut out.value);
    out.derivative.chunks_exact_mut(size).for_each(shift);
    out.value[..n].iter_mut().for_each(|v| *v -= of_outcome);
}

fn add_term(
    out: &mut Affine,
    term: &Term,
    point: &Point,
    at: &At,
    linear: &Linear,
    state: &[usize],
    latents: &[Affine],
) {
    let coefficient = term.coefficient.value(state, point.parameters);
    let slot = match term.coefficient.parameter(state) {
        Some(p) if at.derivatives => at.slot_of[p],
        _ => NONE,
    };
    let n = out.n;
    let width = at.components.count() * n;
    let place = |m: usize| m * width..(m + 1) * width;
    match term.latents[..] {
        [] => {
            let start = linear.product(0, 0, term.covariate) * width;
            out.value[start..start + n].iter_mut().for_each(|v| *v += coefficient);
            if slot != NONE {
                let start = start + out.entry(slot);
                out.derivative[start..start + n].iter_mut().for_each(|v| *v += 1.0);
            }
        }
        [l] => {
            let f = &latents[l];
            for &m in &linear.of_latent[l] {
                let to = place(linear.product(m, 0, term.covariate));
                axpy(&mut out.value[to.clone()], coefficient, &f.value[place(m)]);
                if slot != NONE {
                    let start = out.entry(slot);
                    axpy(&mut out.derivative[start + to.start..start + to.end], 1.0, &f.value[place(m)]);
                }
                if at.derivatives {
                    for (e, &s) in f.slots.iter().enumerate() {
                        let start = out.entry(s);
                        let from = &f.derivative_of(e)[place(m)];
                        axpy(&mut out.derivative[start + to.start..start + to.end], coefficient, from);
                    }
                }
            }
        }
        [a, b, ..] => {
            let mut product = vec![0.0; width];
            for &ma in &linear.of_latent[a] {
                for &mb in &linear.of_latent[b] {
                    let to = place(linear.product(ma, mb, term.covariate));
                    let (f, g) = ((&latents[a], place(ma)), (&latents[b], place(mb)));
                    multiply(&mut product, n, &f.0.value[f.1.clone()], &g.0.value[g.1.clone()]);
                    axpy(&mut out.value[to.clone()], coefficient, &product);
                    if slot != NONE {
                        let start = out.entry(slot);
                        axpy(&mut out.derivative[start + to.start..start + to.end], 1.0, &product);
                    }
                    if at.derivatives {
                        for ((f, mf), (g, mg)) in [(f.clone(), g.clone()), (g, f)] {
                            for (e, &s) in f.slots.iter().enumerate() {
                                multiply(&mut product, n, &f.derivative_of(e)[mf.clone()], &g.value[mg.clone()]);
                                let start = out.entry(s);
                                axpy(&mut out.derivative[start + to.start..start + to.end], coefficient, &product);
                            }
                        }
                    }
                }
            }
        }
    }
}
