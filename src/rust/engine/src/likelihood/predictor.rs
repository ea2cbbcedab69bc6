//! Forward evaluation of latent variables and linear predictors along a node axis, with derivatives.
//!
//! A value is affine in the analytic dimensions: component 0 is the constant, component 1 + k the coefficient of the
//! k-th analytic residual. Derivatives are kept for the few free parameters that actually entered.

use super::gaussian;
use super::nodes::NodeView;
use super::residuals::Residuals;
use super::rows;
use crate::compiled::factor::NONE;
use crate::compiled::plan::How;
use crate::compiled::Program;
use crate::family::block::WeightedScores;
use crate::spec::{Level, Predictor, Term};

/// Values along `n` nodes; `value[component * n + node]`.
#[derive(Clone, Debug, Default)]
pub struct Affine {
    pub n: usize,
    pub components: usize,
    pub value: Vec<f64>,
    /// Free parameters (slots of the factor) that entered.
    pub slots: Vec<u32>,
    /// `derivative[(entry * components + component) * n + node]`
    pub derivative: Vec<f64>,
}

impl Affine {
    pub(super) fn reset(&mut self, n: usize, components: usize) {
        self.n = n;
        self.components = components;
        self.value.clear();
        self.value.resize(n * components, 0.0);
        self.slots.clear();
        self.derivative.clear();
    }
    pub(super) fn size(&self) -> usize {
        self.n * self.components
    }
    /// Offset of a slot's derivative, made if it is not there yet.
    pub(super) fn entry(&mut self, slot: u32) -> usize {
        let size = self.size();
        let e = self.slots.iter().position(|&s| s == slot).unwrap_or_else(|| {
            self.slots.push(slot);
            self.derivative.resize(self.slots.len() * size, 0.0);
            self.slots.len() - 1
        });
        e * size
    }
    pub fn derivative_of(&self, entry: usize) -> &[f64] {
        &self.derivative[entry * self.size()..(entry + 1) * self.size()]
    }
}

/// What an evaluation needs besides the factor: parameters and the residual factors at them.
pub struct Point<'a> {
    pub program: &'a Program,
    /// Working scale.
    pub parameters: &'a [f64],
    pub residuals: &'a Residuals,
}

/// How analytic dimensions map to components.
#[derive(Clone, Copy)]
pub struct Components<'a> {
    /// Within dimension numbers that are components 1, 2, …
    pub within: &'a [usize],
    /// Number of between dimensions, after the within ones.
    pub n_between: usize,
}

impl Components<'_> {
    pub const NONE: Components<'static> = Components { within: &[], n_between: 0 };
    pub fn count(&self) -> usize {
        1 + self.within.len() + self.n_between
    }
}

/// Workspace of one thread: values of all latents of the current design, cell and nodes.
#[derive(Default)]
pub struct Workspace {
    pub latents: Vec<Affine>,
    pub predictors: Vec<Affine>,
    pub state: Vec<usize>,
    pub view: NodeView,
    pub scores: WeightedScores,
    pub(crate) gaussian: gaussian::Buffers,
    pub(crate) rows: rows::Buffers,
}

/// Row, class states and nodes at which predictors are evaluated; `slot_of` maps parameters to slots.
pub struct At<'a> {
    pub row: usize,
    pub slot_of: &'a [u32],
    pub components: Components<'a>,
    pub derivatives: bool,
}

/// Evaluates the latents of a factor, in order, into `w.latents`.
pub fn latents(point: &Point, which: &[usize], at: &At, w: &mut Workspace) {
    let program = point.program;
    if w.latents.len() < program.model.latents.len() {
        w.latents.resize(program.model.latents.len(), Affine::default());
    }
    for &l in which {
        let (before, rest) = w.latents.split_at_mut(l);
        let out = &mut rest[0];
        out.reset(w.view.n, at.components.count());
        for t in &program.model.latents[l].predictor.terms {
            add_term(out, t, point, at, &w.state, before);
        }
        add_residual(out, l, point, at, &w.state, &w.view);
    }
}

/// Evaluates one linear predictor into `out`, from latents already evaluated.
pub fn predictor(
    p: &Predictor,
    point: &Point,
    at: &At,
    state: &[usize],
    n: usize,
    latents: &[Affine],
    out: &mut Affine,
) {
    out.reset(n, at.components.count());
    for t in &p.terms {
        add_term(out, t, point, at, state, latents);
    }
}

/// Adds a latent's own residual.
pub(super) fn add_residual(out: &mut Affine, latent: usize, point: &Point, at: &At, state: &[usize], view: &NodeView) {
    let program = point.program;
    let Some((b, position)) = program.plan.block_of[latent] else { return };
    let block = &program.plan.blocks[b];
    let (mut cell, mut stride) = (0, 1);
    for &c in &block.classes {
        cell += state[c] * stride;
        stride *= program.model.classes[c].n_classes;
    }
    let f = &point.residuals.blocks[b][cell];
    let n = out.n;
    for k in 0..=position {
        let Some(d) = program.plan.dimension_of[block.latents[k]] else { continue };
        let dim = &program.plan.dimensions[d];
        let entry = position * f.dim + k;
        // where this residual enters: component 0 times its node values, or a component of its own
        let z: Option<&[f64]> = match (dim.how, dim.level) {
            (How::Numeric, Level::Between) => Some(&view.between[dim.index * n..(dim.index + 1) * n]),
            (How::Numeric, Level::Within) => Some(&view.within[dim.index * n..(dim.index + 1) * n]),
            (How::Analytic, _) => None,
        };
        let component = match (dim.how, dim.level) {
            (How::Numeric, _) => 0,
            (How::Analytic, Level::Within) => {
                1 + at.components.within.iter().position(|&i| i == dim.index).unwrap_or(0)
            }
            (How::Analytic, Level::Between) => 1 + at.components.within.len() + dim.index,
        };
        let add = |target: &mut [f64], factor: f64| match z {
            Some(z) => target.iter_mut().zip(z).for_each(|(t, z)| *t += factor * z),
            None => target.iter_mut().for_each(|t| *t += factor),
        };
        add(&mut out.value[component * n..(component + 1) * n], f.t[entry]);
        if at.derivatives {
            for (p, dt) in f.derivatives.iter().filter(|(_, dt)| dt[entry] != 0.0) {
                let slot = at.slot_of[*p];
                if slot != NONE {
                    let start = out.entry(slot) + component * n;
                    add(&mut out.derivative[start..start + n], dt[entry]);
                }
            }
        }
    }
}

fn add_term(out: &mut Affine, term: &Term, point: &Point, at: &At, state: &[usize], latents: &[Affine]) {
    let coefficient = term.coefficient.value(state, point.parameters);
    let x = term.covariate.map_or(1.0, |c| point.program.sample.columns[c][at.row]);
    let slot = match term.coefficient.parameter(state) {
        Some(p) if at.derivatives => at.slot_of[p],
        _ => NONE,
    };
    let n = out.n;
    match term.latents[..] {
        [] => {
            out.value[..n].iter_mut().for_each(|v| *v += coefficient * x);
            if slot != NONE {
                let start = out.entry(slot);
                out.derivative[start..start + n].iter_mut().for_each(|v| *v += x);
            }
        }
        [l] => {
            let f = &latents[l];
            axpy(&mut out.value, coefficient * x, &f.value);
            if slot != NONE {
                let start = out.entry(slot);
                let size = out.size();
                axpy(&mut out.derivative[start..start + size], x, &f.value);
            }
            if at.derivatives {
                chain(out, coefficient * x, f);
            }
        }
        [a, b, ..] => {
            let (f, g) = (&latents[a], &latents[b]);
            let mut product = vec![0.0; out.size()];
            multiply(&mut product, n, &f.value, &g.value);
            axpy(&mut out.value, coefficient * x, &product);
            if slot != NONE {
                let start = out.entry(slot);
                axpy(&mut out.derivative[start..start + product.len()], x, &product);
            }
            if at.derivatives {
                for (f, g) in [(f, g), (g, f)] {
                    for (e, &s) in f.slots.iter().enumerate() {
                        multiply(&mut product, n, f.derivative_of(e), &g.value);
                        let start = out.entry(s);
                        axpy(&mut out.derivative[start..start + product.len()], coefficient * x, &product);
                    }
                }
            }
        }
    }
}

#[inline]
pub(super) fn axpy(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

fn chain(out: &mut Affine, factor: f64, f: &Affine) {
    for (e, &s) in f.slots.iter().enumerate() {
        let start = out.entry(s);
        let size = out.size();
        axpy(&mut out.derivative[start..start + size], factor, f.derivative_of(e));
    }
}

/// Product of two affine values of which at most one has components beyond the constant (the plan sees to it).
pub(super) fn multiply(out: &mut [f64], n: usize, f: &[f64], g: &[f64]) {
    let components = out.len() / n;
    for q in 0..n {
        out[q] = f[q] * g[q];
    }
    for c in 1..components {
        for q in 0..n {
            out[c * n + q] = f[q] * g[c * n + q] + f[c * n + q] * g[q];
        }
    }
}
